"""What must hold of every run: the claims, in the order in which reports show them.

A check takes a `Run` and answers with sentences of what is wrong; an empty list means that it holds. It watches from
outside: it reads the trace and the ledgers and shares no code with what it judges, save decoding and hashing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from consortium.lab.checks import culprits, unchecked
from consortium.lab.checks import ledgers as ledger_checks
from consortium.lab.checks import money as money_checks
from consortium.lab.checks import traces as trace_checks
from consortium.runs.run import Run

Check = Callable[[Run], list[str]]
Excuse = Callable[[Run], str]

FAILURES_SHOWN_MAX = 20


class Kind(StrEnum):
    """What a failure means: something wrong was done (exit 1), or something due was never done (exit 3)."""

    SAFETY = "safety"
    LIVENESS = "liveness"


class Claim(NamedTuple):
    """`excuse`: why a run has nothing that this claim could be checked on; empty where it has."""

    name: str
    kind: Kind
    sentence: str
    check: Check
    excuse: Excuse = lambda _: ""
    is_asked: Callable[[Run], bool] = lambda _: True


class Verdict(NamedTuple):
    """The outcome of one claim. `failures` holds at most FAILURES_SHOWN_MAX sentences, `failed` counts them all.

    `unchecked`: why there was nothing to check. `is_asked` False: the workload makes no such claim."""

    name: str
    kind: Kind
    sentence: str
    failed: int
    failures: tuple[str, ...]
    unchecked: str = ""
    is_asked: bool = True

    @property
    def fails(self) -> bool:
        return self.failed > 0

    @property
    def holds(self) -> bool:
        """Checked, and nothing found against it."""
        return self.word == "holds"

    @property
    def word(self) -> str:
        """holds, fails, `not checked` or `not asked`."""
        if self.fails:
            return "fails"
        if not self.is_asked:
            return "not asked"
        return "not checked" if self.unchecked else "holds"


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "agreement",
        Kind.SAFETY,
        "No two nodes committed a different batch, or hold a different block, at one height.",
        lambda run: _check_agreement(run),
        unchecked.no_blocks,
    ),
    Claim(
        "validity",
        Kind.SAFETY,
        "Every executed transaction stands in a bundle signed under a key that its member had registered.",
        ledger_checks.check_validity,
        unchecked.no_stored_blocks,
    ),
    Claim(
        "exactly once",
        Kind.SAFETY,
        "No transaction, and no number of a member, took effect twice.",
        ledger_checks.check_exactly_once,
        unchecked.no_stored_blocks,
    ),
    Claim(
        "money balances",
        Kind.SAFETY,
        "After every block no account is short by its movements added up again; they give the stored balances.",
        money_checks.check_money,
        unchecked.no_money,
    ),
    Claim(
        "equal state roots",
        Kind.SAFETY,
        "Nodes at the same height hold the same state.",
        lambda run: trace_checks.check_state_roots(run) + ledger_checks.check_state_roots(run),
        unchecked.no_blocks,
    ),
    Claim(
        "progress",
        Kind.LIVENESS,
        "Work that waited after the last fault was executed, and the run came to its own end.",
        trace_checks.check_progress,
    ),
    Claim(
        "everything executed",
        Kind.LIVENESS,
        "Every bundle that a member submitted stands in a block.",
        ledger_checks.check_everything_executed,
        unchecked.no_submissions,
    ),
    Claim(
        "equal heads",
        Kind.LIVENESS,
        "At the end all running nodes have executed the same height.",
        lambda run: trace_checks.check_equal_heads(run),
        lambda run: unchecked.cut_short(run) or unchecked.no_blocks(run),
    ),
    Claim(
        "every claim answered",
        Kind.LIVENESS,
        "Every claim of the workload was settled, or refused with a reason.",
        ledger_checks.check_workload_answered,
        lambda run: unchecked.cut_short(run) or unchecked.no_ledgers(run),
        ledger_checks.expects_answers,
    ),
)


def _check_agreement(run: Run) -> list[str]:
    """Where it is broken, the first sentence says who did it, as far as the ledgers prove it."""
    found = trace_checks.check_agreement(run) + ledger_checks.check_agreement(run)
    fork = culprits.first_fork(run) if found else None
    return found if fork is None else [fork.sentence(), *found]


def judge(run: Run, claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """Every claim's verdict on the honest nodes. A check that cannot read the run fails with the reason; one that finds
    nothing wrong because there was nothing to look at does not hold: it was not checked."""
    return [_judge(run.honest, claim) for claim in claims]


def _judge(run: Run, claim: Claim) -> Verdict:
    try:
        is_asked = claim.is_asked(run)
        excuse = claim.excuse(run) if is_asked else ""
        # What is due at a run's end is not due before; what must never be is wrong at any time.
        is_due = is_asked and not (excuse and claim.kind is Kind.LIVENESS)
        failures = claim.check(run) if is_due else []
    except Exception as error:  # damaged evidence must become a verdict, whatever shape the damage has
        is_asked, excuse = True, ""
        failures = [f"could not be checked: {type(error).__name__}: {error}"]
    shown = tuple(failures[:FAILURES_SHOWN_MAX])
    return Verdict(claim.name, claim.kind, claim.sentence, len(failures), shown, excuse, is_asked)


def was_checked(verdicts: Sequence[Verdict]) -> bool:
    """Whether there was anything in the run that a claim of safety could be checked on."""
    return any(not verdict.unchecked for verdict in verdicts if verdict.kind is Kind.SAFETY and verdict.is_asked)


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """0 all that was checked holds, 1 a safety claim fails, 3 only claims of liveness fail, or nothing was executed
    that could be checked."""
    failed = {verdict.kind for verdict in verdicts if verdict.fails}
    if Kind.SAFETY in failed:
        return 1
    return 3 if failed or not was_checked(verdicts) else 0
