"""The cold chain of each lot: where it was read, how often, between which temperatures, and how often it broke."""

from __future__ import annotations

from consortium.contracts.access import SUPERVISORS
from consortium.views.view import DAY, NUMBER, TEXT, Book, Columns, Told, View

PLACES = Columns(
    "place",
    2,
    {
        "lot_no": TEXT,
        "place": TEXT,
        "readings": NUMBER,
        "lowest": NUMBER,
        "highest": NUMBER,
        "last": NUMBER,
        "last_day": DAY,
        "excursions": NUMBER,
    },
)
STOPPED = Columns("stopped", 1, {"lot_no": TEXT, "reason": TEXT, "by": TEXT, "stage": TEXT})
_STAGES = {"lot-release-asked": "releasing", "lot-released": "sound"}


def _feed(book: Book, told: Told) -> None:
    for event in told.events:
        fields = event.fields
        if event.kind in ("temperature-read", "cold-chain-excursion"):
            key, read = (fields["lot_no"], fields["place"]), int(fields["temperature"])
            row = book.get("place", *key)
            lowest, highest = (read, read) if row is None else (min(int(row[1]), read), max(int(row[2]), read))
            book.add("place", key, readings=1, excursions=int(event.kind == "cold-chain-excursion"))
            book.set("place", key, lowest=lowest, highest=highest, last=read, last_day=fields["day"])
        elif event.kind == "lot-quarantined" and fields["reason"] == "cold-chain":
            book.put("stopped", (fields["lot_no"],), ("cold-chain", str(fields["member"]), "quarantined"))
        elif event.kind in _STAGES and book.get("stopped", fields["lot_no"]) is not None:
            book.set("stopped", (fields["lot_no"],), stage=_STAGES[event.kind])


VIEW = View(
    "cold_chain",
    "Where lots that must stay cold were read, in hundredths of °C, and which were stopped.",
    (PLACES, STOPPED),
    _feed,
    SUPERVISORS,
)
