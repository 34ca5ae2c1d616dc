"""A charity: registers what is pledged to it, allocates money to grants of the need that it was given for, and goods to
patients one by one, which it hands out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.aid import gift as gifts
from consortium.contracts.aid.aid_records import AIDS, GRANTED, Aid
from consortium.contracts.aid.gift_records import ALLOCATED, ANY, GIFT_USES, GIFTS, GOODS, RECEIVED, Gift
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class CharityTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What donors pledge."""

    pledges: tuple[gifts.Pledge, ...] = ()


class CharityConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member = work.member
        for pledge in work.of(CharityTasks).pledges:
            agenda.wish(f"pledge:{pledge.gift_no}", (("gift", "pledge", pledge),))

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "aid-granted":
                self._give(_key(event), agenda)
            elif event.kind == "gift-allocated":
                self._hand_out(text(event, "gift_no"), int(event.fields["serial"]), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for key, aid in list(self.state.range(AIDS, "", END)):
            if aid.stage == GRANTED:
                self._give(key, agenda)
        for key, use in list(self.state.range(GIFT_USES, "", END)):
            if use.stage == ALLOCATED:
                gift_no, _, serial = key.partition("/")
                self._hand_out(gift_no, int(serial), agenda)

    def _give(self, key: str, agenda: Agenda) -> None:
        """Of each gift that fits: what the largest part has room for that waits for its step, or one piece."""
        aid = self.state.get(AIDS, key)
        if aid is None or aid.stage != GRANTED:
            return
        psn_no, year, sequence = key.split("/")
        for gift_no, gift in list(self.state.range(GIFTS, "", END)):
            quantity = self._quantity(gift, aid)
            if quantity:
                allocate = gifts.Allocate(gift_no, psn_no, int(year), int(sequence), quantity)
                agenda.wish(f"allocate:{gift_no}:{key}", (("gift", "allocate", allocate),))

    def _quantity(self, gift: Gift, aid: Aid) -> int:
        if gift.charity != self._member or gift.stage != RECEIVED or gift.purpose not in (ANY, aid.need):
            return 0
        waiting = [one.open_fen for one in aid.tranches if not one.paid_on and one.step not in aid.attested]
        room = 1 if gift.kind == GOODS else max(waiting, default=0)
        return min(gift.received - gift.allocated, room)

    def _hand_out(self, gift_no: str, serial: int, agenda: Agenda) -> None:
        gift = self.state.get(GIFTS, gift_no)
        if gift is not None and gift.charity == self._member and gift.kind == GOODS:
            agenda.wish(f"hand-out:{gift_no}:{serial}", (("gift", "hand_out", gifts.OfUse(gift_no, serial)),))


def _key(event: Event) -> str:
    return f"{event.fields['psn_no']}/{event.fields['year']}/{event.fields['sequence']:06d}"


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("charity", settings, work, CharityConduct(state))


ROLE = RoleSpec("charity", Settings, _build)
