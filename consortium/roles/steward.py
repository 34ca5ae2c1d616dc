"""The steward: a member's hand in who belongs to the consortium. It proposes what its work list says and votes on what
others propose; against a version of a contract that its program does not have.

It lives in a member's node beside its own role, by that member's settings `{"hosts": ["steward"]}`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts import load_contracts
from consortium.contracts.governance import governance
from consortium.contracts.governance.rule_changes import UPGRADE
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.membership import Purpose
from consortium.core.registry import newest_epoch
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class MembershipAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a steward does about the members. `proposal` is made; or, with `is_recovery`, a new voting key is registered
    with the recovery key. `renews`: purposes whose keys of this generation are filled in where the secrets are, when
    the member's host is built."""

    at_us: int
    proposal: governance.Propose | None = None
    is_recovery: bool = False
    renews: tuple[Purpose, ...] = ()
    generation: int = 1
    recovery: governance.RecoverKey | None = None


class StewardTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`approves`: whether the steward votes for what others propose; else it votes against it."""

    actions: tuple[MembershipAction, ...] = ()
    approves: bool = True


class StewardConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._approves = True

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(StewardTasks)
        self._member, self._approves = work.member, tasks.approves
        for action in tasks.actions:
            if action.recovery is not None:
                recover = ("governance", "recover_key", action.recovery)
                agenda.wish(f"recover:{action.generation}", (recover,), action.at_us)
            elif action.proposal is not None:
                propose = ("governance", "propose", action.proposal)
                agenda.wish(f"propose:{action.proposal.proposal_id}", (propose,), action.at_us)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        notes: list[Note] = []
        for event in outcome.receipt.events:
            if event.kind == "proposal-made" and outcome.member != self._member:
                self._answer(text(event, "proposal_id"), agenda)
            elif event.kind == "member-convicted":
                culprit, vote = text(event, "culprit"), text(event, "vote")
                notes.append(Note("convicted", {"culprit": culprit, "vote": vote}))
        return notes

    def resume(self, height: int, agenda: Agenda) -> None:
        for proposal_id, proposal in list(self.state.range(governance.PROPOSALS, "", END)):
            if proposal.status == governance.OPEN and self._member not in [voice for voice, _ in proposal.voices]:
                self._answer(proposal_id, agenda)

    def _answer(self, proposal_id: str, agenda: Agenda) -> None:
        epoch = newest_epoch(self.state)
        if epoch is not None and epoch.is_validator(self._member):
            voice = governance.Vote(proposal_id, self._approves and self._can_follow(proposal_id))
            agenda.wish(f"vote:{proposal_id}", (("governance", "vote", voice),))

    def _can_follow(self, proposal_id: str) -> bool:
        """Whether this program has the version that is proposed: who votes for one that it lacks would stop."""
        proposal = self.state.get(governance.PROPOSALS, proposal_id)
        if proposal is None or proposal.proposed.action != UPGRADE:
            return True
        held = load_contracts().get(proposal.proposed.contract)
        return held is not None and proposal.proposed.version in held.versions


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("steward", settings, work, StewardConduct(state))


ROLE = RoleSpec("steward", Settings, _build)
