"""Nothing that the ledger says is erased lies in the private store of a member that has executed so."""

from __future__ import annotations

from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.private_records import kept_handles, tombstones
from consortium.runs.run import Run


def check_erased_is_gone(run: Run) -> list[str]:
    """By each member's own ledger, for what it does not know erased it may hold; and nobody has confirmed and holds."""
    failures = []
    for member in sorted(run.vaults):
        if member in run.ledgers:
            kept = set(kept_handles(run, member))
            failures += [
                f"{member} holds {handle}, which its own ledger says is erased"
                for handle in tombstones(run.ledgers[member])
                if handle in kept
            ]
    if run.fullest is not None:
        for handle, awaiting in tombstones(run.fullest.rows).items():
            for member in sorted(run.vaults):
                if member not in awaiting and handle in kept_handles(run, member):
                    failures.append(
                        f"{member} holds {handle} and is not among those that have yet to confirm its erasure"
                    )
    return list(dict.fromkeys(failures))


def _none_erased(run: Run) -> str:
    if not run.vaults:
        return "no private store is at hand"
    if run.fullest is None or not tombstones(run.fullest.rows):
        return "nothing was erased"
    return ""


def _is_asked(run: Run) -> bool:
    return not _none_erased(run)


CHECK = Claim(
    "what was erased is gone",
    Kind.SAFETY,
    "No private store holds a record that the member's own ledger says is erased, or whose erasure it confirmed.",
    check_erased_is_gone,
    _none_erased,
    _is_asked,
    order=52,
)
