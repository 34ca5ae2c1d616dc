"""Every commitment on the ledger has its record in the private stores of those that must hold it."""

from __future__ import annotations

from collections.abc import Mapping

from consortium.core.words import mark
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.private_records import committed, kept_commitment, no_vaults, tombstones
from consortium.runs.run import Run


def check_commitments_kept(run: Run) -> list[str]:
    """At the end of the run, by the fullest ledger, of holders whose private store is at hand."""
    if run.fullest is None:
        return []
    rows, lost = run.fullest.rows, _missing(run)
    erased = tombstones(rows)
    failures = []
    for record in committed(rows):
        for member in record.holders:
            if record.handle in erased or member not in run.vaults or record.handle in lost.get(member, ()):
                continue
            kept = kept_commitment(run, member, record.handle)
            if kept is None:
                failures.append(f"{member} must hold {record.handle}, and its private store does not")
            elif kept != record.commitment:
                failures.append(f"{member} holds another record than {record.handle} commits to")
    return failures


def _missing(run: Run) -> Mapping[str, set[str]]:
    """What a member's own trace says that nobody can give it any more: a fault of disks, told in time."""
    told: dict[str, set[str]] = {}
    for record in run.records.of_kind("record_missing"):
        told.setdefault(record["node"], set()).add(record["handle"])
    return told


def _none_committed(run: Run) -> str:
    if run.fullest is None or next(committed(run.fullest.rows), None) is None:
        return "no ledger commits to a private record"
    return ""


def _is_asked(run: Run) -> bool:
    """Also where every store is empty and the trace tells of records that were kept: that all are lost is what must not
    be left unsaid. A load commits to lines that nobody keeps."""
    were_kept = bool(run.vaults) and bool(run.records.of_kind("record_given", "record_kept"))
    return were_kept or not no_vaults(run)


CHECK = Claim(
    "commitments are kept",
    Kind.LIVENESS,
    "Every commitment on the ledger has its record in the private store of each member that must hold it.",
    check_commitments_kept,
    _none_committed,
    _is_asked,
    order=92,
    failing=mark("NOT KEPT: a member lacks a private record that it must hold ({checks})."),
)
