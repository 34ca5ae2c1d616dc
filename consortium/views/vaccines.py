"""Doses by lot and by who gave them, and what came after them: no row names a person."""

from __future__ import annotations

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS
from consortium.contracts.insurance.institution import find_acting
from consortium.contracts.oversight.notice import NOTICE
from consortium.views.view import DAY, NUMBER, TEXT, Book, Columns, Told, View

LOTS = Columns(
    "lot",
    2,
    {"lot_no": TEXT, "vaccine": TEXT, "doses": NUMBER, "reactions": NUMBER, "serious": NUMBER, "last_day": DAY},
)
INSTITUTIONS = Columns(
    "institution",
    2,
    {"fixmedins_code": TEXT, "vaccine": TEXT, "first": NUMBER, "later": NUMBER, "withdrawn": NUMBER},
    whose=lambda state, row: find_acting(state, str(row["fixmedins_code"])),
)
OVERDUE = Columns("overdue", 1, {"vaccine": TEXT, "doses": NUMBER})
_SIGNS = {"dose-given": 1, "dose-withdrawn": -1}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if event.kind in _SIGNS:
            sign, lot = _SIGNS[event.kind], (fields["lot_no"], fields["vaccine"])
            book.add("lot", lot, doses=sign)
            book.set("lot", lot, last_day=max(int(book.column("lot", lot, "last_day")), int(fields["day"])))
            which = "first" if fields["serial"] == 1 else "later"
            given = {which: sign, "withdrawn": int(sign < 0)}
            book.add("institution", (fields["fixmedins_code"], fields["vaccine"]), **given)
        elif event.kind == "reaction-reported":
            lot = (fields["lot_no"], fields["vaccine"])
            book.add("lot", lot, reactions=1, serious=int(fields["serious"]))
        elif event.kind == NOTICE and fields["why"] == "dose-overdue":
            book.add("overdue", (str(fields["record"]).rpartition("/")[2],), doses=1)


VIEW = View(
    "vaccines",
    "Doses by lot and by institution, reactions to them, and how many became overdue.",
    (LOTS, INSTITUTIONS, OVERDUE),
    _feed,
    SUPERVISORS | BY_PROVIDERS,
)
