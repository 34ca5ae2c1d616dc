"""What the funds owe each institution and have paid it, added up from the movements of its accounts."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.views.view import FEN, TEXT, Book, Columns, Told, View

ACCOUNTS = ("unconfirmed", "payable", "paid")  # kinds of an institution's accounts
INSTITUTIONS = Columns(
    "institution",
    1,
    {
        "fixmedins_code": TEXT,
        "member": TEXT,
        "unconfirmed_fen": FEN,
        "payable_fen": FEN,
        "paid_fen": FEN,
        "earned_fen": FEN,
        "disbursed_fen": FEN,
    },
)


def _feed(book: Book, told: Told) -> None:
    for fields in told.of_kind("institution-signed"):
        book.set("institution", (fields["fixmedins_code"],), member=fields["member"])
    for fields in told.of_kind("movement"):
        source, target = str(fields["source"]).split("/"), str(fields["target"]).split("/")
        amount_fen = int(fields["amount_fen"])
        _move(book, source, -amount_fen)
        _move(book, target, amount_fen)
        within = source[0] in ACCOUNTS and target[0] in ACCOUNTS and source[1] == target[1]
        if within and target[0] == "paid":
            book.add("institution", (target[1],), disbursed_fen=amount_fen)
        elif not within and target[0] in ACCOUNTS[:2]:
            book.add("institution", (target[1],), earned_fen=amount_fen)
        elif not within and source[0] in ACCOUNTS[:2]:
            book.add("institution", (source[1],), earned_fen=-amount_fen)


def _move(book: Book, account: list[str], amount_fen: int) -> None:
    if account[0] in ACCOUNTS:
        book.add("institution", (account[1],), **{f"{account[0]}_fen": amount_fen})


VIEW = View(
    "payables",
    "What the funds owe each institution, have disbursed to it, and what it has not spent.",
    (INSTITUTIONS,),
    _feed,
    SUPERVISORS,
)
