"""A finance office: appropriates money for medical aid, attests the means of those who apply, confirms gifts that came,
and decides appeals. It has the papers of whoever it names as poor; papers it does not have it does not attest."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.aid import aid as aids
from consortium.contracts.aid import gift as gifts
from consortium.contracts.aid.aid_payments import Appropriate
from consortium.contracts.aid.aid_records import AIDS, APPEALED, APPLIED, MEANS, compute_left_fen, get_standing
from consortium.contracts.aid.gift_records import GIFTS, PLEDGED
from consortium.core.codec import tagged_hash
from consortium.core.contract import Refused, StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

APPEAL_SHARE = 4  # of what is left, one in so many fen is granted on appeal


class FinanceTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`poor`: persons, by settlement pseudonym, whose papers it has; `appropriation_fen`: at the beginning."""

    poor: tuple[str, ...] = ()
    appropriation_fen: int = 0


class FinanceConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._poor: frozenset[str] = frozenset()

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(FinanceTasks)
        self._poor = frozenset(tasks.poor)
        if tasks.appropriation_fen:
            agenda.wish("appropriate", (("aid", "appropriate", Appropriate(tasks.appropriation_fen, "budget/aid")),))

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind in ("aid-applied", "aid-appealed"):
                key = f"{event.fields['psn_no']}/{event.fields['year']}/{event.fields['sequence']:06d}"
                self._on_application(key, agenda)
            elif event.kind == "gift-pledged":
                self._confirm(text(event, "gift_no"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for key, _ in list(self.state.range(AIDS, "", END)):
            self._on_application(key, agenda)
        for gift_no, _ in list(self.state.range(GIFTS, "", END)):
            self._confirm(gift_no, agenda)

    def _on_application(self, key: str, agenda: Agenda) -> None:
        aid = self.state.get(AIDS, key)
        psn_no, year, sequence = key.split("/")
        if aid is None or psn_no not in self._poor:
            return
        of = (psn_no, int(year), int(sequence))
        if aid.stage == APPLIED and MEANS not in aid.attested:
            evidence = tagged_hash(b"consortium means", key.encode())
            agenda.wish(f"means:{key}", (("aid", "attest", aids.Attest(*of, MEANS, evidence)),))
        elif aid.stage == APPEALED:
            try:
                left_fen = compute_left_fen(self.state, *get_standing(self.state, *of))
            except Refused:
                left_fen = 0
            decide = aids.DecideAppeal(*of, left_fen // APPEAL_SHARE)
            agenda.wish(f"appeal:{key}", (("aid", "decide_appeal", decide),))

    def _confirm(self, gift_no: str, agenda: Agenda) -> None:
        gift = self.state.get(GIFTS, gift_no)
        if gift is not None and gift.stage == PLEDGED:
            confirm = gifts.ConfirmReceipt(gift_no, gift.pledged)
            agenda.wish(f"received:{gift_no}", (("gift", "confirm_receipt", confirm),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("finance", settings, work, FinanceConduct(state))


ROLE = RoleSpec("finance", Settings, _build)
