"""What the funds owe each institution and have paid it, added up from the movements of its accounts."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.views.view import FEN, TEXT, Book, Columns, Told, View

OWED = ("unconfirmed", "disputed", "payable")  # kinds of accounts on which it waits
PAID = "paid"
INSTITUTIONS = Columns(
    "institution",
    1,
    {
        "fixmedins_code": TEXT,
        "member": TEXT,
        "unconfirmed_fen": FEN,
        "disputed_fen": FEN,
        "payable_fen": FEN,
        "paid_fen": FEN,
        "earned_fen": FEN,
        "disbursed_fen": FEN,
    },
)
BILLS = Columns("bill", 1, {"bill_no": TEXT, "fixmedins_code": TEXT}, is_shown=False)


def _feed(book: Book, told: Told) -> None:
    for fields in told.of_kind("institution-signed"):
        book.set("institution", (fields["fixmedins_code"],), member=fields["member"])
    for fields in told.of_kind("bill-issued"):
        book.put("bill", (fields["bill_no"],), (fields["fixmedins_code"],))
    for fields in told.of_kind("movement"):
        _on_movement(book, str(fields["source"]), str(fields["target"]), int(fields["amount_fen"]))


def _on_movement(book: Book, source: str, target: str, amount_fen: int) -> None:
    (giver, gives), (taker, takes) = _account(book, source), _account(book, target)
    if giver:
        book.add("institution", (giver,), **{f"{gives}_fen": -amount_fen})
    if taker:
        book.add("institution", (taker,), **{f"{takes}_fen": amount_fen})
    if gives in OWED and takes == PAID:
        book.add("institution", (giver,), disbursed_fen=amount_fen)
    elif gives in OWED and takes not in OWED:
        book.add("institution", (giver,), earned_fen=-amount_fen)
    elif takes in OWED and gives not in OWED:
        book.add("institution", (taker,), earned_fen=amount_fen)


def _account(book: Book, name: str) -> tuple[str, str]:
    """The institution and the kind of one of its accounts; of any other account nothing."""
    kind, *words = name.split("/")
    if kind == "disputed":
        return str(book.column("bill", (words[0],), "fixmedins_code")), kind
    return (words[0], kind) if kind in (*OWED, PAID) else ("", "")


VIEW = View(
    "payables",
    "What the funds owe each institution, have disbursed to it, and what it has not spent.",
    (INSTITUTIONS, BILLS),
    _feed,
    SUPERVISORS,
)
