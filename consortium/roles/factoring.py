"""Supply-chain finance from the side of those who trade: a buyer confirms what it owes, a supplier offers it to a bank,
the regulator bars who must neither sell nor buy. By the members' settings `{"hosts": ["factoring"]}`.

A dishonest supplier offers to a second bank what the first one has."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.medicines import receivable as receivables
from consortium.contracts.medicines.procurement_records import ORDERS, RECEIVED, find_buyer
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class Sale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a supplier is owed for an order, to offer at `price_bp` of its face until a day; to `second` it offers it
    once more when the first bank has it, "" = it does not."""

    order_no: str
    bank: str
    price_bp: int
    last_day: int
    second: str = ""


class FactoringTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`confirms`: orders that a buyer confirms once received; `sales`: of a supplier; `bars`: of the regulator."""

    confirms: tuple[str, ...] = ()
    sales: tuple[Sale, ...] = ()
    bars: tuple[receivables.Bar, ...] = ()


class FactoringConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._confirms: set[str] = set()
        self._sales: dict[str, Sale] = {}

    @property
    def is_done(self) -> bool:
        return not self._confirms and not self._sales

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(FactoringTasks)
        self._member, self._confirms = work.member, set(tasks.confirms)
        self._sales = {sale.order_no: sale for sale in tasks.sales}
        for bar in tasks.bars:
            agenda.wish(f"bar:{bar.account}:{bar.record}", (("receivable", "bar", bar),))

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        """An offer that is refused is not waited for: the receipt says why."""
        step, _, rest = settled.reference.partition(":")
        if step == "offer" and not settled.outcome.receipt.is_ok:
            self._sales.pop(rest.rpartition(":")[0], None)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            self._on_event(event, text(event, "order_no"), agenda)
        return ()

    def _on_event(self, event: Event, order_no: str, agenda: Agenda) -> None:
        if event.kind == "order-received":
            self._confirm(order_no, agenda)
        elif event.kind == "receivable-confirmed":
            self._offer(order_no, agenda)
        elif event.kind == "receivable-factored":
            self._offer_again(order_no, agenda)
        elif event.kind == "receivable-declined":
            self._sales.pop(order_no, None)

    def resume(self, height: int, agenda: Agenda) -> None:
        for order_no in list(self._confirms):
            order = self.state.get(ORDERS, order_no)
            if order is not None and order.stage == RECEIVED:
                self._confirm(order_no, agenda)
        for order_no in list(self._sales):
            known = self.state.get(receivables.RECEIVABLES, order_no)
            if known is not None and known.stage == receivables.CONFIRMED:
                self._offer(order_no, agenda)
            elif known is not None and known.stage == receivables.FACTORED:
                self._offer_again(order_no, agenda)

    def _confirm(self, order_no: str, agenda: Agenda) -> None:
        if order_no in self._confirms and self._member in find_buyer(self.state, order_no):
            self._confirms.discard(order_no)
            confirm = receivables.OfReceivable(order_no)
            agenda.wish(f"confirm:{order_no}", (("receivable", "confirm", confirm),))

    def _offer(self, order_no: str, agenda: Agenda) -> None:
        sale = self._sales.get(order_no)
        if sale is not None:
            self._wish_offer(sale, sale.bank, agenda)

    def _offer_again(self, order_no: str, agenda: Agenda) -> None:
        sale = self._sales.pop(order_no, None)
        if sale is not None and sale.second:
            self._wish_offer(sale, sale.second, agenda)

    def _wish_offer(self, sale: Sale, bank: str, agenda: Agenda) -> None:
        known = self.state.get(receivables.RECEIVABLES, sale.order_no)
        if known is not None:
            price_fen = known.face_fen * sale.price_bp // 10_000
            offer = receivables.Offer(sale.order_no, bank, price_fen, sale.last_day)
            agenda.wish(f"offer:{sale.order_no}:{bank}", (("receivable", "offer", offer),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("factoring", settings, work, FactoringConduct(state))


ROLE = RoleSpec("factoring", Settings, _build)
