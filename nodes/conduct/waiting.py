"""Why a run is not over: which nodes are not done, and what each waits for, in one sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping

from consortium.core.membership import NodeId
from nodes.process.status import Status


def describe_waiting(statuses: Mapping[NodeId, Status | None], dead: Mapping[NodeId, object] | None = None) -> str:
    """Of the living nodes by name (None: it has not reported), and the names of the dead; empty if all is done."""
    known = [status for status in statuses.values() if status is not None]
    head_max = max((status.head_height for status in known), default=0)
    waiting = {name: _waits_for(status, head_max) for name, status in sorted(statuses.items())}
    groups: dict[str, list[NodeId]] = {}
    for name, what in waiting.items():
        if what:
            groups.setdefault(what, []).append(name)
    parts = [f"{', '.join(names)}: {what}" for what, names in groups.items()]
    if known and parts:
        newest = max(known, key=lambda status: status.view)
        parts.append(f"the newest view is {newest.view}, led by {newest.leader}")
    if dead:
        parts.append(f"not running: {', '.join(sorted(dead))}")
    return "; ".join(parts)


def _waits_for(status: Status | None, head_max: int) -> str:
    if status is None:
        return "nothing heard since its start"
    if not status.is_member:
        return ""
    if status.head_height < head_max:
        return f"waits for the blocks from height {status.head_height + 1} to {head_max}"
    if not status.is_done and not status.has_work:
        return f"at height {status.head_height}, has not done all of its work, and nothing of it waits to be executed"
    if not status.is_done:
        return f"at height {status.head_height}, waits for a block with work of its own"
    if status.stable_height < status.head_height:
        return f"waits for the seal of height {status.head_height} (the last is of {status.stable_height})"
    return ""
