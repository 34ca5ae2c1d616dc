"""What the ledgers say of private records, beside what lies in the private stores: as several checks read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Malformed
from consortium.core.machine import Rows
from consortium.runs.run import Run
from consortium.vault.audit import DayOfReads

ROW_BYTES_MAX = 1_000_000


class _Record(msgspec.Struct, frozen=True):
    commitment: bytes
    holders: tuple[str, ...]
    given: tuple[str, ...] = ()


class _Bill(msgspec.Struct, frozen=True):
    fixmedins_code: str
    lines: bytes = b""


class _Institution(msgspec.Struct, frozen=True):
    member: str


class _Order(msgspec.Struct, frozen=True):
    supplier: str
    inspection_report: bytes = b""


class _DataSet(msgspec.Struct, frozen=True):
    commitment: bytes


class _Tombstone(msgspec.Struct, frozen=True):
    awaiting: tuple[str, ...]


class _Anchor(msgspec.Struct, frozen=True):
    first: int
    count: int
    root: bytes


class _Box(msgspec.Struct, frozen=True, array_like=True):
    handle: str
    commitment: bytes


class Committed(NamedTuple):
    """A record that a ledger commits to, and who must hold it."""

    handle: str
    commitment: bytes
    holders: tuple[str, ...]


_RECORD: Decoder[_Record] = Decoder(_Record, ROW_BYTES_MAX)
_BILL: Decoder[_Bill] = Decoder(_Bill, ROW_BYTES_MAX)
_INSTITUTION: Decoder[_Institution] = Decoder(_Institution, ROW_BYTES_MAX)
_ORDER: Decoder[_Order] = Decoder(_Order, ROW_BYTES_MAX)
_DATA_SET: Decoder[_DataSet] = Decoder(_DataSet, ROW_BYTES_MAX)
_TOMBSTONE: Decoder[_Tombstone] = Decoder(_Tombstone, ROW_BYTES_MAX)
_ANCHOR: Decoder[_Anchor] = Decoder(_Anchor, ROW_BYTES_MAX)
_BOX: Decoder[_Box] = Decoder(_Box, 4 * ROW_BYTES_MAX)


def committed(rows: Rows) -> Iterator[Committed]:
    """Every record that the state commits to, erased or not. Raises Malformed."""
    for number, raw in _table(rows, "record"):
        record = _RECORD.decode(raw)
        yield Committed(f"record/{number}", record.commitment, (*record.holders, *record.given))
    members = {code: _INSTITUTION.decode(raw).member for code, raw in _table(rows, "institution")}
    for number, raw in _table(rows, "bill"):
        bill = _BILL.decode(raw)
        if bill.lines:
            yield Committed(f"lines/{number}", bill.lines, (members[bill.fixmedins_code],))
    for number, raw in _table(rows, "drug_order"):
        order = _ORDER.decode(raw)
        if order.inspection_report:
            yield Committed(f"inspection/{number}", order.inspection_report, (order.supplier,))
    for key, raw in _table(rows, "data_set"):
        yield Committed(f"dataset/{key}", _DATA_SET.decode(raw).commitment, (key.split("/")[1],))


def tombstones(rows: Rows) -> dict[str, tuple[str, ...]]:
    """The handles that the state says are erased, each with the members that have not confirmed. Raises Malformed."""
    return {handle: _TOMBSTONE.decode(raw).awaiting for handle, raw in _table(rows, "tombstone")}


def anchored_reads(rows: Rows, member: str) -> list[DayOfReads]:
    """What a member has anchored of the audit of its reads, by day. Raises Malformed."""
    found = []
    for key, raw in _table(rows, "anchor"):
        name, _, day = key.rpartition("/")
        if name == member:
            anchor = _ANCHOR.decode(raw)
            found.append(DayOfReads(int(day), anchor.first, anchor.count, anchor.root))
    return found


def kept_commitment(run: Run, member: str, handle: str) -> bytes | None:
    """That of the box which a member keeps under this handle; None where there is none, or none that can be read."""
    stored = run.vaults[member].get(handle)
    if stored is None:
        return None
    try:
        box = _BOX.decode(stored)
    except Malformed:
        return None
    return box.commitment if box.handle == handle else None


def kept_handles(run: Run, member: str) -> list[str]:
    """The records that a member keeps; the store's own rows begin with a dot."""
    return [name for name in run.vaults[member].names() if not name.startswith(".")]


def no_vaults(run: Run) -> str:
    """Why there is nothing to check; empty where there is."""
    if any(kept_handles(run, member) for member in run.vaults):
        return ""
    return "no private store holds a record"


def _table(rows: Rows, name: str) -> Iterator[tuple[str, bytes]]:
    low, high = f"{name}\x00".encode(), f"{name}\x01".encode()
    return ((key[len(low) :].decode(), value) for key, value in rows.range("state", low, high))
