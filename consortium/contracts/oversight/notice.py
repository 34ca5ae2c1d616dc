"""A notice: the ledger's word that somebody should look into a record. Found by whoever is concerned, acted upon by
people."""

from __future__ import annotations

from consortium.core.contract import Event

NOTICE = "notice"


def notice(why: str, record: str, **fields: int | str) -> Event:
    """`why`: a code. `record`: a reference, such as "order/O-1". A notice of what became due names its day in `due`."""
    return Event(NOTICE, {"why": why, "record": record, **fields})
