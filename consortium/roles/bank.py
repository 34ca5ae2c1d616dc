"""A bank: buys what suppliers are owed where the price leaves it its rate, within a limit; declines the rest.

Where goods of an order that it bought go back, it takes recourse to the supplier by itself."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.checks import BASIS_POINTS
from consortium.contracts.insurance.drg import divide_half_up
from consortium.contracts.medicines import receivable as receivables
from consortium.contracts.medicines.procurement_records import ORDERS, RECEIVED, Order
from consortium.core.calendar import compute_days_between
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

YEAR_DAYS = 360  # of interest, as banks count


class BankTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate_bp`: of a year, what it wants for money advanced; `limit_fen`: what it advances in all, before it is
    paid."""

    rate_bp: int = 600
    limit_fen: int = 10**10


def compute_worth(face_fen: int, rate_bp: int, days: int) -> int:
    """What a claim that is paid in `days` is worth today, in fen: the face less its interest, which is rounded once."""
    return face_fen - divide_half_up(face_fen * rate_bp * days, BASIS_POINTS * YEAR_DAYS)


class BankConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._tasks = BankTasks()
        self._serial = 0

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._tasks = work.member, work.of(BankTasks)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "receivable-offered" and text(event, "bank") == self._member:
                self._judge(text(event, "order_no"), agenda)
            elif event.kind == "goods-sent-back":
                self._recover(text(event, "order_no"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for order_no, receivable in list(self.state.range(receivables.RECEIVABLES, "", END)):
            if receivable.bank == self._member and receivable.stage == receivables.OFFERED:
                self._judge(order_no, agenda)
            self._recover(order_no, agenda)

    def _judge(self, order_no: str, agenda: Agenda) -> None:
        """Each offer anew: a price that was changed is another offer."""
        receivable, order = self._both(order_no)
        if receivable is None or order is None or receivable.stage != receivables.OFFERED:
            return
        days = compute_days_between(order.received_day, order.due_day)
        worth_fen = compute_worth(receivable.face_fen, self._tasks.rate_bp, days)
        is_within = self._advanced_fen() + receivable.price_fen <= self._tasks.limit_fen
        if receivable.price_fen <= worth_fen and is_within:
            accept = receivables.Accept(order_no, receivable.price_fen)
            agenda.wish(f"accept:{order_no}:{receivable.price_fen}", (("receivable", "accept", accept),))
        else:
            decline = receivables.OfReceivable(order_no)
            agenda.wish(f"decline:{order_no}", (("receivable", "decline", decline),))

    def _recover(self, order_no: str, agenda: Agenda) -> None:
        receivable, order = self._both(order_no)
        if receivable is None or order is None or receivable.bank != self._member:
            return
        if receivable.stage == receivables.FACTORED and receivables.compute_recourse_fen(receivable, order):
            recover = receivables.OfReceivable(order_no)
            agenda.wish(f"recover:{order_no}:{order.sent_back}", (("receivable", "recover", recover),))

    def _both(self, order_no: str) -> tuple[receivables.Receivable | None, Order | None]:
        return self.state.get(receivables.RECEIVABLES, order_no), self.state.get(ORDERS, order_no)

    def _advanced_fen(self) -> int:
        """On claims that were not paid yet."""
        mine = [
            (order_no, each.price_fen)
            for order_no, each in self.state.range(receivables.RECEIVABLES, "", END)
            if each.bank == self._member and each.stage == receivables.FACTORED
        ]
        orders = [(self.state.get(ORDERS, order_no), price_fen) for order_no, price_fen in mine]
        return sum(price_fen for order, price_fen in orders if order is not None and order.stage == RECEIVED)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("bank", settings, work, BankConduct(state))


ROLE = RoleSpec("bank", Settings, _build)
