"""Equal heads: at its end all running nodes of a run have executed the same height."""

from __future__ import annotations

from consortium.lab.checks import calm, unchecked
from consortium.lab.checks.claims import Claim, Kind
from consortium.lab.checks.traces import describe_camps, executed_heights, running_nodes
from consortium.runs.run import Run


def check_equal_heads(run: Run) -> list[str]:
    """All nodes that were running at the end have executed the same height, and at least one member did run."""
    running = running_nodes(run.trace)
    if not running:
        return ["no node was running at the end"]
    if run.is_standing:
        return _behind(run, running)
    heights = executed_heights(run.trace)
    camps: dict[str, list[str]] = {}
    for node in running:
        camps.setdefault(f"height {heights.get(node, 0)}", []).append(node)
    return [f"the heads differ: {describe_camps(camps)}"] if len(camps) > 1 else []


def _behind(run: Run, running: list[str]) -> list[str]:
    """Nodes that never executed what others executed so long ago that it was due."""
    heights = executed_heights(run.trace)
    earlier = executed_heights(run.records.between(0, calm.due_us(run)))
    wanted = max((height for node, height in earlier.items() if node in running), default=0)
    late = [node for node in running if heights.get(node, 0) < wanted]
    return [f"{node} is at height {heights.get(node, 0)}, and {wanted} was executed long ago" for node in late]


CHECK = Claim(
    "equal heads",
    Kind.LIVENESS,
    "At the end all running nodes have executed the same height.",
    check_equal_heads,
    lambda run: unchecked.cut_short(run) or unchecked.no_blocks(run),
    order=80,
)
