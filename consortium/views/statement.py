"""The statement of a person-year: each entry of its journal, and what the year adds up to."""

from __future__ import annotations

from consortium.contracts.insurance.journal import TELLING
from consortium.views.view import DAY, FEN, NUMBER, TEXT, Book, Columns, Told, View

_AMOUNTS = {
    "medfee_sumamt": FEN,
    "fund_pay_sumamt": FEN,
    "psn_pay": FEN,
    "acct_pay": FEN,
    "cash_payamt": FEN,
}
YEARS = Columns("year", 2, {"psn_no": TEXT, "year": NUMBER, "settled": NUMBER, "reversed": NUMBER, **_AMOUNTS})
ENTRIES = Columns(
    "entry",
    3,
    {
        "psn_no": TEXT,
        "year": NUMBER,
        "sequence": NUMBER,
        "kind": TEXT,
        "begndate": DAY,
        "enddate": DAY,
        "fixmedins_code": TEXT,
        "bill_no": TEXT,
        **_AMOUNTS,
    },
)
_KINDS = {"settled": "settled", "settlement-reversed": "reversed"}


def _feed(book: Book, told: Told) -> None:
    if told.contract not in TELLING:
        return
    for event in told.events:
        counted = _KINDS.get(event.kind)
        if counted is None:
            continue
        fields = event.fields
        person, year, sequence = str(fields["psn_no"]), int(fields["year"]), int(fields["sequence"])
        amounts = {name: int(fields[name]) for name in _AMOUNTS}
        words = {name: fields.get(name, 0) for name in ("begndate", "enddate")}
        words |= {name: str(fields.get(name, "")) for name in ("fixmedins_code", "bill_no")}
        book.set("entry", (person, year, sequence), kind=counted, **words, **amounts)
        book.add("year", (person, year), **{counted: 1}, **amounts)


VIEW = View("statement", "What a person claimed in a year, entry by entry, and who paid.", (YEARS, ENTRIES), _feed)
