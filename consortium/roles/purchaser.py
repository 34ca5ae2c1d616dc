"""What the bureau does about medicines: it awards tenders, prepays where a tender asks for it, and pays for what came.

Part of the bureau's conduct. A payment that it is to forget it makes when the ledger tells that it is overdue."""

from __future__ import annotations

import msgspec

from consortium.contracts.medicines import procurement_records as procurement
from consortium.contracts.oversight import due
from consortium.core.calendar import compute_day_after
from consortium.core.contract import Event, StateReader
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text

FUND = "fund"


class TenderAward(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tender contract for the bureau to award: packs of one drug, fen a pack. `is_forgotten`: it pays for orders of
    it when it is told that the payment is overdue."""

    at_us: int
    contract_no: str
    med_list_codg: str
    producer: str
    supplier: str
    price_fen: int
    volume: int
    from_day: int
    to_day: int
    prepay_bp: int = 0
    is_forgotten: bool = False


class Purchaser:
    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._awards: dict[str, TenderAward] = {}
        self._forgotten: set[str] = set()  # orders that were received, and wait for somebody to say so

    @property
    def is_done(self) -> bool:
        return not self._forgotten

    def begin(self, award: TenderAward, agenda: Agenda) -> None:
        self._awards[award.contract_no] = award
        tender = procurement.AwardTender(
            contract_no=award.contract_no,
            med_list_codg=award.med_list_codg,
            producer=award.producer,
            supplier=award.supplier,
            price_fen=award.price_fen,
            volume=award.volume,
            from_day=award.from_day,
            to_day=award.to_day,
            prepay_bp=award.prepay_bp,
        )
        agenda.wish(f"award:{award.contract_no}", (("procurement", "award_tender", tender),), award.at_us)

    def on_event(self, event: Event, agenda: Agenda) -> None:
        match event.kind:
            case "order-placed":
                self._on_placed(text(event, "order_no"), agenda)
            case "order-received":
                self._on_received(text(event, "order_no"), agenda)
            case "notice" if text(event, "why") == "payment-overdue":
                self._on_overdue(text(event, "record").removeprefix("order/"), agenda)

    def resume(self, agenda: Agenda) -> None:
        self._forgotten.clear()
        for order_no, order in list(self._state.range(procurement.ORDERS, "", END)):
            if order.stage == procurement.ORDERED:
                self._on_placed(order_no, agenda)
            elif order.stage == procurement.RECEIVED:
                self._on_received(order_no, agenda)

    def _award_of(self, order_no: str) -> TenderAward | None:
        order = self._state.get(procurement.ORDERS, order_no)
        return None if order is None else self._awards.get(order.contract_no)

    def _on_placed(self, order_no: str, agenda: Agenda) -> None:
        award = self._award_of(order_no)
        if award is not None and award.prepay_bp:
            prepay = procurement.Prepay(order_no, FUND, award.prepay_bp)
            agenda.wish(f"prepay:{order_no}", (("procurement", "prepay", prepay),))

    def _on_received(self, order_no: str, agenda: Agenda) -> None:
        award, order = self._award_of(order_no), self._state.get(procurement.ORDERS, order_no)
        if award is None or order is None:
            return
        name = due.entry_name(compute_day_after(order.due_day, 1), procurement.CHECK_OVERDUE, order_no)
        if award.is_forgotten and due.is_waiting(self._state, name):
            self._forgotten.add(order_no)
        else:
            self._pay(order_no, agenda)

    def _on_overdue(self, order_no: str, agenda: Agenda) -> None:
        if order_no in self._forgotten:
            self._forgotten.discard(order_no)
            self._pay(order_no, agenda)

    def _pay(self, order_no: str, agenda: Agenda) -> None:
        agenda.wish(f"pay:{order_no}", (("procurement", "pay", procurement.Pay(order_no, FUND)),))
