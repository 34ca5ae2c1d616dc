"""What happens to the processes of a local run beside single faults: storms of kills, and drills of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from consortium.core.membership import NodeId
from consortium.scenario.faults.storm import Stroke
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


class Storm:
    """Kills one after another; each time it waits until all are level before it goes on."""

    def __init__(self, strokes: Sequence[Stroke]) -> None:
        self._strokes = list(strokes)
        self._level_us: int | None = None  # since when all are level
        self._down = ""
        self._killed_us = 0

    def tend(self, run: LocalRun) -> bool:
        if not self._strokes:
            return True
        stroke, now_us = self._strokes[0], run.now_us
        if self._down:
            if now_us - self._killed_us >= stroke.down_us:
                run.note_fault("restart", self._down)
                run.nodes[self._down].start()
                self._down, self._level_us = "", None
                del self._strokes[0]
        elif not is_level(run):
            self._level_us = None
        elif self._level_us is None:
            self._level_us = now_us
        elif now_us - self._level_us >= stroke.wait_us:
            self._down = run.leader if stroke.target == "leader" else stroke.target
            self._killed_us = now_us
            run.note_fault("kill", self._down)
            run.nodes[self._down].kill()
        return False
