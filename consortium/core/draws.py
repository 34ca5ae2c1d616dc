"""Small draws out of a stream of numbers, and the shape that all parts of one explored scenario agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from consortium.core.membership import NodeId

T = TypeVar("T")


class Numbers(Protocol):
    """A source of random numbers, such as a `Stream` of the scenario's seed."""

    def below(self, limit: int, /) -> int:
        """0 ≤ result < limit."""
        ...


class Shape(NamedTuple):
    """What the parts of one explored scenario must agree on. `names`: the validators. `observer`: its name, or empty.
    `mean_us`: the delay of a hop. `timer_us`: how long a leader is waited for."""

    names: tuple[NodeId, ...]
    observer: str
    mean_us: int
    timer_us: int

    @property
    def everybody(self) -> tuple[NodeId, ...]:
        return (*self.names, self.observer) if self.observer else self.names


def choose(stream: Numbers, among: Sequence[T]) -> T:
    return among[stream.below(len(among))]


def between(stream: Numbers, low: int, high: int) -> int:
    """low ≤ result ≤ high."""
    return low + stream.below(high - low + 1)


def chance(stream: Numbers, percent: int) -> bool:
    return stream.below(100) < percent


def some(stream: Numbers, names: Sequence[str], count: int) -> tuple[NodeId, ...]:
    """`count` different names, in their own order."""
    left = list(names)
    taken = {left.pop(stream.below(len(left))) for _ in range(count)}
    return tuple(name for name in names if name in taken)


def split(stream: Numbers, names: Sequence[str]) -> tuple[tuple[NodeId, ...], ...]:
    """All names in up to three groups; most of the times two."""
    count = choose(stream, (2, 2, 2, 3))
    places = [stream.below(count) for _ in names]
    groups = [
        tuple(name for name, place in zip(names, places, strict=True) if place == group) for group in range(count)
    ]
    return tuple(group for group in groups if group)


def some_link(stream: Numbers, names: Sequence[str]) -> str:
    """A pattern of one-way links: from one member to another, to all, or from all to one."""
    sender, receiver = some(stream, names, 2)
    if chance(stream, 50):
        sender, receiver = receiver, sender
    return choose(stream, (f"{sender}>{receiver}", f"{sender}>*", f"*>{receiver}"))
