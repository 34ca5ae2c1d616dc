"""How far procurement has come: volumes by tender and institution, and each order with its stage and what is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consortium.contracts.access import BY_HOLDERS, SUPERVISORS
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.medicines.procurement_records import PlaceOrder, find_buyer, find_supplier
from consortium.views.view import DAY, FEN, NUMBER, TEXT, Book, Columns, Told, View

VOLUMES = Columns(
    "volume",
    2,
    {"contract_no": TEXT, "fixmedins_code": TEXT, "agreed": NUMBER, "ordered": NUMBER, "received": NUMBER},
    whose=lambda state, row: find_acting(state, str(row["fixmedins_code"])),
)
ORDERS = Columns(
    "order",
    1,
    {
        "order_no": TEXT,
        "contract_no": TEXT,
        "fixmedins_code": TEXT,
        "stage": TEXT,
        "quantity": NUMBER,
        "received": NUMBER,
        "amount_fen": FEN,
        "paid_fen": FEN,
        "due_day": DAY,
    },
    whose=lambda state, row: (*find_buyer(state, str(row["order_no"])), *find_supplier(state, str(row["order_no"]))),
)
_STAGES = {
    "order-prepaid": "prepaid",
    "order-shipped": "shipped",
    "order-received": "received",
    "order-rejected": "rejected",
    "order-paid": "paid",
}


def _feed(book: Book, told: Told) -> None:
    if told.contract != "procurement":
        return
    for event in told.events:
        fields = event.fields
        if event.kind in ("subcontract-signed", "subcontract-amended"):
            key = (str(fields["contract_no"]), str(fields["fixmedins_code"]))
            book.set("volume", key, agreed=fields["volume"])
        elif event.kind == "volume-progress":
            contract_no, _, code = str(fields["subcontract"]).partition("/")
            book.set("volume", (contract_no, code), agreed=fields["agreed"], received=fields["received"])
        elif event.kind in ("order-placed", "order-amended"):
            _on_placed(book, told.read(PlaceOrder), int(fields["amount_fen"]))
        elif event.kind in _STAGES:
            _on_step(book, event.kind, fields)
        elif event.kind == "order-refunded":
            back_fen = int(fields["fund_fen"]) + int(fields["buyer_fen"])
            book.add("order", (str(fields["order_no"]),), paid_fen=-back_fen)


def _on_placed(book: Book, placed: PlaceOrder, amount_fen: int) -> None:
    before = int(book.column("order", (placed.order_no,), "quantity"))
    book.add("volume", (placed.contract_no, placed.fixmedins_code), ordered=placed.quantity - before)
    book.set(
        "order",
        (placed.order_no,),
        contract_no=placed.contract_no,
        fixmedins_code=placed.fixmedins_code,
        stage="ordered",
        quantity=placed.quantity,
        amount_fen=amount_fen,
    )


def _on_step(book: Book, kind: str, fields: Mapping[str, Any]) -> None:
    key = (str(fields["order_no"]),)
    book.set("order", key, stage=_STAGES[kind])
    if kind in ("order-prepaid", "order-paid"):
        book.add("order", key, paid_fen=int(fields["amount_fen"]))
    elif kind == "order-received":
        book.set("order", key, received=fields["packs"], due_day=fields["due_day"])


VIEW = View(
    "procurement",
    "Volumes agreed, ordered and received; orders with their stage, what they cost and what was paid.",
    (VOLUMES, ORDERS),
    _feed,
    BY_HOLDERS | SUPERVISORS,
)
