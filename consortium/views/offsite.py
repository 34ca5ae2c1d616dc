"""Off-site care: where institutions lie, what persons are filed and referred for, and how many by region."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.policy_pack import FILED, REFERRAL
from consortium.views.view import DAY, NUMBER, TEXT, Book, Columns, Told, View

INSTITUTIONS = Columns("institution", 1, {"fixmedins_code": TEXT, "region": TEXT})
REGIONS = Columns(
    "region", 1, {"region": TEXT, "at_home": NUMBER, "filed": NUMBER, "referred": NUMBER, "withdrawn": NUMBER}
)
FILINGS = Columns(
    "filing",
    3,
    {
        "psn_no": TEXT,
        "region": TEXT,
        "number": NUMBER,
        "kind": TEXT,
        "from_day": DAY,
        "to_day": DAY,
        "why": TEXT,
        "by": TEXT,
    },
)
HOMES = Columns("home", 1, {"psn_no": TEXT, "region": TEXT}, is_shown=False)
COUNTS = Columns("count", 2, {"psn_no": TEXT, "region": TEXT, "filings": NUMBER}, is_shown=False)
_KINDS = {"offsite-filed": (FILED, "filed"), "offsite-referred": (REFERRAL, "referred")}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        region = str(fields.get("region", ""))
        if event.kind == "institution-placed":
            book.put("institution", (fields["fixmedins_code"],), (region,))
        elif event.kind == "person-placed":
            _settle(book, str(fields["psn_no"]), region)
        elif event.kind in _KINDS:
            kind, column = _KINDS[event.kind]
            key = (str(fields["psn_no"]), region)
            book.add("count", key, filings=1)
            row = (kind, *(fields[name] for name in ("from_day", "to_day", "why", "by")))
            book.put("filing", (*key, book.column("count", key, "filings")), row)
            book.add("region", (region,), **{column: 1})
        elif event.kind == "offsite-withdrawn":
            _withdraw(book, str(fields["psn_no"]), region, int(fields["to_day"]))


def _settle(book: Book, psn_no: str, region: str) -> None:
    """A person has one home; the home region's are not counted, for nobody placed them."""
    before = str(book.column("home", (psn_no,), "region"))
    for name, count in ((before, -1), (region, 1)):
        if name:
            book.add("region", (name,), at_home=count)
    book.put("home", (psn_no,), (region,))


def _withdraw(book: Book, psn_no: str, region: str, ends: int) -> None:
    """What was in force ends: as the contract cuts it."""
    for number in range(1, int(book.column("count", (psn_no, region), "filings")) + 1):
        key = (psn_no, region, number)
        from_day, to_day = (int(book.column("filing", key, name)) for name in ("from_day", "to_day"))
        if to_day > ends:
            book.set("filing", key, to_day=max(ends, from_day))
    book.add("region", (region,), withdrawn=1)


VIEW = View(
    "offsite",
    "Where institutions lie, and who is filed or referred for another region.",
    (INSTITUTIONS, REGIONS, FILINGS, HOMES, COUNTS),
    _feed,
    SUPERVISORS,
)
