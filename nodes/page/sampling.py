"""Which records a reader is sent who cannot take all: those of one of k heights, and all that is rare."""

from __future__ import annotations

from collections.abc import Iterable

from nodes.page.pack import SAID, Row

ROWS_A_BATCH = 800  # more are not sent at once
CALM_BATCHES = 20  # of less than half of it: then more is sent again
K_MAX = 1 << 16


class Sampler:
    """`k`: the messages of one of k heights are shown; 1: of all. Of `executed` the first of each height stays, so that
    what is counted from it stays right."""

    def __init__(self) -> None:
        self.k = 1
        self._calm = 0
        self._head = -1
        self._submitted = 0

    def choose(self, rows: Iterable[Row]) -> list[bool]:
        """Whether each is sent. The rate follows what comes: twice as rare at once, twice as often after a while."""
        found = list(rows)
        firsts = [self._is_first(row) for row in found]
        kept = [self._is_of_k(row) for row in found]
        while sum(kept) > ROWS_A_BATCH and self.k < K_MAX:
            self.k, self._calm = self.k * 2, 0
            kept = [one and self._is_of_k(row) for one, row in zip(kept, found, strict=True)]
        self._calm = self._calm + 1 if sum(kept) < ROWS_A_BATCH // 2 else 0
        if self.k > 1 and self._calm >= CALM_BATCHES:
            self.k, self._calm = self.k // 2, 0
        return [one or other for one, other in zip(firsts, kept, strict=True)]

    def _is_first(self, row: Row) -> bool:
        """The first of its height that tells of an execution."""
        if row.kind != "executed" or row.height <= self._head:
            return False
        self._head = row.height
        return True

    def _is_of_k(self, row: Row) -> bool:
        if self.k == 1 or row.kind not in SAID:
            return True
        if row.height < 0:
            self._submitted += 1
            return self._submitted % self.k == 0
        return row.height % self.k == 0
