"""Every claim answered: the ledger holds the answers that the workload expects."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.core.crypto import SUITES
from consortium.core.machine import Outcome, Rows
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.ledgers import TURNED_AWAY, executed_in
from consortium.runs.run import Run, blocks
from consortium.scenario.workloads import claim_day as day


def expects_answers(run: Run) -> bool:
    """Whether the workload says what must be answered, and how."""
    return run.scenario.workload.source == day.WORKLOAD.name


def check_workload_answered(run: Run) -> list[str]:
    """What the workload itself expects of the receipts (`expects_answers`)."""
    fullest = run.fullest
    if fullest is None:
        return []
    expected = day.compute_expectation(day.WORKLOAD.prepare(run.scenario, bytes(32)).work)  # counts fit any key
    return day.day_faults(day.day_report(_outcomes(run, fullest.rows)), expected)


def _outcomes(run: Run, rows: Rows) -> Iterator[Outcome]:
    """Of the transactions that no ledger rule turned away, in order. Raises Malformed."""
    bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
    for block in blocks(rows):
        for executed in executed_in(block, bundles, is_trusted=True) if block.height else ():
            if executed.receipt.code not in TURNED_AWAY:
                call = decode_call(executed.transaction)
                named = (executed.bundle.member, call.number, call.contract, call.operation)
                yield Outcome(*named, bytes(call.arguments), executed.receipt)


CHECK = Claim(
    "every claim answered",
    Kind.LIVENESS,
    "Every claim of the workload was settled, or refused with a reason.",
    check_workload_answered,
    lambda run: unchecked.cut_short(run) or unchecked.no_ledgers(run),
    expects_answers,
    order=90,
)
