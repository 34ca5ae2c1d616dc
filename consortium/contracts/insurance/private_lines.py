"""Who holds the lines of a bill: the institution's member; and who may have them: bureau and regulator, who judge."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.bill import BILLS
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.contracts.records.catalogue import END
from consortium.core.contract import StateReader
from consortium.core.registry import newest_epoch
from consortium.core.vault import Entry, RecordKind

LINES = "lines"  # a handle is `lines/<normalised bill number>`


def _find(state: StateReader, number: str) -> Entry | None:
    bill = state.get(BILLS, number)
    if bill is None or not bill.lines:
        return None
    institution = state.get(INSTITUTIONS, bill.fixmedins_code)
    epoch = newest_epoch(state)
    judges = () if epoch is None else tuple(one.name for one in epoch.members if one.role in SUPERVISORS)
    return Entry(bill.lines, () if institution is None else (institution.member,), judges)


def _held_by(state: StateReader, member: str) -> Iterator[str]:
    """The bills of the member's institutions: their numbers begin with its code."""
    for code, institution in state.range(INSTITUTIONS, "", END):
        if institution.member == member:
            low = f"{code.lower()}-"
            for number, bill in state.range(BILLS, low, low + END):
                if bill.lines:
                    yield number


PRIVATE = RecordKind(LINES, _find, _held_by)
