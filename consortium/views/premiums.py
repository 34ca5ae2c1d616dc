"""Premiums: by scheme and month how many persons paid how much, and since when care is paid only for whom one came."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.enrolment import RecordContribution
from consortium.views.view import DAY, FEN, NUMBER, TEXT, Book, Columns, Told, View

MONTHS = Columns(
    "month", 2, {"insutype": TEXT, "month": NUMBER, "persons": NUMBER, "pool_fen": FEN, "account_fen": FEN}
)
RULES = Columns("rule", 2, {"insutype": TEXT, "from_day": DAY, "months_back": NUMBER})


def _feed(book: Book, told: Told) -> None:
    if told.is_call("enrolment", "record_contribution"):
        paid = told.read(RecordContribution)
        key = (paid.insutype, paid.month)
        book.add("month", key, persons=1, pool_fen=paid.pool_fen, account_fen=paid.account_fen)
    for fields in told.of_kind("premium-rule-set"):
        book.put("rule", (fields["insutype"], fields["from_day"]), (fields["months_back"],))


VIEW = View(
    "premiums",
    "Premiums by scheme and month, and which a claim asks for.",
    (MONTHS, RULES),
    _feed,
    SUPERVISORS,
)
