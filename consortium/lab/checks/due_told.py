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
from consortium.runs.run import Run, blocks, head_height

GRACE_US = 30_000_000  # from when it is known and due until it is told
SHOWN_MAX = 10


def has_duties(run: Run) -> bool:
    return any(member.role in SUPERVISORS for member in run.scenario.members)


def check_due_told(run: Run) -> list[str]:
    """Each notice of what was due that stands twice, and each entry that nobody rang."""
    return _told_twice(run) + _left_untold(run)


def _told_twice(run: Run) -> list[str]:
    failures = []
    for camp in run.camps:
        told: set[tuple[int | str, ...]] = set()
        for block in blocks(camp.rows):
            for event in (event for receipt in block.receipts() for event in receipt.events):
                if event.kind == NOTICE and "due" in event.fields:
                    if (key := _key_of(event)) in told:
                        failures.append(f"{camp.label}, height {block.height}: {' '.join(map(str, key))} is told again")
                    told.add(key)
    return failures


def _key_of(event: Event) -> tuple[int | str, ...]:
    return tuple(event.fields.get(name, "") for name in ("why", "record", "due"))


def _left_untold(run: Run) -> list[str]:
    """At the end, where one of those was running that have duties."""
    roles = {member.name: member.role for member in run.scenario.members}
    camp = run.fullest
    if camp is None or not any(roles.get(name) in SUPERVISORS for name in running_nodes(run.trace)):
        return []
    end_us = _time_us(camp.rows, head_height(camp.rows)) - GRACE_US
    today = compute_day(end_us, run.genesis.parameters.utc_offset_minutes)
    return [
        f"{camp.label}: {one.contract}.{one.operation} of {one.key} was due on {one.day}, and nobody told"
        for one in _standing(camp.rows, today)
        if _time_us(camp.rows, one.since) <= end_us
    ]


def _standing(rows: Rows, today: int) -> Iterator[due.Waiting]:
    return due.due_until(State(rows), today, SHOWN_MAX)


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
    lambda run: unchecked.cut_short(run) or unchecked.no_stored_blocks(run),
    has_duties,
    order=95,
    failing=mark("NOT TOLD ONCE: what became due was never told, or told again ({checks})."),
)
