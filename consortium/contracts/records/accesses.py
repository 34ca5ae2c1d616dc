"""Who was given a record in the exchange, and by which leave: what vaults may give, and what they keep no longer."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.records.consents import Leave, is_standing
from consortium.core.contract import StateReader, Table

GIVEN, DIFFERS = "given", "differs"


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the record's number: it may be asked for in the exchange. `fields`: the commitment to its fields one by
    one (`core/fields.py`), empty where it has none. `readers`: to whom it was ever delivered there."""

    patient: str
    record_class: str
    fields: bytes
    readers: tuple[str, ...] = ()


class SharedOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "patient/record number"."""

    since_day: int


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "member/patient/record number": the newest delivery to this member. It may have the record as long as the
    leave stands, unless it said that it is another one."""

    request_no: str
    purpose: str
    leave: Leave
    stage: str = GIVEN


SHARED: Table[Shared] = Table("shared", Shared, told_as="shared-record")
SHARED_OF: Table[SharedOf] = Table("shared_of", SharedOf)
ACCESSES: Table[Access] = Table("access", Access)


def access_key(member: str, patient: str, record_no: str) -> str:
    return f"{member}/{patient}/{record_no}"


def find_readers(state: StateReader, record_no: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Members that may have the record by the exchange now, and all that had it at some time."""
    shared = state.get(SHARED, record_no)
    if shared is None:
        return (), ()
    now = (name for name in shared.readers if has_access(state, name, shared.patient, record_no))
    return tuple(now), shared.readers


def has_access(state: StateReader, member: str, patient: str, record_no: str) -> bool:
    access = state.get(ACCESSES, access_key(member, patient, record_no))
    return access is not None and access.stage == GIVEN and is_standing(state, access.leave)


def accesses_ended(state: StateReader, member: str, patient: str = "") -> Iterator[str]:
    """The numbers of records that this member had by the exchange and may have no longer; of one patient, or all."""
    prefix = f"{member}/{patient}/" if patient else f"{member}/"
    for key, _ in list(state.range(ACCESSES, prefix, f"{prefix[:-1]}0")):
        _, of, record_no = key.split("/")
        if not has_access(state, member, of, record_no):
            yield record_no
