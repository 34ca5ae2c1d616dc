"""Everything executed: what a member submitted stands in a block."""

from __future__ import annotations

from consortium.core.transaction import bundle_digest
from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.ledgers import batch_bundles
from consortium.lab.checks.traces import running_nodes
from consortium.lab.measures.series import distinct_submissions
from consortium.runs.run import Run, base_height, blocks


def check_everything_executed(run: Run) -> list[str]:
    """Each bundle that a node submitted that was up at the end stands in the highest ledger (without ledgers: was
    `included`). What a node submitted that died for good may have died with it. What was handed in may have been
    executed in another bundle, of another gateway: then the record says which bundle it was."""
    running = running_nodes(run.trace)
    until_us = calm.due_us(run)
    submitted = [
        record for record in distinct_submissions(run.trace) if record["node"] in running and record["t_us"] <= until_us
    ]
    fullest = run.fullest
    if fullest is not None:
        stored = {bundle_digest(raw).hex()[:16] for block in blocks(fullest.rows) for raw in batch_bundles(block)}
        stored |= {record["bundle"] for record in run.records.of_kind("included") if "bundle" in record}
        missing = [record for record in submitted if record["bundle"] not in stored]
        if base_height(fullest.rows) > 0:  # every ledger began with a snapshot: what lies below it only notes tell
            unheard = _not_included(run)
            missing = [record for record in missing if record in unheard]
    else:
        missing = _not_included(run)
    counts: dict[str, int] = {}
    for record in missing:
        counts[record["node"]] = counts.get(record["node"], 0) + 1
    return [f"{count} of the bundles of {node} stand in no block" for node, count in sorted(counts.items())]


def _not_included(run: Run) -> list[dict[str, object]]:
    """Without ledgers only counts are left: the last bundles of a member with more submitted than included."""
    included: dict[str, int] = {}
    for record in run.records.of_kind("included"):
        included[record["node"]] = included.get(record["node"], 0) + 1
    missing = []
    for record in distinct_submissions(run.trace):
        if included.get(record["node"], 0) > 0:
            included[record["node"]] -= 1
        else:
            missing.append(record)
    return missing


CHECK = Claim(
    "everything executed",
    Kind.LIVENESS,
    "Every bundle that a member submitted stands in a block.",
    check_everything_executed,
    unchecked.no_submissions,
    order=70,
)
