"""Agreement: what two nodes hold at one height is the same, in their notes and in their ledgers."""

from __future__ import annotations

from hashlib import sha256

from consortium.lab.checks import culprits, unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.traces import describe_camps, disagreements
from consortium.runs.run import Run, base_height, blocks


def check_agreement(run: Run) -> list[str]:
    """Where it is broken, the first sentence says who did it, as far as the ledgers prove it."""
    found = _told_apart(run) + _stored_apart(run)
    fork = culprits.first_fork(run) if found else None
    return found if fork is None else [fork.sentence(), *found]


def _told_apart(run: Run) -> list[str]:
    """One digest per committed height over all nodes and views; one header per executed height."""
    return disagreements(run.trace, "committed", "digest", "batches") + disagreements(
        run.trace, "executed", "header", "headers"
    )


def _stored_apart(run: Run) -> list[str]:
    """The same header, batch and receipts, byte for byte, at every height that two nodes both hold."""
    headers: dict[int, dict[str, list[str]]] = {}
    bodies: dict[int, dict[str, list[str]]] = {}
    for camp in run.camps:
        base = base_height(camp.rows)
        for block in blocks(camp.rows):
            header = sha256(block.header_bytes).hexdigest()[:16]
            headers.setdefault(block.height, {}).setdefault(header, []).append(camp.label)
            if base == 0 or block.height > base:  # of its snapshot's height a ledger has the header alone
                bodies.setdefault(block.height, {}).setdefault(block.digest.hex()[:16], []).append(camp.label)
    failures = []
    for height, camps in sorted(headers.items()):
        differing = camps if len(camps) > 1 else bodies.get(height, {})
        if len(differing) > 1:
            failures.append(f"height {height}: the ledgers hold different blocks: {describe_camps(differing)}")
    return failures


CHECK = Claim(
    "agreement",
    Kind.SAFETY,
    "No two nodes committed a different batch, or hold a different block, at one height.",
    check_agreement,
    unchecked.no_blocks,
    order=10,
)
