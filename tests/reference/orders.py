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
    paid: int = 0

    @property
    def amount(self) -> int:
        return self.count * self.price


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
        order.stage, order.paid = "prepaid", fen

    def step(self, name: str, before: Sequence[str], after: str) -> None:
        self._of(name, *before).stage = after

    def receive(self, name: str, count: int) -> None:
        order = self._of(name, "shipped")
        need(0 <= count <= order.count, "count")
        order.stage, order.count = "received", count

    def pay(self, name: str, supplier: str, source: str) -> None:
        """What is open: a prepayment above it stays with the supplier."""
        order = self._of(name, "received")
        self.book.need_free(source, f"supplier/{supplier}")
        fen = max(0, order.amount - order.paid)
        self.book.move([(source, f"supplier/{supplier}", fen)])
        order.stage, order.paid = "paid", order.paid + fen

    def _of(self, name: str, *stages: str) -> Order:
        order = self.all.get(name)
        need(order is not None and order.stage in stages, "stage")
        assert order is not None
        return order
