"""What fate does to nodes in containers: what the engine can do it does, and the rest is done as to local processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from nodes.conduct.local_world import LocalWorld, cuts
from nodes.containers.node_container import NodeContainer


def isolated(cut: Mapping[str, Sequence[str]]) -> set[str]:
    """Who hears nobody and is heard by nobody. `cut`: whom each no longer hears."""
    return {
        name
        for name in cut
        if len(cut) > 1 and all(other in cut[name] and name in cut[other] for other in cut if other != name)
    }


class DockerWorld(LocalWorld):
    """Kills, pauses and resumptions reach the containers as signals of their processes (`Container.send_signal`). A
    member that a cut isolates is taken out of the network; other cuts, and what links lose and delay, nodes do
    themselves, as local processes do."""

    where: ClassVar[str] = "to containers"

    def cut(self, groups: Sequence[Sequence[str]], links: Sequence[str]) -> None:
        super().cut(groups, links)
        alone = isolated(cuts(groups, list(self._nodes), links))
        for name, node in self._nodes.items():
            assert isinstance(node, NodeContainer)
            if name in alone and node.is_alive and not node.is_out:
                node.take_out()
            elif name not in alone and node.is_out:
                node.put_back()
