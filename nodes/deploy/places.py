"""Where the programs of a new consortium find one another: on ports of this machine, or by name in the networks of its
containers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nodes.broker.broker import LOOPBACK, free_port
from nodes.deploy.authority import LOCAL_HOSTS
from nodes.deploy.brokers import BrokerKind
from nodes.deploy.deployment import BrokerPlace, How

TLS_PORT = 8883  # of a broker in a container: nobody else is there
ANYWHERE = "0.0.0.0"  # in the networks of a container


class BusPlaces(NamedTuple):
    """`bind`: where the brokers listen; `user`: as whom Mosquitto is to run where root starts it (None: as root).
    `hosts`: all that they are called by."""

    brokers: Sequence[BrokerPlace]
    bind: str
    user: str | None
    hosts: Sequence[str]


def bus_places(how: How, kind: BrokerKind, count: int) -> BusPlaces:
    """Raises UserError where no port is free."""
    names = [f"broker-{number}" for number in range(1, count + 1)]
    if how == "docker":
        return BusPlaces(
            [BrokerPlace(name, kind, name, TLS_PORT) for name in names], ANYWHERE, "", (*LOCAL_HOSTS, *names)
        )
    ports: list[int] = []
    while len(ports) < count:
        port = free_port()
        if port not in ports:
            ports.append(port)
    places = [BrokerPlace(name, kind, LOOPBACK, port) for name, port in zip(names, ports, strict=True)]
    return BusPlaces(places, LOOPBACK, None, (*LOCAL_HOSTS, *names))
