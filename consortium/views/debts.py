"""What institutions owe the funds: demanded, come back, overdue, settled, written off."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.oversight.notice import NOTICE
from consortium.views.view import DAY, FEN, TEXT, Book, Columns, Told, View

DEBTS = Columns(
    "debt",
    1,
    {
        "debt_no": TEXT,
        "fixmedins_code": TEXT,
        "demanded_fen": FEN,
        "repaid_fen": FEN,
        "written_off_fen": FEN,
        "due_on": DAY,
        "stage": TEXT,
        "reason": TEXT,
    },
)


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if event.kind == NOTICE and fields["why"] == "debt-overdue":
            book.set("debt", (str(fields["record"]).partition("/")[2],), stage="overdue")
        elif event.kind == "debt-demanded":
            book.set(
                "debt",
                (fields["debt_no"],),
                fixmedins_code=fields["fixmedins_code"],
                demanded_fen=fields["amount_fen"],
                due_on=fields["due_on"],
                stage="demanded",
                reason=fields["reason"],
            )
        elif event.kind == "debt-repaid":
            book.add("debt", (fields["debt_no"],), repaid_fen=int(fields["amount_fen"]))
        elif event.kind == "debt-settled":
            book.set("debt", (fields["debt_no"],), stage="settled")
        elif event.kind == "debt-written-off":
            book.set("debt", (fields["debt_no"],), stage="written-off", written_off_fen=fields["amount_fen"])


VIEW = View("debts", "What institutions owe the funds, and how it comes back.", (DEBTS,), _feed, SUPERVISORS)
