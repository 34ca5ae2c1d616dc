"""A supplier: registers a lot of traced packs for every order that it gets, and ships it with its two invoices.

Reports of inspections lie in its vault; the ledger has commitments to them. What comes back to it, it refunds."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from consortium.contracts.medicines import procurement_records as procurement
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.inspections import INSPECTION, Inspection
from consortium.core.codec import encode, tagged_hash
from consortium.core.contract import StateReader
from consortium.core.machine import Guard, Note, Outcome
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

UNITS = 24  # minimal units in a pack


class SupplierConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._salts = Salts()

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member, self._salts = work.member, work.of(Salts)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind in ("order-placed", "order-prepaid"):
                self._ship(text(event, "order_no"), agenda)
            elif event.kind == "goods-sent-back":
                self._refund(text(event, "order_no"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for order_no, order in list(self.state.range(procurement.ORDERS, "", END)):
            if order.stage in (procurement.ORDERED, procurement.PREPAID):
                self._ship(order_no, agenda)
            elif order.sent_back:
                self._refund(order_no, agenda)

    def _ship(self, order_no: str, agenda: Agenda) -> None:
        order = self.state.get(procurement.ORDERS, order_no)
        if order is None or order.supplier != self._member:
            return
        tender = self.state.get(procurement.TENDERS, order.contract_no)
        if tender is None or (tender.prepay_bp and order.stage == procurement.ORDERED):
            return
        codes = compute_trace_codes(order_no, order.quantity)
        produce = trace_code.Produce(f"lot-{order_no}", tender.med_list_codg, "tablet", UNITS, codes)
        invoices = (
            procurement.Invoice(tender.producer, self._member, _digest(order_no, "producer")),
            procurement.Invoice(self._member, order.fixmedins_code, _digest(order_no, "supplier")),
        )
        inspected = Inspection(order_no, produce.lot_no, tender.med_list_codg, order.quantity, True)
        report = Guard(f"{INSPECTION}/{order_no}", encode(inspected))
        agenda.guard(report)
        ship = procurement.Ship(order_no, codes, invoices, self._salts.commit(*report), True)
        agenda.wish(f"ship:{order_no}", (("trace_code", "produce", produce), ("procurement", "ship", ship)))

    def _refund(self, order_no: str, agenda: Agenda) -> None:
        """The goods are back: what was paid for them is not ours."""
        order = self.state.get(procurement.ORDERS, order_no)
        if order is not None and order.supplier == self._member and order.owed_back_fen:
            refund = procurement.Refund(order_no)
            agenda.wish(f"refund:{order_no}:{order.sent_back}", (("procurement", "refund", refund),))


def compute_trace_codes(order_no: str, quantity: int) -> tuple[str, ...]:
    """Ascending 20-digit codes: 16 digits that stand for the lot, and a serial of four."""
    lot = int.from_bytes(sha256(order_no.encode()).digest()[:8], "big") % 10**16
    return tuple(f"{lot:016d}{serial:04d}" for serial in range(quantity))


def _digest(order_no: str, paper: str) -> bytes:
    """The hash of a paper that lies with the supplier."""
    return tagged_hash(b"consortium paper", order_no.encode(), paper.encode())


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("supplier", settings, work, SupplierConduct(state))


ROLE = RoleSpec("supplier", Settings, _build)
