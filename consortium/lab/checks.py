"""What must hold of every run: the claims, in the order in which reports show them.

A check takes a `Run` and answers with sentences of what is wrong; an empty list means that it holds. It watches from
outside: it reads the trace and the ledgers and shares no code with what it judges, save decoding and hashing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from consortium.lab import ledger_checks, money_checks, trace_checks
from consortium.lab.run import Run

Check = Callable[[Run], list[str]]

FAILURES_SHOWN_MAX = 20


class Kind(StrEnum):
    """What a failure means: something wrong was done (exit 1), or something due was never done (exit 3)."""

    SAFETY = "safety"
    LIVENESS = "liveness"


class Claim(NamedTuple):
    name: str
    kind: Kind
    sentence: str
    check: Check


class Verdict(NamedTuple):
    """The outcome of one claim. `failures` holds at most FAILURES_SHOWN_MAX sentences, `failed` counts them all."""

    name: str
    kind: Kind
    sentence: str
    failed: int
    failures: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.failed == 0


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "agreement",
        Kind.SAFETY,
        "No two nodes committed a different batch, or hold a different block, at one height.",
        lambda run: trace_checks.check_agreement(run) + ledger_checks.check_agreement(run),
    ),
    Claim(
        "validity",
        Kind.SAFETY,
        "Every executed transaction stands in a bundle signed under a key that its member had registered.",
        ledger_checks.check_validity,
    ),
    Claim(
        "exactly once",
        Kind.SAFETY,
        "No transaction, and no number of a member, took effect twice.",
        ledger_checks.check_exactly_once,
    ),
    Claim(
        "money balances",
        Kind.SAFETY,
        "After every block no account is short by its movements added up again; they give the stored balances.",
        money_checks.check_money,
    ),
    Claim(
        "equal state roots",
        Kind.SAFETY,
        "Nodes at the same height hold the same state.",
        lambda run: trace_checks.check_state_roots(run) + ledger_checks.check_state_roots(run),
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
    ),
    Claim(
        "equal heads",
        Kind.LIVENESS,
        "At the end all running nodes have executed the same height.",
        lambda run: trace_checks.check_equal_heads(run),
    ),
    Claim(
        "every claim answered",
        Kind.LIVENESS,
        "Every claim of the workload was settled, or refused with a reason.",
        ledger_checks.check_workload_answered,
    ),
)


def judge(run: Run, claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """Every claim's verdict. A check that cannot read the run fails with the reason."""
    verdicts = []
    for claim in claims:
        try:
            failures = claim.check(run)
        except Exception as error:  # damaged evidence must become a verdict, whatever shape the damage has
            failures = [f"could not be checked: {type(error).__name__}: {error}"]
        shown = tuple(failures[:FAILURES_SHOWN_MAX])
        verdicts.append(Verdict(claim.name, claim.kind, claim.sentence, len(failures), shown))
    return verdicts


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """0 all hold, 1 a safety claim fails, 3 only claims of liveness fail."""
    failed = {verdict.kind for verdict in verdicts if not verdict.holds}
    if Kind.SAFETY in failed:
        return 1
    return 3 if failed else 0
