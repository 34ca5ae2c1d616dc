"""A run in containers: its engine, image, network, broker and nodes; nothing of it is left behind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

from consortium.core.membership import NodeId
from nodes.broker.broker import Broker
from nodes.containers.brokers import check_kind, make_broker
from nodes.containers.container import give
from nodes.containers.docker_world import DockerWorld
from nodes.containers.engine import find_engine, find_image
from nodes.containers.leftovers import CONDUCTOR_LABEL, RUN_LABEL, own_mark, sweep
from nodes.containers.network import RunNetwork
from nodes.containers.node_container import NodeContainer, Setting
from nodes.process.settings import NodeFolder


class InContainers:
    """See `nodes.conduct.site.Site`. Raises UserError where there is no engine, or no image."""

    name = "docker"
    world = DockerWorld

    def __init__(self) -> None:
        self._engine = find_engine()
        self._image = find_image(self._engine, is_of_these_sources=True)
        self._run = token_hex(4)
        self._setting: Setting | None = None
        self._given: list[NodeFolder] = []
        sweep(self._engine)

    def check_broker(self, text: str) -> None:
        check_kind(text)

    def make_broker(self, text: str, folder: Path, chain: bytes, names: Sequence[str]) -> Broker:
        stem = f"consortium-{self._run}"
        labels = {RUN_LABEL: self._run, CONDUCTOR_LABEL: own_mark()}
        network = RunNetwork(self._engine, stem, labels)
        self._setting = Setting(self._engine, self._image, network, stem, labels)
        return make_broker(text, folder, chain, names, self._setting)

    def make_node(self, folder: NodeFolder, name: NodeId) -> NodeContainer:
        assert self._setting is not None, "the broker is made first, and the network with it"
        self._given.append(folder)
        return NodeContainer(folder, name, self._setting)

    def close(self) -> None:
        of_run = f"{RUN_LABEL}={self._run}"
        containers, networks = (
            [name for name, _ in self._engine.labelled(kind, of_run)] for kind in ("container", "network")
        )
        self._engine.remove(containers, networks)
        if self._engine.owner is not None:
            for folder in self._given:
                give(folder.folder, os.geteuid())
                give(folder.run / "broker", os.geteuid())
