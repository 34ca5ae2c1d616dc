"""The audit of reads: an entry for each time a record leaves its box, chained by hash, written before it is returned.

The entries lie in the private store; once a day is over its part of the chain is anchored on the ledger, so that no
entry can be taken out or changed later. An entry names handle, reader and purpose, never what was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Digest, Malformed, encode, tagged_hash
from consortium.core.machine import Keep
from consortium.core.vault import HANDLE_BYTES_MAX, Boxes, BoxReader

PREFIX = ".audit/"  # of the rows' names; no handle begins so
FIRST = bytes(32)


class AuditEntry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`previous`: the digest of the entry before, FIRST of the first. `day`: YYYYMMDD of the node's own clock in the
    chain's calendar, never before that of the entry before."""

    previous: Digest
    number: int
    day: int
    reader: str
    handle: str
    purpose: str

    @property
    def digest(self) -> bytes:
        return tagged_hash(b"consortium read", encode(self))


class DayOfReads(NamedTuple):
    """`number` entries from that of number `first` on; `root` is the digest of the last."""

    day: int
    first: int
    number: int
    root: bytes


_ENTRY: Decoder[AuditEntry] = Decoder(AuditEntry, 8 * HANDLE_BYTES_MAX)


def row_name(number: int) -> str:
    return f"{PREFIX}{number:012d}"


class Audit:
    """The chain of one member over its private store."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes
        entries = list(read_entries(boxes))
        self._newest = entries[-1] if entries else None
        self._days: dict[int, DayOfReads] = {day.day: day for day in days_of(entries)}
        # On the newest day.
        self._by_reader = Counter(entry.reader for entry in entries if entry.day == entries[-1].day)

    def write(self, day: int, reader: str, handle: str, purpose: str) -> Keep:
        """The row of one more entry; it is to stand before whatever is returned."""
        newest = self._newest
        number, previous = (1, FIRST) if newest is None else (newest.number + 1, newest.digest)
        day = day if newest is None else max(day, newest.day)
        entry = self._newest = AuditEntry(previous, number, day, reader, handle, purpose)
        if newest is not None and day != newest.day:
            self._by_reader.clear()
        self._by_reader[reader] += 1
        known = self._days.get(day)
        first, count = (number, 0) if known is None else (known.first, known.number)
        self._days[day] = DayOfReads(day, first, count + 1, entry.digest)
        row = Keep(row_name(number), encode(entry))
        self._boxes.stage(*row)
        return row

    def count(self, day: int, reader: str) -> int:
        """How many entries of this reader stand on `day`, or on the newest day if that is later; also over boots."""
        return 0 if self._newest is None or day > self._newest.day else self._by_reader[reader]

    def has_ended(self, today: int) -> bool:
        """Whether a day is over that may not be anchored yet."""
        return any(day < today for day in self._days)

    def ended(self, today: int, anchored: int) -> list[DayOfReads]:
        """The days before `today` of which nothing is anchored: `anchored` entries are, the oldest. Those that are, are
        forgotten here."""
        self._days = {day: reads for day, reads in self._days.items() if reads.first > anchored}
        return [reads for day, reads in sorted(self._days.items()) if day < today]


def read_entries(boxes: BoxReader) -> Iterator[AuditEntry]:
    """All sound entries of a store, in order; one that cannot be read is left out, and the chain shows it."""
    for name in boxes.names():
        if name.startswith(PREFIX):
            try:
                yield _ENTRY.decode(boxes.get(name) or b"")
            except Malformed:
                continue


def days_of(entries: Iterable[AuditEntry]) -> list[DayOfReads]:
    """The entries by day."""
    days: dict[int, DayOfReads] = {}
    for entry in entries:
        known = days.get(entry.day)
        first, count = (entry.number, 0) if known is None else (known.first, known.number)
        days[entry.day] = DayOfReads(entry.day, first, count + 1, entry.digest)
    return list(days.values())


def chain_fault(entries: Iterable[AuditEntry]) -> str:
    """Where the chain is broken, as a sentence; empty where it is whole."""
    previous, number = FIRST, 0
    for entry in entries:
        if (entry.previous, entry.number) != (previous, number + 1):
            return f"entry {entry.number} does not follow entry {number}"
        previous, number = entry.digest, entry.number
    return ""
