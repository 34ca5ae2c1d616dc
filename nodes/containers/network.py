"""The network of one run in containers: of its own, closed to the outside, and each container keeps its address."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from nodes.containers.engine import Engine, EngineError


class RunNetwork:
    """Made at once; `remove` when all containers are gone. Names in it need no name server, which Podman may lack: the
    broker has an address that is known beforehand. Raises EngineError."""

    def __init__(self, engine: Engine, name: str, labels: Mapping[str, str]) -> None:
        self.name = name
        self._engine = engine
        self._addresses: dict[str, str] = {}  # of those that were taken out
        words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        engine.ask("network", "create", "--internal", *words, name)
        subnet = _subnet(json.loads(engine.ask("network", "inspect", name))[0])
        engine.ask("network", "rm", name)  # an address may be asked for only where the subnet was named
        engine.ask("network", "create", "--internal", *words, "--subnet", str(subnet), name)
        self.broker_address = str(subnet[-2])  # the engine gives others from the other end

    def take_out(self, container: str) -> bool:
        """Nothing reaches this container any more, and it reaches nobody. Whether it was in."""
        try:
            told: dict[str, Any] = json.loads(self._engine.ask("container", "inspect", container))[0]
            address = told["NetworkSettings"]["Networks"][self.name]["IPAddress"]
            self._engine.ask("network", "disconnect", self.name, container)
        except (EngineError, KeyError):
            return False
        self._addresses[container] = address
        return True

    def put_back(self, container: str) -> None:
        """With the address that it had, so that its connections go on."""
        address = self._addresses.pop(container, "")
        words = ("--ip", address) if address else ()
        if not self._engine.does("network", "connect", *words, self.name, container):
            self._engine.does("network", "connect", self.name, container)

    def remove(self) -> None:
        self._engine.does("network", "rm", self.name)


def _subnet(told: Mapping[str, Any]) -> IPv4Network:
    """As Docker and as Podman tell it."""
    ways = (told.get("IPAM") or {}).get("Config") or told.get("subnets") or []
    found = [str(way.get("Subnet") or way.get("subnet")) for way in ways]
    for text in found:
        with contextlib.suppress(ValueError):
            return IPv4Network(text)
    raise EngineError(f"the engine made a network without IPv4 ({', '.join(found)})")
