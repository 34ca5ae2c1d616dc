"""Vaccination for everybody to see: by vaccine and year how many have begun, how many are through, of how many.

No row names anybody, and each number is the next lower multiple of five: nobody tells one person by it. What is kept
beside it is shown to nobody."""

from __future__ import annotations

from consortium.core.contract import EVERY_MEMBER
from consortium.views.view import NUMBER, TEXT, Book, Columns, Told, View

LEAST = 5
_COUNTED = {"vaccine": TEXT, "year": NUMBER, "begun": NUMBER, "complete": NUMBER, "reactions": NUMBER}
SHOWN = Columns("coverage", 2, {**_COUNTED, "target": NUMBER})
KEPT = Columns("kept", 2, _COUNTED, is_shown=False)
_SIGNS = {"dose-given": 1, "dose-withdrawn": -1}
DOSES = Columns("dose", 1, {"dose_no": TEXT, "of": NUMBER}, is_shown=False)


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if event.kind == "vaccine-target-set":
            book.set("coverage", (fields["vaccine"], fields["year"]), target=fields["persons"])
        elif event.kind in _SIGNS:
            of = int(fields.get("of", 0)) or int(book.column("dose", (fields["dose_no"],), "of"))
            book.put("dose", (fields["dose_no"],), (of,))
            serial, sign = int(fields["serial"]), _SIGNS[event.kind]
            _count(book, fields, begun=sign * (serial == 1), complete=sign * (serial == of))
        elif event.kind == "reaction-reported":
            _count(book, fields, reactions=1)


def _count(book: Book, fields: dict[str, int | str], **counts: int) -> None:
    key = (fields["vaccine"], int(fields["day"]) // 10_000)
    book.add("kept", key, **counts)
    rounded = {name: int(book.column("kept", key, name)) // LEAST * LEAST for name in counts}
    book.set("coverage", key, **rounded)


VIEW = View(
    "coverage",
    "How many persons were vaccinated, by vaccine and year, in steps of five.",
    (SHOWN, KEPT, DOSES),
    _feed,
    EVERY_MEMBER,
)
