"""Where the programs of a run are: as processes of this machine, or in containers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from consortium.core.membership import NodeId
from nodes.broker.broker import Broker
from nodes.broker.several import check_brokers, make_brokers
from nodes.conduct.local_world import LocalWorld
from nodes.conduct.node_process import NodeProcess
from nodes.process.settings import NodeFolder


class Site(Protocol):
    """`name`: as the trace says it. `world`: what fate can do there."""

    name: str

    @property
    def world(self) -> type[LocalWorld]: ...

    def check_broker(self, text: str) -> None:
        """Whether `text` names a broker that can be had there. Raises UserError."""
        ...

    def make_broker(self, text: str, folder: Path, chain: bytes, names: Sequence[str]) -> Broker: ...

    def make_node(self, folder: NodeFolder, name: NodeId) -> NodeProcess: ...

    def close(self) -> None:
        """All programs have ended: nothing else of the run is left there, either."""
        ...


class Local:
    """Processes of this machine, with a broker on loopback."""

    name = "local"
    world = LocalWorld

    def check_broker(self, text: str) -> None:
        check_brokers(text)

    def make_broker(self, text: str, folder: Path, chain: bytes, names: Sequence[str]) -> Broker:
        return make_brokers(text, folder, chain, names)

    def make_node(self, folder: NodeFolder, name: NodeId) -> NodeProcess:
        return NodeProcess(folder, name)

    def close(self) -> None:
        pass
