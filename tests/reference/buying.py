"""The part of the walk that buys drugs: orders, prepayment, shipment, receipt, payment."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from consortium.contracts.medicines import procurement_records as procurement
from tests.reference.nodes import Call
from tests.reference.orders import PROCUREMENT, Order, Orders
from tests.reference.steps import Step, newest
from tests.reference.world import BUYERS, SUPPLIERS

if TYPE_CHECKING:
    from tests.reference.walk import Walk


class Buying:
    """`kinds`: its steps with their weights."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.orders = Orders(walk.book)
        self.kinds = (
            (3, self.order),
            (2, self.prepay),
            (3, self.ship),
            (3, self.receive),
            (3, self.pay),
            (2, self.send_back),
            (3, self.refund),
        )

    def order(self) -> Iterator[Step]:
        code, member = self.walk.pick(BUYERS)
        tender, _, price = self.walk.pick(SUPPLIERS)
        name, count = self.walk.fresh("O"), 1 + self.walk.random.randrange(50)
        if self.walk.chance(20) and self.orders.all:
            name = str(self.walk.pick(newest(self.orders.all, 30))[0])
        made = Order(tender, code, count, price)
        call = Call(member, "procurement", "place_order", procurement.PlaceOrder(name, tender, code, count))
        yield Step(call, lambda book: self.orders.place(name, made))

    def _an_order(self, *stages: str) -> tuple[str, Order, str, str]:
        """Its name and itself; who supplies it, who buys it."""
        recent = [name for name, _ in newest(self.orders.all, 100)]
        found = [name for name in recent if self.orders.all[name].stage in stages]
        name = str(self.walk.pick(found if found and self.walk.chance(90) else recent))
        order = self.orders.all[name]
        supplier = next(member for tender, member, _ in SUPPLIERS if tender == order.tender)
        return name, order, supplier, self.walk.book.institutions[order.institution].member

    def prepay(self) -> Iterator[Step]:
        if not self.orders.all:
            return
        name, order, supplier, buyer = self._an_order("ordered")
        share = self.walk.random.randrange(2_900, 10_001)
        is_fund = self.walk.chance(60)
        source = PROCUREMENT if is_fund else f"paid/{order.institution}"
        arguments = procurement.Prepay(name, "fund" if is_fund else "buyer", share)
        call = Call("bureau" if is_fund else buyer, "procurement", "prepay", arguments)
        yield Step(call, lambda book: self.orders.prepay(name, supplier, source, Fraction(share, 10_000)))

    def ship(self) -> Iterator[Step]:
        if not self.orders.all:
            return
        name, order, supplier, _ = self._an_order("ordered", "prepaid")
        digest = self.walk.fresh("invoice").encode().ljust(32, b".")
        invoices = (procurement.Invoice(supplier, order.institution, digest),)
        arguments = procurement.Ship(name, (), invoices, b"r" * 32, True)
        call = Call(supplier, "procurement", "ship", arguments)
        yield Step(call, lambda book: self.orders.step(name, ("ordered", "prepaid", "shipped"), "shipped"))

    def receive(self) -> Iterator[Step]:
        if not self.orders.all:
            return
        name, order, _, buyer = self._an_order("shipped")
        if self.walk.chance(10):
            arguments = procurement.Receive(name, (), order.count, False)
            call = Call(buyer, "procurement", "receive", arguments)
            yield Step(call, lambda book: self.orders.step(name, ("shipped",), "rejected"))
            return
        count = order.count - (self.walk.random.randrange(3) if self.walk.chance(20) else 0)
        call = Call(buyer, "procurement", "receive", procurement.Receive(name, (), max(0, count), True))
        yield Step(call, lambda book: self.orders.receive(name, max(0, count)))

    def pay(self) -> Iterator[Step]:
        if not self.orders.all:
            return
        name, order, supplier, buyer = self._an_order("received")
        is_fund = self.walk.chance(60)
        source = PROCUREMENT if is_fund else f"paid/{order.institution}"
        call = Call(
            "bureau" if is_fund else buyer, "procurement", "pay", procurement.Pay(name, "fund" if is_fund else "buyer")
        )
        yield Step(call, lambda book: self.orders.pay(name, supplier, source))

    def send_back(self) -> Iterator[Step]:
        """All of what failed inspection."""
        if not self.orders.all:
            return
        name, _, _, buyer = self._an_order("rejected")
        if self.orders.all[name].stage in ("received", "paid"):
            return  # of these, packs of recalled lots go back, by their codes
        call = Call(buyer, "procurement", "send_back", procurement.SendBack(name, ()))
        yield Step(call, lambda book: self.orders.step(name, ("rejected",), "returned"))

    def refund(self) -> Iterator[Step]:
        if not self.orders.all:
            return
        name, _, supplier, _ = self._an_order("received", "paid", "rejected", "returned")
        call = Call(self.walk.pick(["bureau", supplier]), "procurement", "refund", procurement.Refund(name))
        yield Step(call, lambda book: self.orders.refund(name, supplier))
