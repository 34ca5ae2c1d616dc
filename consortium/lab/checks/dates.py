"""Dates bind: what is settled was served before, on the days that its bill states, in a year whose books are open.

From the receipts' events `bill-issued`, `settled`, `year-closed` and `year-reopened`, block by block. Ledgers before
format 3 tell no days."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.calendar import compute_day
from consortium.core.codec import Malformed
from consortium.core.contract import Event
from consortium.core.header import decode_header
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.runs.run import Run, StoredBlock, blocks

FORMAT_WITH_DAYS = 3
FOREVER = 99991231


class Service(NamedTuple):
    """The first and the last day of service, YYYYMMDD."""

    begndate: int
    enddate: int


def check_dates(run: Run) -> list[str]:
    """Each bill and settlement of a day that had not come, settlement of other days than its bill's, or of a closed
    year."""
    failures = []
    for camp in run.camps:
        bills: dict[str, Service] = {}
        closed_through = 0
        for block in blocks(camp.rows):
            for event in _events(block):
                if event.kind == "year-closed":
                    closed_through = int(event.fields["year"])
                elif event.kind == "year-reopened":
                    closed_through = int(event.fields["year"]) - 1
                elif _is_dated(event):
                    where = f"{camp.label}, height {block.height}"
                    failures += _judge(where, event, _day_of(run, block), bills, closed_through)
    return failures


def _is_dated(event: Event) -> bool:
    return event.kind in ("bill-issued", "settled") and "enddate" in event.fields


def _judge(where: str, event: Event, today: int, bills: dict[str, Service], closed_through: int) -> list[str]:
    fields = event.fields
    number, days = str(fields["bill_no"]), Service(int(fields["begndate"]), int(fields["enddate"]))
    failures = []
    if days.enddate > today:
        failures.append(f"{where}: bill {number} is {event.kind} for {days.enddate}, and it is {today}")
    if event.kind == "settled":
        stated = bills.get(number, days)  # a snapshot may have taken the place of its issue
        if stated != days:
            failures.append(f"{where}: bill {number} of {stated.enddate} is settled as of {days.enddate}")
        if days.enddate // 10_000 <= closed_through:
            failures.append(f"{where}: bill {number} is settled in {days.enddate // 10_000}, whose books were closed")
    else:
        bills[number] = days
    return failures


def _day_of(run: Run, block: StoredBlock) -> int:
    """The last of all days where the header cannot be read: "agreement" tells of that."""
    try:
        time_us = decode_header(block.header_bytes).time_us
    except Malformed:
        return FOREVER
    return compute_day(time_us, run.genesis.parameters.utc_offset_minutes)


def _events(block: StoredBlock) -> list[Event]:
    return [event for receipt in block.receipts() if receipt.is_ok for event in receipt.events]


def _tells_days(run: Run) -> bool:
    return run.genesis.format >= FORMAT_WITH_DAYS


def _no_claims(run: Run) -> str:
    if unchecked.no_stored_blocks(run):
        return unchecked.no_stored_blocks(run)
    if any(_is_dated(event) for camp in run.camps for block in blocks(camp.rows) for event in _events(block)):
        return ""
    return "nothing was settled"


CHECK = Claim(
    "dates bind",
    Kind.SAFETY,
    "Nothing is billed for a day to come, settled for other days than its bill's, or in a closed year.",
    check_dates,
    _no_claims,
    _tells_days,
    order=45,
)
