"""What an institution does about agreements and debts: it accepts what is offered, and repays what is demanded."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import agreement, debt
from consortium.contracts.insurance.agreements import AGREEMENTS, OFFERED
from consortium.contracts.insurance.debt import DEBTS, DEMANDED, OVERDUE
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.oversight.notice import NOTICE
from consortium.core.contract import Event, StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.work import Work


class ObligationTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`is_late`: it repays when it is told that a debt is overdue, and not before."""

    is_late: bool = False


class Obligations:
    """Part of an institution's conduct."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._member = ""
        self._is_late = False

    def plan(self, work: Work) -> None:
        self._member, self._is_late = work.member, work.of(ObligationTasks).is_late

    def on_event(self, event: Event, agenda: Agenda) -> None:
        if event.kind == "agreement-offered":
            self._accept(text(event, "fixmedins_code"), int(event.fields["year"]), agenda)
        elif event.kind == "debt-demanded" and not self._is_late:
            self._repay(text(event, "debt_no"), text(event, "fixmedins_code"), agenda)
        elif event.kind == NOTICE and text(event, "why") == "debt-overdue":
            number = text(event, "record").partition("/")[2]
            self._repay(number, text(event, "fixmedins_code"), agenda)

    def resume(self, agenda: Agenda) -> None:
        for key, held in list(self._state.range(AGREEMENTS, "", END)):
            if held.stage == OFFERED:
                code, _, year = key.partition("/")
                self._accept(code, int(year), agenda)
        for number, owed in list(self._state.range(DEBTS, "", END)):
            if owed.stage == OVERDUE or (owed.stage == DEMANDED and not self._is_late):
                self._repay(number, owed.fixmedins_code, agenda)

    def _accept(self, code: str, year: int, agenda: Agenda) -> None:
        if self._member in find_acting(self._state, code):
            accept = agreement.OfAgreement(code, year)
            agenda.wish(f"accept:{code}/{year}", (("agreement", "accept", accept),))

    def _repay(self, number: str, code: str, agenda: Agenda) -> None:
        if self._member in find_acting(self._state, code):
            agenda.wish(f"repay:{number}", (("debt", "repay", debt.Repay(number)),))
