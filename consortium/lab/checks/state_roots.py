"""Equal state roots: the same height means the same state."""

from __future__ import annotations

from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.traces import describe_camps, disagreements
from consortium.runs.run import Run, head_height, state_digest


def check_state_roots(run: Run) -> list[str]:
    """The roots that nodes noted, and the rows that their ledgers hold."""
    return _told_apart(run) + _stored_apart(run)


def _told_apart(run: Run) -> list[str]:
    """One state root per executed height over all nodes."""
    return disagreements(run.trace, "executed", "state_root", "state roots")


def _stored_apart(run: Run) -> list[str]:
    """Ledgers with the same highest block have the same rows of state."""
    states: dict[int, dict[str, list[str]]] = {}
    for camp in run.camps:
        digest = state_digest(camp.rows).hex()[:16]
        states.setdefault(head_height(camp.rows), {}).setdefault(digest, []).append(camp.label)
    return [
        f"height {height}: the tables of state differ: {describe_camps(camps)}"
        for height, camps in sorted(states.items())
        if len(camps) > 1
    ]


CHECK = Claim(
    "equal state roots",
    Kind.SAFETY,
    "Nodes at the same height hold the same state.",
    check_state_roots,
    unchecked.no_blocks,
    order=50,
)
