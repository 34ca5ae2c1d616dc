"""What a test may do to the processes of a local run while it goes on, and whether they are all level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from consortium.core.membership import NodeId
from nodes.conduct.node_process import NodeProcess

BLOCKS_APART_MAX = 8  # heads this far apart are level under load


class LocalRun(Protocol):
    """The conductor, as a drill sees it."""

    @property
    def nodes(self) -> Mapping[NodeId, NodeProcess]: ...

    @property
    def now_us(self) -> int: ...

    @property
    def leader(self) -> NodeId: ...

    def note_fault(self, act: str, target: NodeId) -> None: ...


class Drill(Protocol):
    def tend(self, run: LocalRun) -> bool:
        """Called again and again while the run goes on; whether it is over."""
        ...


def is_level(run: LocalRun) -> bool:
    """Whether every member is up and about as far as the others."""
    started = [node for node in run.nodes.values() if node.process is not None]  # who joins later is not waited for
    statuses = [node.status for node in started if node.is_alive]
    if len(statuses) < len(started) or any(status is None for status in statuses):
        return False
    heights = [status.head_height for status in statuses if status is not None]
    return max(heights) - min(heights) <= BLOCKS_APART_MAX
