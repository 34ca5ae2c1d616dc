"""What stands in the place of an erased record: every contract that speaks of private records asks here."""

from __future__ import annotations

import msgspec

from consortium.core.contract import Context, Event, Refused, State, StateReader, Table
from consortium.core.registry import newest_epoch
from consortium.core.vault import Entry


class Tombstone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by handle. `day`: since when; `reason`: a code; `awaiting`: the members that have not confirmed yet."""

    day: int
    reason: str
    awaiting: tuple[str, ...]


class Erasing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by member and handle: this member has yet to confirm."""

    day: int


TOMBSTONES: Table[Tombstone] = Table("tombstone", Tombstone)
ERASING: Table[Erasing] = Table("erasing", Erasing)


def is_erased(state: StateReader, handle: str) -> bool:
    return state.get(TOMBSTONES, handle) is not None


def check_not_erased(state: StateReader, handle: str) -> None:
    """Refuses `record-erased`."""
    tombstone = state.get(TOMBSTONES, handle)
    if tombstone is not None:
        raise Refused("record-erased", f"{handle} was erased on {tombstone.day}")


def awaits(state: StateReader, member: str, handle: str) -> bool:
    """Whether this member has yet to confirm that it holds nothing of the record."""
    return state.get(ERASING, f"{member}/{handle}") is not None


def bury(state: State, handle: str, entry: Entry, reason: str, context: Context) -> Event:
    """A tombstone with all members that may have the record: each of them is to confirm that nothing of it is left."""
    epoch = newest_epoch(state)
    members = {} if epoch is None else epoch.by_name
    awaiting = tuple(name for name in sorted({*entry.holders, *entry.readers, *entry.once}) if name in members)
    state.put(TOMBSTONES, handle, Tombstone(context.day, reason, awaiting))
    for name in awaiting:
        state.put(ERASING, f"{name}/{handle}", Erasing(context.day))
    return Event("record-erased", {"handle": handle, "reason": reason, "awaiting": len(awaiting)})
