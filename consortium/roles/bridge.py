"""A bridge: a member of two consortia that carries proofs from one ledger to the other. It is trusted with nothing.

As a role it does nothing of itself. What it carries stands in `carrier.py`; whoever runs its two nodes hands it in at
their doors (`simulation/together.py`)."""

from __future__ import annotations

from consortium.core.contract import StateReader
from consortium.node.parts import RoleMachine
from consortium.roles.organisation import Conduct, Organisation
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


def _build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
    return Organisation("bridge", settings, work, Conduct(state))


ROLE = RoleSpec("bridge", Settings, _build)
