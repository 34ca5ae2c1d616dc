"""A pharmacy: signs for its volume, orders, scans what arrives into stock, dispenses by trace code and claims."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import procurement_records as procurement
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.claimant import BillToClaim, Claimant, Service, commit_record, compose_issue, decided_bill
from consortium.roles.executed_effects import is_decided
from consortium.roles.month_books import MonthBooks
from consortium.roles.obligations import Obligations
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.share_payments import SharePayments
from consortium.roles.work import Work


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Packs of one drug to order under a tender contract, once that is awarded: `cnt`, and no more is ever agreed.
    `fails_inspection`: what comes is no good; it is rejected and sent back."""

    at_us: int
    order_no: str
    contract_no: str
    fixmedins_code: str
    cnt: int
    fails_inspection: bool = False


class Dispensing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A prescription to dispense and claim: packs `first` to `first + cnt − 1` of what the order brought.
    Pseudonyms and record as of a visit.

    `after_bill`: packs that this bill sold are scanned again, once its claim is decided."""

    at_us: int
    fixmedins_code: str
    bill_no: str
    patient: str
    psn_no: str
    day: int
    order_no: str
    med_list_codg: str
    first: int
    cnt: int
    pric: int
    record: bytes = b""
    after_bill: str = ""


class PharmacyTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a pharmacy has to order and to dispense."""

    orders: tuple[Order, ...] = ()
    dispensings: tuple[Dispensing, ...] = ()


class PharmacyConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._claimant = Claimant(state)
        self._salts = Salts()
        self._by_contract: dict[str, list[Order]] = {}  # not awarded yet
        self._orders: dict[str, Order] = {}
        self._in_stock: dict[str, list[Dispensing]] = {}  # by order that must arrive first
        self._after_bill: dict[str, list[Dispensing]] = {}
        self._books = MonthBooks(state)
        self._obligations = Obligations(state)
        self._shares = SharePayments(state)

    @property
    def is_done(self) -> bool:
        return self._claimant.is_done and not (self._by_contract or self._in_stock or self._after_bill)

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks, self._salts = work.of(PharmacyTasks), work.of(Salts)
        self._books.plan(work)
        self._obligations.plan(work)
        self._shares.plan(work)
        for order in tasks.orders:
            self._by_contract.setdefault(order.contract_no, []).append(order)
            self._orders[order.order_no] = order
        for dispensing in tasks.dispensings:
            if dispensing.after_bill:
                self._after_bill.setdefault(dispensing.after_bill, []).append(dispensing)
            else:
                self._in_stock.setdefault(dispensing.order_no, []).append(dispensing)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        """What no longer can be had is not waited for: the receipt says why."""
        self._claimant.on_settled(settled, agenda)
        step, _, order_no = settled.reference.partition(":")
        is_ok = settled.outcome.receipt.is_ok
        order = self._orders.get(order_no)
        if order is None:
            return
        if step == "agree" and is_ok:
            place = procurement.PlaceOrder(order_no, order.contract_no, order.fixmedins_code, order.cnt)
            agenda.wish(f"order:{order_no}", (("procurement", "place_order", place),), order.at_us)
        elif step == "receive" and is_ok:
            self._on_judged(order, agenda)
        elif step in ("agree", "order", "receive") and not is_ok:
            self._in_stock.pop(order_no, None)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            self._claimant.on_event(event, agenda)
            self._books.on_event(event, agenda)
            self._obligations.on_event(event, agenda)
            self._shares.on_event(event, agenda)
            if event.kind == "tender-awarded":
                self._on_awarded(text(event, "contract_no"), agenda)
            elif event.kind == "order-shipped":
                self._on_shipped(text(event, "order_no"), agenda)
        if self._after_bill:
            self._on_decided(decided_bill(outcome), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        self._claimant.resume(agenda)
        self._books.resume(agenda)
        self._obligations.resume(agenda)
        self._shares.resume(agenda)
        for contract_no in [one for one in self._by_contract if self.state.get(procurement.TENDERS, one)]:
            self._on_awarded(contract_no, agenda)
        for order_no in self._orders:
            order = self.state.get(procurement.ORDERS, order_no)
            if order is None:
                continue
            if order.stage == procurement.SHIPPED:
                self._on_shipped(order_no, agenda)
            elif order.stage in (procurement.RECEIVED, procurement.PAID):
                self._on_received(order_no, agenda)
            elif order.stage in (procurement.REJECTED, procurement.RETURNED):
                self._on_judged(self._orders[order_no], agenda)
        for number in [number for number in self._after_bill if is_decided(self.state, number)]:
            self._on_decided(number, agenda)

    def _on_decided(self, number: str, agenda: Agenda) -> None:
        for dispensing in self._after_bill.pop(number, ()):
            self._dispense(dispensing, agenda)

    def _on_received(self, order_no: str, agenda: Agenda) -> None:
        for dispensing in self._in_stock.pop(order_no, ()):
            self._dispense(dispensing, agenda)

    def _on_awarded(self, contract_no: str, agenda: Agenda) -> None:
        for order in self._by_contract.pop(contract_no, ()):
            agree = procurement.SignSubcontract(order.contract_no, order.fixmedins_code, order.cnt)
            agenda.wish(f"agree:{order.order_no}", (("procurement", "sign_subcontract", agree),))

    def _on_shipped(self, order_no: str, agenda: Agenda) -> None:
        """Scan every pack; the codes are those that the supplier put on the ledger."""
        if order_no in self._orders:
            order = self._orders[order_no]
            receive = procurement.Receive(order_no, self._codes(order_no), order.cnt, True)
            if order.fails_inspection:
                receive = procurement.Receive(order_no, (), 0, False)
            agenda.wish(f"receive:{order_no}", (("procurement", "receive", receive),))

    def _on_judged(self, order: Order, agenda: Agenda) -> None:
        if not order.fails_inspection:
            self._on_received(order.order_no, agenda)
            return
        self._in_stock.pop(order.order_no, None)
        back = procurement.SendBack(order.order_no, ())
        agenda.wish(f"send-back:{order.order_no}", (("procurement", "send_back", back),))

    def _codes(self, order_no: str) -> tuple[str, ...]:
        order = self.state.get(procurement.ORDERS, order_no)
        return () if order is None else order.codes

    def _dispense(self, dispensing: Dispensing, agenda: Agenda) -> None:
        packs = self._codes(dispensing.order_no)[dispensing.first : dispensing.first + dispensing.cnt]
        service = Service(
            fixmedins_code=dispensing.fixmedins_code,
            bill_no=dispensing.bill_no,
            patient=dispensing.patient,
            med_type=bills.OUTPATIENT,
            begndate=dispensing.day,
            enddate=dispensing.day,
            lines=(Line(dispensing.med_list_codg, dispensing.cnt, dispensing.pric, packs),),
        )
        commitment = commit_record(self._salts, dispensing.bill_no, dispensing.record)
        claim = settlement.Claim(dispensing.bill_no, dispensing.psn_no, commitment=commitment)
        issue, lines = compose_issue(self.state, service, self._salts)
        self._claimant.begin(BillToClaim(dispensing.at_us, lines, issue, claim), agenda)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("pharmacy", settings, work, PharmacyConduct(state))


ROLE = RoleSpec("pharmacy", Settings, _build)
