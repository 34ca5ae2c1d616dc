"""Where the programs of a new consortium find one another: on ports of this machine, or by name in the networks of its
containers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from nodes.broker.broker import LOOPBACK, free_port
from nodes.deploy.authority import LOCAL_HOSTS
from nodes.deploy.brokers import BrokerKind
from nodes.deploy.deployment import BrokerPlace, GatewayPlace, How

TLS_PORT = 8883  # of a broker in a container: nobody else is there
ANYWHERE = "0.0.0.0"  # in the networks of a container


class BusPlaces(NamedTuple):
    """`bind`: where the brokers listen; `user`: as whom Mosquitto is to run where root starts it (None: as root).
    `hosts`: all that they are called by."""

    brokers: Sequence[BrokerPlace]
    bind: str
    user: str | None
    hosts: Sequence[str]


def gateway_places(members: Sequence[str], taken: Collection[int]) -> dict[str, GatewayPlace]:
    """A port of this machine's loopback for each member's gateway (of a container it is published there), none of those
    that are `taken` already. Raises UserError where no port is free."""
    found = dict(zip(members, free_ports(len(members), taken), strict=True))
    return {name: GatewayPlace(LOOPBACK, port) for name, port in found.items()}


def free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    """Raises UserError where there are not so many."""
    ports: list[int] = []
    while len(ports) < count:
        port = free_port()
        if port not in ports and port not in taken:
            ports.append(port)
    return ports


def bus_places(how: How, kind: BrokerKind, count: int) -> BusPlaces:
    """Raises UserError where no port is free."""
    names = [f"broker-{number}" for number in range(1, count + 1)]
    if how == "docker":
        return BusPlaces(
            [BrokerPlace(name, kind, name, TLS_PORT) for name in names], ANYWHERE, "", (*LOCAL_HOSTS, *names)
        )
    places = [BrokerPlace(name, kind, LOOPBACK, port) for name, port in zip(names, free_ports(count), strict=True)]
    return BusPlaces(places, LOOPBACK, None, (*LOCAL_HOSTS, *names))
