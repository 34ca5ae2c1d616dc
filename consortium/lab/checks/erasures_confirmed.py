"""Every erasure was confirmed by all members that may have had the record."""

from __future__ import annotations

from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.erased_is_gone import CHECK as GONE
from consortium.lab.checks.private_records import tombstones
from consortium.runs.run import Run


def check_erasures_confirmed(run: Run) -> list[str]:
    """At the end of the run, of members whose private store is at hand."""
    if run.fullest is None:
        return []
    return [
        f"{member} has not confirmed that {handle} is erased"
        for handle, awaiting in tombstones(run.fullest.rows).items()
        for member in awaiting
        if member in run.vaults
    ]


CHECK = Claim(
    "erasures are confirmed",
    Kind.LIVENESS,
    "Every member that may have had an erased record has confirmed that it holds nothing of it.",
    check_erasures_confirmed,
    GONE.excuse,
    GONE.is_asked,
    order=94,
)
