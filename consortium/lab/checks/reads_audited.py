"""Reads are audited: the chain of reads in each private store is whole, and what the ledger has anchored is in it.

Beyond the newest anchor the chain alone speaks: its last entries could be cut off unseen until their day is anchored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.private_records import anchored_reads
from consortium.runs.run import Run
from consortium.vault.audit import PREFIX, AuditEntry, DayOfReads, chain_fault, read_entries


def check_reads_audited(run: Run) -> list[str]:
    """Each entry that is not what follows the one before, and each anchor on the fullest ledger that differs. A member
    whose disk was lost or older has no reads to show that it wrote before: of it the chain alone is judged."""
    forgetting = calm.bad_members(run)
    failures = []
    for member, boxes in sorted(run.vaults.items()):
        entries = list(read_entries(boxes))
        rows = sum(name.startswith(PREFIX) for name in boxes.names())
        fault = chain_fault(entries)
        if len(entries) != rows:
            failures.append(f"{member}: {rows - len(entries)} entries of its reads cannot be read")
        elif fault:
            failures.append(f"{member}: {fault} in the chain of its reads")
        elif run.fullest is not None and member not in forgetting:
            failures += _differing(member, entries, anchored_reads(run.fullest.rows, member))
    return failures


def _differing(member: str, entries: Sequence[AuditEntry], anchors: Sequence[DayOfReads]) -> Iterator[str]:
    for day, first, number, root in anchors:
        end = first - 1 + number
        if len(entries) < end:
            yield f"{member}: reads up to entry {end} are anchored for {day}, and its store has {len(entries)}"
        elif entries[end - 1].digest != root or any(entry.day != day for entry in entries[first - 1 : end]):
            yield f"{member}: entries {first} to {end} are not the reads that it anchored for {day}"


def _is_asked(run: Run) -> bool:
    """Whether anything was read."""
    kept = any(name.startswith(PREFIX) for boxes in run.vaults.values() for name in boxes.names())
    return kept or (run.fullest is not None and any(anchored_reads(run.fullest.rows, name) for name in run.vaults))


CHECK = Claim(
    "reads are audited",
    Kind.SAFETY,
    "No entry of the audit of reads was changed or taken out, and its anchors on the ledger are of it.",
    check_reads_audited,
    unchecked.no_stored_blocks,
    _is_asked,
    order=54,
)
