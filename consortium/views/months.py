"""What each institution settled in a month, and how its books came to agree with the ledger."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.views.view import FEN, NUMBER, TEXT, Book, Columns, Told, View

MONTHS = Columns(
    "month",
    2,
    {
        "fixmedins_code": TEXT,
        "month": NUMBER,
        "stage": TEXT,
        "settled": NUMBER,
        "owed_fen": FEN,
        "stated": NUMBER,
        "differing": TEXT,
        "reason": TEXT,
    },
)
_STAGES = {"month-ended": "ended", "books-agreed": "agreed", "books-differ": "differs", "month-closed": "closed"}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        stage = _STAGES.get(event.kind)
        if stage is None:
            continue
        fields = event.fields
        key = (fields["fixmedins_code"], fields["month"])
        book.set("month", key, stage=stage)
        if stage == "ended":
            book.set("month", key, settled=fields["settled"], owed_fen=fields["owed_fen"])
        elif stage == "closed":
            book.set("month", key, reason=fields["reason"])
        else:
            book.add("month", key, stated=1)
            book.set("month", key, differing=fields.get("figures", ""))


VIEW = View(
    "months", "What each institution settled in a month, and whether its books agree.", (MONTHS,), _feed, SUPERVISORS
)
