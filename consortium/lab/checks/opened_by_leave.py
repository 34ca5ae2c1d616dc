"""Opened by leave alone: no record of the exchange went to whom neither its patient nor a broken glass let have it.

Leaves are followed here a second time, from the receipts' events block by block. Each delivery must rest on one that
covers it; each record that a vault gave (`record_given` in the trace) must have been its receiver's to have at the
height at which the giver stood; and the audit of reads must tell of all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from consortium.core.calendar import compute_day
from consortium.core.contract import Event
from consortium.core.header import decode_header
from consortium.lab.checks import calm
from consortium.lab.checks.claims import Claim, Kind
from consortium.runs.run import Run, blocks, ledger_epochs
from consortium.vault.audit import read_entries

_OPENED = "exchange-offered"
_STARTS, _ENDS = ("consent-granted", "glass-broken"), ("consent-revoked", "consent-ended", "glass-ended")


class _Leave(NamedTuple):
    """What it covers: records of a patient and class for a recipient and a purpose, before a day."""

    patient: str
    record_class: str
    recipient: str
    purpose: str
    to_day: int


class _Book:
    """What stands as of a height. `spans`: when each member might have each record, [from, to) in heights."""

    def __init__(self, roles: dict[str, str]) -> None:
        self._roles = roles
        self.leaves: dict[str, _Leave] = {}
        self.records: dict[str, tuple[str, str]] = {}  # patient and class by handle
        self._open: dict[tuple[str, str], tuple[str, int]] = {}  # leave and first height by member and handle
        self.spans: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def hear(self, height: int, day: int, event: Event) -> str:
        """What is wrong with it; "" where nothing is."""
        fields = {name: str(value) for name, value in event.fields.items()}
        if event.kind == _OPENED:
            self.records[f"record/{fields['record_no']}"] = fields["patient"], fields["class"]
        elif event.kind in _STARTS:
            recipient, purpose = fields.get("recipient", fields.get("member", "")), fields.get("purpose", "treatment")
            to_day = int(fields["to_day"])
            self.leaves[_name(event)] = _Leave(fields["patient"], fields["class"], recipient, purpose, to_day)
        elif event.kind in _ENDS or (event.kind == "glass-judged" and fields["verdict"] == "unjustified"):
            self._end(height, _name(event))
        elif event.kind == "exchange-differs":
            self._close(height, (fields["by"], fields["handle"]))
        elif event.kind == "exchange-delivered":
            return self._deliver(height, day, fields)
        return ""

    def finish(self, height: int) -> None:
        for place in list(self._open):
            self._close(height, place)

    def _end(self, height: int, name: str) -> None:
        self.leaves.pop(name, None)
        for place, (leave, _) in list(self._open.items()):
            if leave == name:
                self._close(height, place)

    def _close(self, height: int, place: tuple[str, str]) -> None:
        if place in self._open:
            _, first = self._open.pop(place)
            self.spans.setdefault(place, []).append((first, height))

    def _deliver(self, height: int, day: int, fields: dict[str, str]) -> str:
        handle, member, name = fields["handle"], fields["member"], fields["leave"]
        leave, (patient, record_class) = self.leaves.get(name), self.records.get(handle, ("", ""))
        place = member, handle
        self._close(height, place)
        self._open[place] = name, height
        covers = (
            leave is not None
            and (leave.patient, leave.purpose) == (patient, fields["purpose"])
            and leave.record_class in (record_class, "all")
            and leave.recipient in (member, "role:" + self._roles.get(member, ""))
            and day < leave.to_day
        )
        return (
            "" if covers else f"height {height}: {handle} is delivered to {member} by {name}, which does not allow it"
        )

    def may_have(self, member: str, handle: str, height: int) -> bool:
        return any(first <= height < end for first, end in self.spans.get((member, handle), ()))


def _name(event: Event) -> str:
    """Of a leave, as deliveries name it."""
    fields = event.fields
    if "glass_no" in fields:
        return "glass/" + str(fields["glass_no"])
    return "/".join(["consent", *(str(fields[name]) for name in ("patient", "class", "recipient", "purpose"))])


def check_opened_by_leave(run: Run) -> list[str]:
    """Of members that were never without their memory."""
    failures: list[str] = []
    book = _read_book(run, failures)
    forgetting = calm.bad_members(run)
    for member in sorted(set(run.vaults) - forgetting):
        failures += _judge_giver(run, member, book)
        entries = [one for one in read_entries(run.vaults[member]) if one.handle in book.records]
        for handle in sorted({one.handle for one in entries if one.reader == member}):
            if (member, handle) not in book.spans and not _is_maker(member, handle):
                failures.append(f"{member} read {handle}, which was never delivered to it")
    return failures


def _is_maker(member: str, handle: str) -> bool:
    return handle.startswith(f"record/{member}:")


def _read_book(run: Run, failures: list[str]) -> _Book:
    assert run.fullest is not None
    rows = run.fullest.rows
    newest = ledger_epochs(run.genesis, rows).newest
    book = _Book({member.name: member.role for member in newest.members})
    height = 0
    for block in blocks(rows):
        height = block.height
        day = compute_day(decode_header(block.header_bytes).time_us, run.genesis.parameters.utc_offset_minutes)
        for event in (event for receipt in block.receipts() if receipt.is_ok for event in receipt.events):
            wrong = book.hear(height, day, event)
            if wrong:
                failures.append(wrong)
    book.finish(height + 1)
    return book


def _judge_giver(run: Run, giver: str, book: _Book) -> Iterator[str]:
    """Each record that its vault gave, at the height that it had executed by then."""
    height, given = 0, Counter[tuple[str, str]]()
    for note in run.records.of_node(giver):
        if note["kind"] == "executed":
            height = max(height, note["height"])
        elif note["kind"] == "record_given" and note["handle"] in book.records:
            to, handle = note["to"], note["handle"]
            given[to, handle] += 1
            if not book.may_have(to, handle, height):
                yield f"{giver} gave {handle} to {to} at height {height}, which had no leave to have it"
    told = Counter((entry.reader, entry.handle) for entry in read_entries(run.vaults[giver]))
    for (to, handle), times in given.items():
        if told[to, handle] < times:
            yield f"{giver} gave {handle} to {to} {times} times, and its audit of reads tells of {told[to, handle]}"


def _none_given(run: Run) -> str:
    return "" if run.records.of_kind("record_given") else "no record was given to anybody"


def _is_asked(run: Run) -> bool:
    """Whether any record is offered."""
    return run.fullest is not None and bool(run.fullest.rows.range("state", b"shared\x00", b"shared\x01"))


CHECK = Claim(
    "opened by leave alone",
    Kind.SAFETY,
    "No record of the exchange was delivered, given or read without consent or a broken glass, nor past the audit.",
    check_opened_by_leave,
    _none_given,
    _is_asked,
    order=53,
)
