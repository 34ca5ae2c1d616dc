"""The private store of a simulated node: a dict that can take back what no `Keep` or `Drop` has made durable."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from consortium.core.machine import Drop, Keep
from consortium.core.vault import LACKING


class DictBoxes:
    """See `core.vault.Boxes`. `settle` and `lose` are for whoever plays the disk. `is_lacking`: it takes the place of a
    store that was lost."""

    def __init__(self, *, is_lacking: bool = False) -> None:
        self._values: dict[str, bytes] = {LACKING: b""} if is_lacking else {}
        self._undo: deque[tuple[str, bytes | None]] = deque()

    def get(self, name: str) -> bytes | None:
        return self._values.get(name)

    def names(self) -> Sequence[str]:
        return sorted(self._values)

    def stage(self, name: str, value: bytes | None) -> None:
        self._undo.append((name, self._values.get(name)))
        self.put(name, value)

    def put(self, name: str, value: bytes | None) -> None:
        """At once durable."""
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    def settle(self, output: Keep | Drop) -> bytes | None:
        """The oldest staging is durable now. What stood there before it."""
        name, before = self._undo.popleft()
        assert name == output.name, "rows become durable in the order of staging"
        return before

    def lose(self) -> None:
        """A crash: what was only staged is taken back."""
        while self._undo:
            self.put(*self._undo.pop())

    def durable_copy(self) -> DictBoxes:
        twin = DictBoxes()
        twin._values = dict(self._values)
        for name, value in reversed(self._undo):
            twin.put(name, value)
        return twin
