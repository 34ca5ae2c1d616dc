"""Exchanges by hash locks, from the side of one who binds, opens or takes back. By the members' settings
`{"hosts": ["swaps"]}`; what it does stands in `swap_moves.py`."""

from __future__ import annotations

from consortium.core.contract import StateReader
from consortium.node.parts import RoleMachine
from consortium.roles.desk import Desk
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.swap_moves import SwapTasks, may_wait, next_moves
from consortium.roles.work import Work


def _build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
    tasks = SwapTasks() if work is None else work.of(SwapTasks)
    member = "" if work is None else work.member
    return Desk(
        "swaps",
        member,
        lambda wall_us: next_moves(state, tasks, wall_us),
        lambda wall_us: may_wait(state, tasks, wall_us),
    )


ROLE = RoleSpec("swaps", Settings, _build)
