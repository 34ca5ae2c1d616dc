"""By which means patients paid their shares, and what the statements of the means said of it."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.views.view import DAY, FEN, NUMBER, TEXT, Book, Columns, Told, View

DAYS = Columns(
    "channel",
    3,
    {"fixmedins_code": TEXT, "day": DAY, "channel": TEXT, "ledger_fen": FEN, "stated_fen": FEN, "stage": TEXT},
)
INSTITUTIONS = Columns("institution", 1, {"fixmedins_code": TEXT, "paid": NUMBER, "returned": NUMBER, "share_fen": FEN})


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if event.kind == "share-paid":
            book.add("institution", (fields["fixmedins_code"],), paid=1, share_fen=int(fields["amount_fen"]))
        elif event.kind == "share-returned":
            book.add("institution", (fields["fixmedins_code"],), returned=1, share_fen=-int(fields["amount_fen"]))
        elif event.kind == "channel-reconciled":
            key = (fields["fixmedins_code"], fields["day"], fields["channel"])
            amounts = {"ledger_fen": fields["amount_fen"], "stated_fen": fields["stated_fen"]}
            book.set("channel", key, stage=fields["stage"], **amounts)


VIEW = View(
    "channels",
    "By which means patients paid their shares, and whether statements agree.",
    (DAYS, INSTITUTIONS),
    _feed,
    SUPERVISORS,
)
