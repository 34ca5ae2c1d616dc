"""One member's node in a container of its own, as the conductor of a run sees it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.plugins.record import COPIES
from nodes.conduct.node_process import NodeProcess
from nodes.containers.container import Container, Mount, Order, give
from nodes.containers.engine import Engine
from nodes.containers.network import RunNetwork
from nodes.process import failpoints
from nodes.process.settings import NodeFolder

BROKER = "broker"  # as nodes call it
SEEN = PurePosixPath("/consortium")  # where a container sees the run's folder


class Setting(NamedTuple):
    """What all containers of one run share. `stem`: what their names begin with."""

    engine: Engine
    image: str
    network: RunNetwork
    stem: str
    labels: dict[str, str]


class NodeContainer(NodeProcess):
    """It sees genesis and scenario, which it cannot change, and its own folder; nothing of another member."""

    def __init__(self, folder: NodeFolder, name: NodeId, setting: Setting) -> None:
        super().__init__(folder, name)
        self._setting = setting
        self._lives = 0
        self.is_out = False  # of the network

    def _spawn(self, failpoint: str) -> Container:
        setting = self._setting
        self._lives += 1
        self.is_out = False
        give(self.folder.folder, setting.engine.owner)
        run = self.folder.run
        shared = [path for path in (run / "genesis.json", run / "scenario.json", run / COPIES) if path.exists()]
        order = Order(
            image=setting.image,
            name=f"{setting.stem}-{self.name}-{self._lives}",
            network=setting.network.name,
            labels=setting.labels,
            mounts=[
                *(Mount(path, str(SEEN / path.name)) for path in shared),
                Mount(self.folder.folder, str(SEEN / "nodes" / self.name), is_writable=True),
            ],
            command=["python", "-P", *self._arguments(SEEN)],
            hosts={BROKER: setting.network.broker_address},
            environment={failpoints.VARIABLE: failpoint} if failpoint else {},
        )
        return Container(setting.engine, order, self.folder.log)

    def take_out(self) -> None:
        """Out of the network, until `put_back` or its next life."""
        if isinstance(self.process, Container):
            self.is_out = self._setting.network.take_out(self.process.container)

    def put_back(self) -> None:
        if isinstance(self.process, Container) and self.is_out:
            self._setting.network.put_back(self.process.container)
        self.is_out = False
