"""What the funds pay, by the region that an institution lies in: by month of service, and how much of it for persons of
other regions. Whether one region has less than another is seen here; who the persons are is not."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.institution import Sign
from consortium.contracts.insurance.journal import TELLING
from consortium.contracts.insurance.offsite import Place, Settle
from consortium.views.view import FEN, NUMBER, TEXT, Book, Columns, Told, View

HOME = "(home)"  # the region that has no name on the ledger
_SUMS = {"medfee_fen": FEN, "fund_pay_fen": FEN}
REGIONS = Columns(
    "region",
    1,
    {"region": TEXT, "institutions": NUMBER, "persons": NUMBER, "settled": NUMBER, "away": NUMBER, **_SUMS},
)
MONTHS = Columns("month", 2, {"region": TEXT, "month": NUMBER, "settled": NUMBER, **_SUMS})
PLACES = Columns("place", 1, {"fixmedins_code": TEXT, "region": TEXT}, is_shown=False)
HOMES = Columns("home", 1, {"psn_no": TEXT, "region": TEXT}, is_shown=False)
_SIGNS = {"settled": 1, "settlement-reversed": -1}


def _feed(book: Book, told: Told) -> None:
    if told.is_call("institution", "sign"):
        _move(book, "place", told.read(Sign).fixmedins_code, HOME, "institutions")
    elif told.is_call("offsite", "place"):
        place = told.read(Place)
        _move(book, "place", place.fixmedins_code, place.region or HOME, "institutions")
    elif told.is_call("offsite", "settle"):
        settle = told.read(Settle)
        _move(book, "home", settle.psn_no, settle.region or HOME, "persons")
    elif told.contract in TELLING:
        for event in told.events:
            sign = _SIGNS.get(event.kind)
            if sign is not None:
                _count(book, sign, event.fields)


def _move(book: Book, table: str, key: str, region: str, counted: str) -> None:
    """To another region, out of the one before. A person who was never settled elsewhere is counted nowhere."""
    before = book.get(table, key)
    if before is not None:
        book.add("region", (before[0],), **{counted: -1})
    book.put(table, (key,), (region,))
    book.add("region", (region,), **{counted: 1})


def _count(book: Book, sign: int, fields: object) -> None:
    assert isinstance(fields, dict)
    code, psn_no = str(fields.get("fixmedins_code", "")), str(fields["psn_no"])
    region = str(book.column("place", (code,), "region")) or HOME
    home = str(book.column("home", (psn_no,), "region")) or HOME
    sums = {
        "settled": sign,
        "medfee_fen": int(fields["medfee_sumamt"]),  # of a reversal with a minus
        "fund_pay_fen": int(fields["fund_pay_sumamt"]),
    }
    book.add("region", (region,), away=sign * (home != region), **sums)
    month = int(fields.get("enddate", 0)) // 100
    if month:
        book.add("month", (region, month), **sums)


VIEW = View(
    "allocation",
    "What the funds pay by region and month, and for whom.",
    (REGIONS, MONTHS, PLACES, HOMES),
    _feed,
    SUPERVISORS,
)
