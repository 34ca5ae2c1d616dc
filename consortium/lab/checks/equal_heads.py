"""Equal heads: at its end all running nodes of a run have executed the same height."""

from __future__ import annotations

from consortium.lab.checks import unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.traces import describe_camps, executed_heights, running_nodes
from consortium.runs.run import Run


def check_equal_heads(run: Run) -> list[str]:
    """All nodes that were running at the end have executed the same height, and at least one member did run."""
    running = running_nodes(run.trace)
    if not running:
        return ["no node was running at the end"]
    heights = executed_heights(run.trace)
    camps: dict[str, list[str]] = {}
    for node in running:
        camps.setdefault(f"height {heights.get(node, 0)}", []).append(node)
    return [f"the heads differ: {describe_camps(camps)}"] if len(camps) > 1 else []


CHECK = Claim(
    "equal heads",
    Kind.LIVENESS,
    "At the end all running nodes have executed the same height.",
    check_equal_heads,
    lambda run: unchecked.cut_short(run) or unchecked.no_blocks(run),
    order=80,
)
