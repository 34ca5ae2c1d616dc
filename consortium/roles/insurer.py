"""An insurer: registers its policies, and pays what patients claim under them, or declines with a reason."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import second_payer
from consortium.contracts.insurance.second_claims import CLAIMED, SECOND_CLAIMS, SECOND_POLICIES
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END, closed_through
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class InsurerTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policies to register; `declines`: why it declines what is claimed under a policy, by number."""

    policies: tuple[second_payer.Register, ...] = ()
    declines: dict[str, str] = {}


class InsurerConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._declines: dict[str, str] = {}
        self._unclaimed: dict[str, int] = {}  # policies under which nothing was claimed yet, and of which year they are

    @property
    def is_done(self) -> bool:
        return not self._unclaimed

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(InsurerTasks)
        self._member, self._declines = work.member, tasks.declines
        self._unclaimed = {policy.policy_no: policy.from_day // 10_000 for policy in tasks.policies}
        for policy in tasks.policies:
            agenda.wish(f"policy:{policy.policy_no}", (("second_payer", "register", policy),))

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "second-claimed" and text(event, "insurer") == self._member:
                self._on_claimed(event, agenda)
            elif event.kind == "year-closed":
                self._on_closed(int(event.fields["year"]))
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for key, claim in list(self.state.range(SECOND_CLAIMS, "", END)):
            policy = self.state.get(SECOND_POLICIES, claim.policy_no)
            if policy is not None and policy.insurer == self._member:
                self._unclaimed.pop(claim.policy_no, None)
                if claim.stage == CLAIMED:
                    psn_no, year, sequence = key.split("/")
                    self._answer(claim.policy_no, psn_no, int(year), int(sequence), agenda)
        self._on_closed(closed_through(self.state))

    def _on_closed(self, year: int) -> None:
        """Nothing is settled in it any more, so nothing is claimed that was not."""
        self._unclaimed = {policy: of_year for policy, of_year in self._unclaimed.items() if of_year > year}

    def _on_claimed(self, event: Event, agenda: Agenda) -> None:
        policy_no = text(event, "policy_no")
        self._unclaimed.pop(policy_no, None)
        self._answer(policy_no, text(event, "psn_no"), int(event.fields["year"]), int(event.fields["sequence"]), agenda)

    def _answer(self, policy_no: str, psn_no: str, year: int, sequence: int, agenda: Agenda) -> None:
        reference = f"second:{psn_no}/{year}/{sequence}"
        reason = self._declines.get(policy_no)
        if reason is None:
            call = ("second_payer", "pay", second_payer.OfClaim(psn_no, year, sequence))
            agenda.wish(reference, (call,))
        else:
            decline = second_payer.Decline(psn_no, year, sequence, reason)
            agenda.wish(reference, (("second_payer", "decline", decline),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("insurer", settings, work, InsurerConduct(state))


ROLE = RoleSpec("insurer", Settings, _build)
