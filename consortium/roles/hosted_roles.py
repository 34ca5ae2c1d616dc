"""Several roles in one node: a member and those it hosts, such as the agents of patients. They share its outbox."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.machine import Effect, Event, Now
from consortium.node.parts import RoleMachine


class HostedRoles:
    """Every role hears everything; each knows its own timers, and begins its references with words of its own."""

    def __init__(self, roles: Sequence[RoleMachine]) -> None:
        self._roles = tuple(roles)
        self.wants_history = any(role.wants_history for role in roles)

    @property
    def is_done(self) -> bool:
        return all(role.is_done for role in self._roles)

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        return [effect for role in self._roles for effect in role.step(now, event)]
