"""How often one peer may make us answer: costly answers are rationed per member and period."""

from __future__ import annotations

from consortium.core.machine import Now
from consortium.core.membership import NodeId


class RateLimit:
    """At most `count` answers for each member in each `period_us`. Members are few, so the table is."""

    def __init__(self, count: int, period_us: int) -> None:
        self._count = count
        self._period_us = period_us
        self._spent: dict[NodeId, tuple[int, int]] = {}  # period, answers in it

    def spend(self, now: Now, member: NodeId) -> bool:
        """Take one; False if this period's are spent."""
        period = now.monotonic_us // self._period_us
        then, spent = self._spent.get(member, (period, 0))
        if then != period:
            spent = 0
        if spent >= self._count:
            return False
        self._spent[member] = (period, spent + 1)
        return True
