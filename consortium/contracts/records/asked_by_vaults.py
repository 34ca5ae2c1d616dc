"""All that vaults ask of the ledger, as one value: who holds what, what was erased, what is anchored."""

from __future__ import annotations

from consortium.contracts.records import catalogue, read_audit, record, tombstones
from consortium.core.vault import Catalogue

CATALOGUE = Catalogue(
    find=catalogue.find_entry,
    held_by=catalogue.handles_held_by,
    is_erased=tombstones.is_erased,
    erased=catalogue.erased_handles,
    ended=catalogue.handles_ended,
    awaits=tombstones.awaits,
    confirm=lambda handle: ("record", "confirm_erased", record.ConfirmErased(handle)),
    anchored=read_audit.total_anchored,
    anchor=lambda day, first, count, root: ("read_audit", "anchor", read_audit.AnchorDay(day, first, count, root)),
)
