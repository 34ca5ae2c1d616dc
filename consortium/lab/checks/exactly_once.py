"""Exactly once: no transaction takes effect a second time, however often it is submitted."""

from __future__ import annotations

from consortium.core.crypto import SUITES
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.ledgers import TURNED_AWAY, executed_in
from consortium.runs.run import Run, blocks


def check_exactly_once(run: Run) -> list[str]:
    """No id has two receipts that took it, and no number of a member two ids that took effect."""
    failures = []
    for camp in run.camps:
        bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
        taken: dict[bytes, int] = {}
        numbers: dict[tuple[str, int], int] = {}
        for block in blocks(camp.rows):
            if block.height == 0:
                continue
            for executed in executed_in(block, bundles, is_trusted=True):
                if executed.receipt.code in TURNED_AWAY:
                    continue
                where = taken.setdefault(executed.id, block.height)
                number = (executed.bundle.member, decode_call(executed.transaction).number)
                if where != block.height or number in numbers:
                    earlier = where if where != block.height else numbers[number]
                    failures.append(
                        f"{camp.label}: number {number[1]} of {number[0]} (transaction {executed.id.hex()[:16]}) took "
                        f"effect at heights {earlier} and {block.height}"
                    )
                numbers.setdefault(number, block.height)
    return failures


CHECK = Claim(
    "exactly once",
    Kind.SAFETY,
    "No transaction, and no number of a member, took effect twice.",
    check_exactly_once,
    unchecked.no_stored_blocks,
    order=30,
)
