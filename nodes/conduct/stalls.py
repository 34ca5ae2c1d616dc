"""Whether a run stands still: work waits, and nothing moves. Where nothing waits, it is only quiet."""

from __future__ import annotations

from collections.abc import Collection

from nodes.process.status import Status


def has_work(statuses: Collection[Status | None]) -> bool:
    """Whether anything waits at these nodes (None: it has not reported): a transaction to be executed, a block that
    others have, a seal. Members that were removed wait for nothing."""
    if any(status is None for status in statuses):
        return True
    members = [status for status in statuses if status is not None and status.is_member]
    heads = {(status.head_height, status.stable_height) for status in members}
    is_level = len(heads) <= 1 and all(head == stable for head, stable in heads)
    return not is_level or any(status.has_work for status in members)


class StallClock:
    """How long work has waited without anything being executed, in microseconds of the run."""

    def __init__(self) -> None:
        self._since_us = 0

    def executed(self, t_us: int) -> None:
        """A new height was executed then."""
        self._since_us = max(self._since_us, t_us)

    def look(self, now_us: int, *, is_work_waiting: bool) -> int:
        """To be called again and again; for how long nothing has moved."""
        if not is_work_waiting:
            self._since_us = now_us
        return now_us - self._since_us
