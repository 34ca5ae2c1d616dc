"""Due told: what became due on a day stands as a notice on the ledger, once, if somebody who has duties was there."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.oversight import due
from consortium.contracts.oversight.notice import NOTICE
from consortium.core.calendar import compute_day
from consortium.core.codec import Malformed
from consortium.core.contract import Event
from consortium.core.header import decode_header
from consortium.core.machine import Rows
from consortium.core.words import mark
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.traces import running_nodes
from consortium.ledger.rows import height_key
from consortium.ledger.state import State
from consortium.runs.run import Camp, Run, blocks, head_height

GRACE_US = 30_000_000  # from when it is known and due until it is told
SHOWN_MAX = 10


def is_asked(run: Run) -> bool:
    """Of a run with somebody who has duties, in which something became due."""
    if not any(member.role in SUPERVISORS for member in run.scenario.members):
        return False
    is_told = any(True for camp in run.camps for _ in _notices(camp))
    return bool(unchecked.no_stored_blocks(run)) or is_told or any(_overdue(run))


def check_due_told(run: Run) -> list[str]:
    """Each notice of what was due that stands twice, and each entry that nobody rang."""
    return _told_twice(run) + _left_untold(run)


def _told_twice(run: Run) -> list[str]:
    failures = []
    for camp in run.camps:
        told: set[tuple[int | str, ...]] = set()
        for height, event in _notices(camp):
            if (key := _key_of(event)) in told:
                failures.append(f"{camp.label}, height {height}: {' '.join(map(str, key))} is told again")
            told.add(key)
    return failures


def _notices(camp: Camp) -> Iterator[tuple[int, Event]]:
    """Of what was due, each with its height."""
    for block in blocks(camp.rows):
        for event in (event for receipt in block.receipts() for event in receipt.events):
            if event.kind == NOTICE and "due" in event.fields:
                yield block.height, event


def _key_of(event: Event) -> tuple[int | str, ...]:
    return tuple(event.fields.get(name, "") for name in ("why", "record", "due"))


def _left_untold(run: Run) -> list[str]:
    """At the end, where one of those was running that have duties."""
    if not _is_watched(run):
        return []
    return [
        f"{label}: {one.contract}.{one.operation} of {one.key} was due on {one.day}, and nobody told"
        for label, one in _overdue(run)
    ]


def _is_watched(run: Run) -> bool:
    roles = {member.name: member.role for member in run.scenario.members}
    return any(roles.get(name) in SUPERVISORS for name in running_nodes(run.trace))


def _overdue(run: Run) -> Iterator[tuple[str, due.Waiting]]:
    """What stands in the fullest ledger and was known and due for longer than it takes to tell."""
    camp = run.fullest
    if camp is None:
        return
    end_us = _time_us(camp.rows, head_height(camp.rows)) - GRACE_US
    today = compute_day(end_us, run.genesis.parameters.utc_offset_minutes)
    for one in due.due_until(State(camp.rows), today, SHOWN_MAX):
        if _time_us(camp.rows, one.since) <= end_us:
            yield camp.label, one


def _why_unchecked(run: Run) -> str:
    why = unchecked.cut_short(run) or unchecked.no_stored_blocks(run)
    if why or _is_watched(run) or _told_twice(run) or not any(_overdue(run)):
        return why
    return "nobody who has duties was running at the end"


def _time_us(rows: Rows, height: int) -> int:
    """Of a block; long ago where the ledger does not hold it, or cannot read it: "agreement" tells of that."""
    try:
        return decode_header(rows.get("block", height_key(height)) or b"").time_us
    except Malformed:
        return 0


CHECK = Claim(
    "due told",
    Kind.LIVENESS,
    "What became due on a day was told on the ledger, once.",
    check_due_told,
    _why_unchecked,
    is_asked,
    order=95,
    failing=mark("NOT TOLD ONCE: what became due was never told, or told again ({checks})."),
)
