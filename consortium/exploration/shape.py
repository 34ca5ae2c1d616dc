"""The size of what one seed draws, and small draws that all parts of an exploration share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from consortium.core.membership import NodeId
from consortium.scenario.streams import Stream

T = TypeVar("T")


class Shape(NamedTuple):
    """What the parts of one draw must agree on."""

    names: tuple[NodeId, ...]  # of the validators
    observer: str  # of the observer, or empty
    mean_us: int  # of a hop
    timer_us: int

    @property
    def everybody(self) -> tuple[NodeId, ...]:
        return (*self.names, self.observer) if self.observer else self.names


def choose(stream: Stream, among: Sequence[T]) -> T:
    return among[stream.below(len(among))]


def between(stream: Stream, low: int, high: int) -> int:
    """low ≤ result ≤ high."""
    return low + stream.below(high - low + 1)


def chance(stream: Stream, percent: int) -> bool:
    return stream.below(100) < percent


def some(stream: Stream, names: Sequence[str], count: int) -> tuple[NodeId, ...]:
    """`count` different names, in their own order."""
    left = list(names)
    taken = {left.pop(stream.below(len(left))) for _ in range(count)}
    return tuple(name for name in names if name in taken)
