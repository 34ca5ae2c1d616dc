"""Every lot with its days, its state and its faults; and every source, with how many of the lots made with it have
faults.

A source here is what a lot's own steps name; the query `lot_quality.in_common` looks through the materials of
materials."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.medicines.lot_quality import RecordStep
from consortium.contracts.medicines.lot_quality_records import QUARANTINED, RELEASING, SOUND
from consortium.views.view import DAY, NUMBER, TEXT, Book, Columns, Told, View

LOTS = Columns(
    "lot",
    1,
    {
        "lot_no": TEXT,
        "producer": TEXT,
        "packs": NUMBER,
        "produced_on": DAY,
        "expires_on": DAY,
        "quality": TEXT,
        "recalled": TEXT,
        "faults": NUMBER,
        "excursions": NUMBER,
    },
)
SOURCES = Columns("source", 2, {"kind": TEXT, "source": TEXT, "lots": NUMBER, "faulty": NUMBER})
MADE = Columns("made", 1, {"lot_no": TEXT, "sources": TEXT}, is_shown=False)
_STAGES = {"lot-quarantined": QUARANTINED, "lot-release-asked": RELEASING, "lot-released": SOUND}


def _feed(book: Book, told: Told) -> None:
    if told.is_call("lot_quality", "record_step"):
        _on_step(book, told.read(RecordStep))
    for event in told.events:
        fields = event.fields
        lot_no = str(fields.get("lot_no", ""))
        if event.kind == "lot-produced":
            book.set("lot", (lot_no,), producer=fields["holder"], packs=fields["packs"], quality=SOUND, recalled="no")
        elif event.kind == "lot-extended":
            book.set("lot", (lot_no,), packs=fields["packs_in_all"])
        elif event.kind == "lot-declared":
            book.set("lot", (lot_no,), produced_on=fields["produced_on"], expires_on=fields["expires_day"])
        elif event.kind in _STAGES:
            book.set("lot", (lot_no,), quality=_STAGES[event.kind])
        elif event.kind == "lot-recalled":
            book.set("lot", (lot_no,), recalled="yes")
        elif event.kind == "cold-chain-excursion":
            book.add("lot", (lot_no,), excursions=1)
        elif event.kind == "lot-fault-reported":
            _on_fault(book, lot_no, int(fields["faults"]))


def _sources_of(book: Book, lot_no: str) -> list[list[str]]:
    kept: Any = book.column("made", (lot_no,), "sources")
    return msgspec.json.decode(kept, type=list[list[str]]) if kept else []


def _on_step(book: Book, step: RecordStep) -> None:
    known = _sources_of(book, step.lot_no)
    named = [["place", step.place], ["equipment", step.equipment], *(["material", each] for each in step.materials)]
    is_faulty = int(int(book.column("lot", (step.lot_no,), "faults")) > 0)
    for source in named:
        if source not in known:
            known.append(source)
            book.add("source", (source[0], source[1]), lots=1, faulty=is_faulty)
    book.set("made", (step.lot_no,), sources=msgspec.json.encode(known).decode())


def _on_fault(book: Book, lot_no: str, faults: int) -> None:
    book.set("lot", (lot_no,), faults=faults)
    for kind, source in _sources_of(book, lot_no) if faults == 1 else ():
        book.add("source", (kind, source), faulty=1)


VIEW = View(
    "lots",
    "Every lot with its days, quarantine, recall and faults; of every source how many of its lots have faults.",
    (LOTS, SOURCES, MADE),
    _feed,
    SUPERVISORS,
)
