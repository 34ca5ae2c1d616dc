"""What the rows of state had before the newest blocks, so that the state of a sealed height can be given away while the
head runs on."""

from __future__ import annotations

from typing import Any

from consortium.core.machine import Rows
from consortium.ledger.state import row_of

HEIGHTS_MAX = 256  # unsealed blocks whose undo is kept


class Undo:
    """By height, for blocks that are not sealed yet: what each row that the block wrote had before it."""

    def __init__(self) -> None:
        self._previous: dict[int, dict[str, Any]] = {}

    def keep(self, height: int, previous: dict[str, Any]) -> None:
        """Of the block that was executed just now; the oldest is forgotten where there are too many."""
        self._previous[height] = previous
        if len(self._previous) > HEIGHTS_MAX:
            del self._previous[min(self._previous)]

    def forget_to(self, height: int) -> None:
        """That height is sealed: what lies at it and below is not asked for any more."""
        self._previous = {above: previous for above, previous in self._previous.items() if above > height}

    def clear(self) -> None:
        self._previous = {}

    def state_at(self, rows: Rows, head: int, height: int) -> list[tuple[bytes, bytes]] | None:
        """All state rows as they were at `height`, at or a little below the head; None where that is forgotten."""
        undone: dict[bytes, Any] = {}
        for above in range(head, height, -1):
            if above not in self._previous:
                return None
            undone.update((name.encode(), previous) for name, previous in self._previous[above].items())
        held = rows.range("state", b"", b"\xff")
        if not undone:
            return list(held)
        mixed: dict[bytes, bytes | None] = {**dict(held), **{key: row_of(value) for key, value in undone.items()}}
        return [(key, value) for key, value in sorted(mixed.items()) if value is not None]
