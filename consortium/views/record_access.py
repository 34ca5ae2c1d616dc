"""Who may read whose records: consents, what was delivered by which leave, and broken glasses with their verdicts.

That a record was delivered opens the way to it. How often it went over that way stands in the audit of reads of whoever
gave it, whose days are anchored on the ledger.
"""

from __future__ import annotations

from consortium.views.view import DAY, NUMBER, TEXT, Book, Columns, Told, View

CONSENTS = Columns(
    "consent",
    4,
    {"patient": TEXT, "class": TEXT, "recipient": TEXT, "purpose": TEXT, "stage": TEXT, "to_day": DAY, "said_by": TEXT},
)
ACCESSES = Columns(
    "access",
    3,
    {
        "patient": TEXT,
        "record": TEXT,
        "member": TEXT,
        "purpose": TEXT,
        "leave": TEXT,
        "deliveries": NUMBER,
        "stage": TEXT,
    },
)
GLASSES = Columns(
    "glass",
    1,
    {"glass_no": TEXT, "member": TEXT, "patient": TEXT, "class": TEXT, "reason": TEXT, "verdict": TEXT, "to_day": DAY},
)
OF_LEAVES = Columns("of_leave", 2, {"leave": TEXT, "serial": NUMBER, "record": TEXT, "member": TEXT}, is_shown=False)
COUNTS = Columns("count", 1, {"leave": TEXT, "accesses": NUMBER}, is_shown=False)
_STAGES = {"consent-granted": "granted", "consent-revoked": "revoked", "consent-ended": "over"}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields, kind = event.fields, event.kind
        if kind in _STAGES:
            key = tuple(str(fields[name]) for name in ("patient", "class", "recipient", "purpose"))
            book.set("consent", key, stage=_STAGES[kind], said_by=str(fields.get("said_by", "")))
            if "to_day" in fields:
                book.set("consent", key, to_day=int(fields["to_day"]))
            else:
                _end(book, "/".join(["consent", *key]), _STAGES[kind])
        elif kind == "glass-broken":
            told_of = {name: str(fields[name]) for name in ("member", "patient", "class", "reason")}
            book.set("glass", (fields["glass_no"],), **told_of, to_day=int(fields["to_day"]))
        elif kind == "glass-judged":
            book.set("glass", (fields["glass_no"],), verdict=str(fields["verdict"]))
            if fields["verdict"] == "unjustified":
                _end(book, f"glass/{fields['glass_no']}", "unjustified")
        elif kind == "glass-ended":
            _end(book, f"glass/{fields['glass_no']}", "over")
        elif kind == "exchange-delivered":
            _deliver(book, {name: str(value) for name, value in fields.items()})
        elif kind == "exchange-differs":
            key = (str(fields["leave_of"]), str(fields["handle"]), str(fields["by"]))
            book.set("access", key, stage=str(fields["why"]))


def _deliver(book: Book, fields: dict[str, str]) -> None:
    key, leave = (fields["patient"], fields["handle"], fields["member"]), fields["leave"]
    book.add("access", key, deliveries=1)
    book.set("access", key, purpose=fields["purpose"], leave=leave, stage="open")
    serial = int(book.column("count", (leave,), "accesses"))
    book.set("of_leave", (leave, serial), record=fields["handle"], member=fields["member"])
    book.set("count", (leave,), accesses=serial + 1)


def _end(book: Book, leave: str, stage: str) -> None:
    """What was open by this leave is closed."""
    kind, _, rest = leave.partition("/")
    patient = rest.partition("/")[0] if kind == "consent" else str(book.column("glass", (rest,), "patient"))
    for serial in range(int(book.column("count", (leave,), "accesses"))):
        place = (leave, serial)
        record, member = (str(book.column("of_leave", place, name)) for name in ("record", "member"))
        key = (patient, record, member)
        if book.column("access", key, "leave") == leave and book.column("access", key, "stage") == "open":
            book.set("access", key, stage=stage)
    book.set("count", (leave,), accesses=0)


VIEW = View(
    "record_access",
    "Who may read whose records, by which consent or broken glass, and what has ended.",
    (CONSENTS, ACCESSES, GLASSES, OF_LEAVES, COUNTS),
    _feed,
)
