"""What must hold of every run: what a claim is, and how a run is judged by all of them.

A new claim is one new file with a value `CHECK = Claim(…)`, in this folder or as a plug-in. Its check takes a `Run` and
answers with sentences of what is wrong; an empty list means that the claim holds. It watches from outside: it reads the
trace and the ledgers and shares no code with what it judges, save decoding and hashing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from consortium.core.discovery import offered_by_name
from consortium.core.words import mark
from consortium.runs.run import Run

Check = Callable[[Run], list[str]]
Excuse = Callable[[Run], str]

FAILURES_SHOWN_MAX = 20

# How a run's end tells that claims of liveness failed: `failing` of a Claim.
NEVER_DONE = mark("NO PROGRESS: something due was never done ({checks}).")
TOO_LATE = mark("TOO LATE: something due was done late, or never ({checks}).")
WITHOUT_NEED = mark("WITHOUT NEED: something was done that nothing called for ({checks}).")


class Kind(StrEnum):
    """What a failure means: something wrong was done (exit 1), or nothing wrong, but not as it was due (exit 3)."""

    SAFETY = "safety"
    LIVENESS = "liveness"


class Claim(NamedTuple):
    """`excuse`: why a run has nothing that this claim could be checked on; empty where it has. `is_asked`: whether the
    run's workload makes the claim at all. `order`: its place in reports; equal ones stand by name.

    `failing`: what the run's end says when a claim of liveness fails; at `{checks}` stand the names of all that share
    the sentence."""

    name: str
    kind: Kind
    sentence: str
    check: Check
    excuse: Excuse = lambda _: ""
    is_asked: Callable[[Run], bool] = lambda _: True
    order: int = 1_000
    failing: str = NEVER_DONE


class Verdict(NamedTuple):
    """The outcome of one claim. `failures` holds at most FAILURES_SHOWN_MAX sentences, `failed` counts them all.

    `unchecked`: why there was nothing to check. `is_asked` False: the workload makes no such claim. `failing`: as in
    Claim."""

    name: str
    kind: Kind
    sentence: str
    failed: int
    failures: tuple[str, ...]
    unchecked: str = ""
    is_asked: bool = True
    failing: str = NEVER_DONE

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


def claims() -> tuple[Claim, ...]:
    """Every claim about a run, in the order in which reports show them: the value `CHECK` of a module of this folder
    or of a plug-in. Raises NameTaken where two have one name."""
    found = offered_by_name(__package__, "CHECK", Claim).values()
    return tuple(sorted(found, key=lambda claim: (claim.order, claim.name)))


def judge(run: Run, asked: Sequence[Claim] | None = None) -> list[Verdict]:
    """The verdict of every claim, or of those asked, on the honest nodes. A check that cannot read the run fails with
    the reason; one that finds nothing wrong because there was nothing to look at does not hold: it was not checked."""
    return [_judge(run.honest, claim) for claim in (claims() if asked is None else asked)]


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
    return Verdict(claim.name, claim.kind, claim.sentence, len(failures), shown, excuse, is_asked, claim.failing)


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
