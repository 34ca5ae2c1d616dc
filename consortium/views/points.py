"""What points are worth (DIP): every period of every scheme, and in it every institution's cases, points and dues."""

from __future__ import annotations

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS
from consortium.contracts.insurance.institution import find_acting
from consortium.views.view import FEN, NUMBER, TEXT, Book, Columns, Told, View

MILLION = 1_000_000
PERIODS = Columns(
    "period",
    2,
    {
        "insutype": TEXT,
        "period": NUMBER,
        "institutions": NUMBER,
        "points": NUMBER,
        "budget_fen": FEN,
        "due_fen": FEN,
        "point_fen": FEN,
    },
)
DUES = Columns(
    "due",
    3,
    {
        "fixmedins_code": TEXT,
        "insutype": TEXT,
        "period": NUMBER,
        "cases": NUMBER,
        "points": NUMBER,
        "owed_before_fen": FEN,
        "due_fen": FEN,
        "more_fen": FEN,
    },
    whose=lambda state, row: find_acting(state, str(row["fixmedins_code"])),
)
GROUPS = Columns("group", 1, {"dip_group": TEXT, "cases": NUMBER, "points": NUMBER, "by_fee_fen": FEN})
HELD = Columns("case", 1, {"key": TEXT, "dip_group": TEXT, "millionths": NUMBER, "fee_fen": FEN}, is_shown=False)
SUMS = Columns("sum", 1, {"dip_group": TEXT, "millionths": NUMBER}, is_shown=False)


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if event.kind in ("dip-case-grouped", "dip-case-regrouped", "dip-case-taken-back"):
            key = f"{fields['psn_no']}/{fields['year']}/{fields['sequence']}"
            _drop_case(book, key)
            if event.kind != "dip-case-taken-back":
                case = (str(fields["dip_group"]), int(fields["points_millionths"]), int(fields["pool_fen"]))
                book.put("case", (key,), case)
                _count(book, case, 1)
        elif event.kind == "dip-due":
            due, more = int(fields["due_fen"]), int(fields["more_fen"])
            points = int(fields["points_millionths"]) // MILLION
            amounts = {"owed_before_fen": due - more, "due_fen": due, "more_fen": more}
            key3 = (fields["fixmedins_code"], fields["insutype"], fields["period"])
            book.set("due", key3, cases=fields["cases"], points=points, **amounts)
        elif event.kind == "dip-settled":
            told_of = {name: fields[name] for name in ("institutions", "budget_fen", "due_fen", "point_fen")}
            points = int(fields["points_millionths"]) // MILLION
            book.set("period", (fields["insutype"], fields["period"]), points=points, **told_of)


def _drop_case(book: Book, key: str) -> None:
    held = book.get("case", key)
    if held is not None:
        _count(book, (str(held[0]), int(held[1]), int(held[2])), -1)
        book.drop("case", key)


def _count(book: Book, case: tuple[str, int, int], sign: int) -> None:
    group, millionths, fee_fen = case
    book.add("sum", (group,), millionths=sign * millionths)
    book.add("group", (group,), cases=sign, by_fee_fen=sign * fee_fen)
    book.set("group", (group,), points=int(book.column("sum", (group,), "millionths")) // MILLION)


VIEW = View(
    "points",
    "What points of diagnoses are worth, and what each institution is due for its cases.",
    (PERIODS, DUES, GROUPS, HELD, SUMS),
    _feed,
    BY_PROVIDERS | SUPERVISORS,
)
