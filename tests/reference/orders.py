"""Procurement as the domain has it: ordered, perhaps prepaid, shipped, received or rejected, paid as received."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.reference.accounts import need
from tests.reference.arithmetic import half_up
from tests.reference.book import Book

PROCUREMENT = "fund/procurement"
PREPAID_MIN = Fraction(3, 10)


@dataclass
class Order:
    tender: str
    institution: str
    count: int
    price: int
    stage: str = "ordered"
    by_fund: int = 0
    by_buyer: int = 0

    @property
    def amount(self) -> int:
        """What the supplier earns, or has earned: nothing of what was rejected."""
        return 0 if self.stage in ("rejected", "returned") else self.count * self.price

    @property
    def paid(self) -> int:
        return self.by_fund + self.by_buyer

    def take(self, source: str, fen: int) -> None:
        if source == PROCUREMENT:
            self.by_fund += fen
        else:
            self.by_buyer += fen


class Orders:
    """The orders of a book: money moves in its accounts."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.all: dict[str, Order] = {}

    def place(self, name: str, order: Order) -> None:
        """A new one, or an amendment of one that nothing followed."""
        need(order.institution in self.book.institutions, "institution")
        self.book.institutions[order.institution].need_open(self.book.today)
        known = self.all.get(name)
        need(known is None or (known.stage == "ordered" and known.tender == order.tender), "stage")
        need(known is None or known.institution == order.institution, "another's")
        self.all[name] = order

    def prepay(self, name: str, supplier: str, source: str, share: Fraction) -> None:
        order = self._of(name, "ordered")
        need(PREPAID_MIN <= share <= 1, "share")
        self.book.need_free(source, f"supplier/{supplier}")
        fen = half_up(order.amount * share)
        self.book.move([(source, f"supplier/{supplier}", fen)])
        order.stage = "prepaid"
        order.take(source, fen)

    def step(self, name: str, before: Sequence[str], after: str) -> None:
        self._of(name, *before).stage = after

    def receive(self, name: str, count: int) -> None:
        order = self._of(name, "shipped")
        need(0 <= count <= order.count, "count")
        order.stage, order.count = "received", count

    def pay(self, name: str, supplier: str, source: str) -> None:
        """What is open; a prepayment above it is owed back."""
        order = self._of(name, "received")
        self.book.need_free(source, f"supplier/{supplier}")
        fen = max(0, order.amount - order.paid)
        self.book.move([(source, f"supplier/{supplier}", fen)])
        order.stage = "paid"
        order.take(source, fen)

    def refund(self, name: str, supplier: str) -> None:
        """What the supplier was paid and has not earned goes back: to the fund first, then to the buyer."""
        order = self._of(name, "received", "paid", "rejected", "returned")
        owed = max(0, order.paid - order.amount)
        need(owed, "nothing to refund")
        to_fund = min(owed, order.by_fund)
        back = ((PROCUREMENT, to_fund), (f"paid/{order.institution}", owed - to_fund))
        self.book.move([(f"supplier/{supplier}", target, fen) for target, fen in back], gives_back=True)
        order.by_fund -= to_fund
        order.by_buyer -= owed - to_fund

    def _of(self, name: str, *stages: str) -> Order:
        order = self.all.get(name)
        need(order is not None and order.stage in stages, "stage")
        assert order is not None
        return order
