"""What the bureau does about agreements and debts: it offers the ones, and demands the others after reversals."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import agreement, debt
from consortium.core.contract import Event
from consortium.roles.agenda import Agenda
from consortium.roles.organisation import text
from consortium.roles.work import Work


class PursuitTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`offers`: agreements. `days`: the term within which debts are demanded, 0 = they are not. `debts`, `months`: how
    many debts the bureau is to see settled, and how many months judged by agreements."""

    offers: tuple[agreement.Offer, ...] = ()
    days: int = 0
    debts: int = 0
    months: int = 0


class Pursuit:
    """Part of the bureau's conduct. After every reversal it demands what the institution owes: where it owes nothing,
    that is refused."""

    def __init__(self) -> None:
        self._member = ""
        self._tasks = PursuitTasks()
        self._demands: dict[str, int] = {}  # so far, by institution
        self._settled: set[str] = set()
        self._judged: set[str] = set()

    @property
    def is_done(self) -> bool:
        return len(self._settled) >= self._tasks.debts and len(self._judged) >= self._tasks.months

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(PursuitTasks)
        for offer in self._tasks.offers:
            agenda.wish(f"offer:{offer.fixmedins_code}/{offer.year}", (("agreement", "offer", offer),))

    def on_event(self, event: Event, agenda: Agenda) -> None:
        code = text(event, "fixmedins_code")
        if event.kind == "settlement-reversed" and self._tasks.days:
            count = self._demands[code] = self._demands.get(code, 0) + 1
            number = f"{self._member}:{code}.{count}"
            demand = debt.Demand(number, code, self._tasks.days, "reversed")
            agenda.wish(f"demand:{number}", (("debt", "demand", demand),))
        elif event.kind == "debt-settled":
            self._settled.add(text(event, "debt_no"))
        elif event.kind == "month-judged":
            self._judged.add(f"{code}/{event.fields['month']}")
