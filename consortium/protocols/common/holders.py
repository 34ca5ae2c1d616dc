"""Whom to ask for a batch or block that is known by its digest only: two holders at once, then the next two."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from consortium.core.membership import NodeId

ASKED_AT_ONCE = 2

Key = TypeVar("Key", bound=Hashable)


class Holders(Generic[Key]):
    """Remembers of each thing that is missing how many holders were asked for it. A holder may be the one who
    withholds it, so each round goes on where the last one stopped."""

    def __init__(self) -> None:
        self._asked: dict[Key, int] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._asked

    def __len__(self) -> int:
        return len(self._asked)

    def next(self, key: Key, holders: Sequence[NodeId]) -> list[NodeId]:
        """The next two of these holders, of which there is at least one."""
        asked = self._asked.get(key, 0)
        self._asked[key] = asked + ASKED_AT_ONCE
        return [holders[(asked + step) % len(holders)] for step in range(min(ASKED_AT_ONCE, len(holders)))]

    def clear(self) -> None:
        self._asked.clear()

    def forget(self, is_over: Callable[[Key], bool]) -> None:
        """Nothing is missing any more of which this holds."""
        for key in [known for known in self._asked if is_over(known)]:
            del self._asked[key]
