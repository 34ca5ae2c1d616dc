"""What suppliers are owed and sold to banks: each receivable with its price and payee, and what each bank has at
stake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consortium.contracts.access import SUPERVISORS
from consortium.views.view import DAY, FEN, TEXT, Book, Columns, Told, View

RECEIVABLES = Columns(
    "receivable",
    1,
    {
        "order_no": TEXT,
        "stage": TEXT,
        "buyer": TEXT,
        "supplier": TEXT,
        "bank": TEXT,
        "face_fen": FEN,
        "price_fen": FEN,
        "recovered_fen": FEN,
        "paid_fen": FEN,
        "due_day": DAY,
    },
)
BANKS = Columns("bank", 1, {"bank": TEXT, "advanced_fen": FEN, "paid_fen": FEN, "recovered_fen": FEN})
_ENDED = {"receivable-withdrawn": "confirmed", "receivable-declined": "confirmed"}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        order_no = str(fields.get("order_no", ""))
        if event.kind == "receivable-confirmed":
            face = {name: fields[name] for name in ("buyer", "supplier", "face_fen", "due_day")}
            book.set("receivable", (order_no,), stage="confirmed", **face)
        elif event.kind == "receivable-offered":
            offer = {name: fields[name] for name in ("bank", "price_fen")}
            book.set("receivable", (order_no,), stage="offered", **offer)
        elif event.kind in _ENDED:
            book.set("receivable", (order_no,), stage=_ENDED[event.kind], bank="", price_fen=0)
        elif event.kind == "receivable-factored":
            book.set("receivable", (order_no,), stage="factored")
            book.add("bank", (str(fields["bank"]),), advanced_fen=int(fields["price_fen"]))
        elif event.kind == "receivable-recovered":
            _on_money(book, order_no, "recovered_fen", int(fields["amount_fen"]))
        elif event.kind in ("order-paid", "order-refunded"):
            _on_paid(book, order_no, fields)


def _on_paid(book: Book, order_no: str, fields: Mapping[str, Any]) -> None:
    """Of orders that were sold alone; a refund gives back."""
    if book.column("receivable", (order_no,), "stage") == "factored":
        back_fen = int(fields.get("fund_fen", 0)) + int(fields.get("buyer_fen", 0))
        _on_money(book, order_no, "paid_fen", int(fields.get("amount_fen", 0)) - back_fen)


def _on_money(book: Book, order_no: str, name: str, amount_fen: int) -> None:
    book.add("receivable", (order_no,), **{name: amount_fen})
    book.add("bank", (str(book.column("receivable", (order_no,), "bank")),), **{name: amount_fen})


VIEW = View(
    "receivables",
    "What suppliers are owed for orders and sold to banks, for how much, and what the banks were paid.",
    (RECEIVABLES, BANKS),
    _feed,
    SUPERVISORS,
)
