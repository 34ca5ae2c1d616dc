"""All private records that the ledger knows of, whatever contract commits to them: what vaults ask.

A contract's module offers `PRIVATE = RecordKind(name, find, held_by)`; it is found by that word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.core.contract import StateReader
from consortium.core.discovery import offered_by_name, plugins
from consortium.core.vault import Entry, RecordKind

END = "\U0010ffff"


def load_kinds() -> Mapping[str, RecordKind]:
    """Every `PRIVATE` by name, of this version's contracts and of plug-ins."""
    return _load_kinds(plugins())


@cache
def _load_kinds(_: tuple[ModuleType, ...]) -> Mapping[str, RecordKind]:
    return offered_by_name("consortium.contracts", "PRIVATE", RecordKind)


def find_entry(state: StateReader, handle: str) -> Entry | None:
    """What the ledger commits to under this handle, erased or not; None where it knows none."""
    name, _, key = handle.partition("/")
    kind = load_kinds().get(name)
    return None if kind is None or not key else kind.find(state, key)


def handles_held_by(state: StateReader, member: str, is_all: bool) -> Iterator[str]:
    """The records that a member must hold, erased or not: all, or those that may have become its own unseen."""
    for name, kind in load_kinds().items():
        if is_all or kind.is_given_later:
            for key in kind.held_by(state, member):
                yield f"{name}/{key}"


def erased_handles(state: StateReader) -> Iterator[str]:
    return (handle for handle, _ in state.range(TOMBSTONES, "", END))


def handles_ended(state: StateReader, member: str, patient: str) -> Iterator[str]:
    """Records that the member had by a person's leave, and may have no longer: of this patient, or of all ("")."""
    for name, kind in load_kinds().items():
        if kind.ended_for is not None:
            for key in kind.ended_for(state, member, patient):
                yield f"{name}/{key}"
