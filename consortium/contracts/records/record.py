"""Private records 健康档案: what the ledger holds of one is its commitment, who keeps it, and who was given it.

A holder registers; another member requests; a holder delivers, which entitles the other's vault to be given the record
over the bus and to keep it until it is erased. Erasure leaves a tombstone: each member that may have had the record
confirms that nothing of it is left, and no vault takes it in again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.access import BY_ALL, BY_BUREAU, NOBODY
from consortium.contracts.checks import (
    check_choice,
    check_count,
    check_digest,
    check_identifier,
    check_own_number,
    check_pseudonym,
)
from consortium.contracts.records.accesses import accesses_ended, find_readers
from consortium.contracts.records.catalogue import END, find_entry
from consortium.contracts.records.classes import CLASSES, PURPOSES
from consortium.contracts.records.tombstones import (
    ERASING,
    TOMBSTONES,
    awaits,
    bury,
    check_not_erased,
)
from consortium.core.codec import Digest
from consortium.core.contract import (
    NOT_YOURS,
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Refused,
    State,
    StateReader,
    Table,
    Whose,
)
from consortium.core.registry import newest_epoch
from consortium.core.spoken import Speech
from consortium.core.vault import HANDLE_BYTES_MAX, Entry, RecordKind

KIND = "record"
OPEN, DELIVERED, DIFFERS = "open", "delivered", "differs"
REASONS = ("asked-by-patient", "term-over", "registered-in-error")  # of the bureau, for who has no key, and of itself
BY_PATIENT = "said-by-patient"  # the reason of what its person erased
HOLDERS_MAX = 16
GIVEN_MAX = 64
KEPT_BY_OTHERS_MAX = 10_000  # boxes of one member's records that others keep without having asked


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number, which begins with the name of who registered it. `holders` keep it from the beginning,
    `given` since it was delivered to them. `patient`: the pseudonym of whom it is about, "" = nobody. `differing` were
    given something, and said that it is another record: what they have of it, an erasure asks of them, too."""

    record_class: str
    commitment: Digest
    holders: tuple[str, ...]
    given: tuple[str, ...] = ()
    patient: str = ""
    differing: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by record and request number; the latter begins with the asker's name."""

    member: str
    purpose: str
    stage: str = OPEN


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by member and record number: this member keeps the record."""

    since_day: int


class KeptByOthers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the member that registered: how many boxes others keep because it named them, of what is not erased."""

    boxes: int


RECORDS: Table[Record] = Table("record", Record, told_as="record")
REQUESTS: Table[Request] = Table("request", Request)
HELD: Table[Held] = Table("record_holder", Held)
KEPT_BY_OTHERS: Table[KeptByOthers] = Table("record_kept_by_others", KeptByOthers)
REQUEST_LIFE = Life(
    REQUESTS,
    (Move("", "request", OPEN), Move(OPEN, "deliver", DELIVERED), Move(DELIVERED, "report_mismatch", DIFFERS)),
)


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Commit to a record. `record_no`: begins with the registering member's name and ":", as in "hospital-1:r-7".
    `others`: who keeps it besides that member, within its share of what others keep. `patient`: the pseudonym of whom
    it is about, who may have it erased; "" = nobody."""

    record_no: str
    record_class: str
    commitment: bytes
    others: tuple[str, ...] = ()
    patient: str = ""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask the holders for a record. `request_no`: begins with the asker's name and ":"."""

    record_no: str
    request_no: str
    purpose: str


class Deliver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A holder's word that the asker may be given the record of this commitment."""

    record_no: str
    request_no: str
    commitment: bytes


class ReportMismatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The asker's word that what every holder gave is not the record of the commitment."""

    record_no: str
    request_no: str


class Erase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Erase a private record of any kind, named by its handle."""

    handle: str
    reason: str


class EraseByPatient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says to have a record about it erased."""

    handle: str


ERASE_BY_PATIENT: Speech[EraseByPatient] = Speech("record", "erase_by_patient", EraseByPatient)


class ConfirmErased(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's word that its private store holds nothing of the record."""

    handle: str


def _record(state: StateReader, record_no: str) -> Record:
    """Refuses `unknown-record`, `record-erased`."""
    check_not_erased(state, f"{KIND}/{record_no}")
    record = state.get(RECORDS, record_no)
    if record is None:
        raise Refused("unknown-record", f"there is no record {record_no}")
    return record


def _register(state: State, arguments: Register, context: Context) -> list[Event]:
    number, handle = arguments.record_no, f"{KIND}/{arguments.record_no}"
    check_own_number(number, context.member, "record_no")
    check_choice(arguments.record_class, CLASSES, "record_class")
    check_digest(arguments.commitment, "commitment")
    if arguments.patient:
        check_pseudonym(arguments.patient, "patient")
    check_not_erased(state, handle)
    if state.get(RECORDS, number) is not None:
        raise Refused("record-exists", f"the record {number} is registered already")
    holders = tuple(sorted({context.member, *arguments.others}))
    check_count(len(holders), HOLDERS_MAX, "holders")
    epoch = newest_epoch(state)
    for name in arguments.others:
        if epoch is None or name not in epoch.by_name:
            raise Refused("unknown-member", "every holder must be a member")
    _check_others(state, context.member, len(holders) - 1)
    _count_others(state, context.member, len(holders) - 1)
    record = Record(arguments.record_class, arguments.commitment, holders, patient=arguments.patient)
    state.put(RECORDS, number, record)
    for name in holders:
        state.put(HELD, f"{name}/{number}", Held(context.day))
    return [Event("record-registered", {"handle": handle, "class": arguments.record_class})]


def _check_others(state: StateReader, member: str, boxes: int) -> None:
    """Refuses `others-full`: nobody asked the others, so one member can fill so much of their disks and no more. Who
    wants a record asks for it, beyond any share."""
    kept = state.get(KEPT_BY_OTHERS, member) or KeptByOthers(0)
    if boxes and kept.boxes + boxes > KEPT_BY_OTHERS_MAX:
        raise Refused("others-full", f"others keep {kept.boxes} boxes for {member}, at most {KEPT_BY_OTHERS_MAX}")


def _count_others(state: State, member: str, boxes: int) -> None:
    """Others keep so many more boxes (or fewer) because this member named them."""
    if boxes:
        kept = state.get(KEPT_BY_OTHERS, member) or KeptByOthers(0)
        state.put(KEPT_BY_OTHERS, member, KeptByOthers(kept.boxes + boxes))


def _request(state: State, arguments: Ask, context: Context) -> list[Event]:
    """For any number, alike: whether there is such a record is its holders' to tell, by delivering it."""
    check_identifier(arguments.record_no, "record_no")
    check_own_number(arguments.request_no, context.member, "request_no")
    check_choice(arguments.purpose, PURPOSES, "purpose")
    key = f"{arguments.record_no}/{arguments.request_no}"
    if state.get(REQUESTS, key) is not None:
        raise Refused("request-exists", f"the request {arguments.request_no} is there already")
    state.put(REQUESTS, key, Request(context.member, arguments.purpose))
    fields = {"record_no": arguments.record_no, "request_no": arguments.request_no, "member": context.member}
    return [Event("record-requested", {**fields, "purpose": arguments.purpose})]


def _deliver(state: State, arguments: Deliver, context: Context) -> list[Event]:
    """Refuses `not-holder` alike for the record of others and for one that nobody has."""
    number = arguments.record_no
    if state.get(HELD, f"{context.member}/{number}") is None:
        raise Refused("not-holder", f"{context.member} holds no such record")
    record = _record(state, number)
    request, stage = _moved(state, "deliver", number, arguments.request_no)
    if arguments.commitment != record.commitment:
        raise Refused("commitment-differs", f"the record {number} has another commitment")
    given = tuple(sorted({*record.given, request.member} - {*record.holders}))
    check_count(len(given), GIVEN_MAX, "members that were given the record", 0)
    state.put(RECORDS, number, msgspec.structs.replace(record, given=given))
    state.put(REQUESTS, f"{number}/{arguments.request_no}", msgspec.structs.replace(request, stage=stage))
    state.put(HELD, f"{request.member}/{number}", Held(context.day))
    fields = {"handle": f"{KIND}/{number}", "request_no": arguments.request_no, "member": request.member}
    return [Event("record-delivered", {**fields})]


def _moved(state: StateReader, operation: str, record_no: str, request_no: str) -> tuple[Request, str]:
    """The request and its stage after the operation. Refuses `bad-identifier`, `unknown-request`, `wrong-stage`."""
    check_identifier(request_no, "request_no")
    request = state.get(REQUESTS, f"{record_no}/{request_no}")
    if request is None:
        raise Refused("unknown-request", f"there is no request {request_no} of the record {record_no}")
    return request, REQUEST_LIFE.move(operation, request.stage, f"the request {request_no}")


def _report_mismatch(state: State, arguments: ReportMismatch, context: Context) -> list[Event]:
    """The record stays with its holders; the asker holds nothing of it."""
    number = arguments.record_no
    request, stage = _moved(state, "report_mismatch", number, arguments.request_no)
    record = _record(state, number)
    given = tuple(name for name in record.given if name != context.member)
    differing = tuple(sorted({*record.differing, context.member}))
    state.put(RECORDS, number, msgspec.structs.replace(record, given=given, differing=differing))
    state.put(REQUESTS, f"{number}/{arguments.request_no}", msgspec.structs.replace(request, stage=stage))
    if context.member not in record.holders:
        state.delete(HELD, f"{context.member}/{number}")
    return [Event("record-differs", {"record_no": number, "request_no": arguments.request_no, "by": context.member})]


def _erase(state: State, arguments: Erase, context: Context) -> list[Event]:
    handle = arguments.handle
    check_choice(arguments.reason, REASONS, "reason")
    if len(handle) > HANDLE_BYTES_MAX:
        raise Refused("unknown-record", "there is no such record")
    check_not_erased(state, handle)
    entry = find_entry(state, handle)
    if entry is None:
        raise Refused("unknown-record", "there is no such record")
    return _bury(state, handle, entry, arguments.reason, context)


def _erase_by_patient(state: State, said: EraseByPatient, pseudonym: str, context: Context) -> list[Event]:
    """Refuses `not-yours` alike for the record of others, of nobody, and for one that there is not."""
    entry = find_entry(state, said.handle) if len(said.handle) <= HANDLE_BYTES_MAX else None
    if entry is None or entry.person != pseudonym:
        raise Refused(NOT_YOURS, "there is no such record about the speaker")
    check_not_erased(state, said.handle)
    return _bury(state, said.handle, entry, BY_PATIENT, context)


def _bury(state: State, handle: str, entry: Entry, reason: str, context: Context) -> list[Event]:
    kind, _, number = handle.partition("/")
    record = state.get(RECORDS, number) if kind == KIND else None
    if record is not None:
        _count_others(state, number.partition(":")[0], 1 - len(record.holders))
    return [bury(state, handle, entry, reason, context)]


def _confirm_erased(state: State, arguments: ConfirmErased, context: Context) -> list[Event]:
    handle, tombstone = arguments.handle, state.get(TOMBSTONES, arguments.handle)
    if tombstone is None or not awaits(state, context.member, handle):
        raise Refused("not-holder", f"{context.member} has nothing to confirm there")
    awaiting = tuple(name for name in tombstone.awaiting if name != context.member)
    state.put(TOMBSTONES, handle, msgspec.structs.replace(tombstone, awaiting=awaiting))
    state.delete(ERASING, f"{context.member}/{handle}")
    return [Event("erasure-confirmed", {"record": handle, "member": context.member, "awaiting": len(awaiting)})]


def _asker(state: StateReader, arguments: ReportMismatch) -> tuple[str, ...]:
    request = state.get(REQUESTS, f"{arguments.record_no}/{arguments.request_no}")
    return NOBODY if request is None else (request.member,)


def _find(state: StateReader, number: str) -> Entry | None:
    record = state.get(RECORDS, number)
    if record is None:
        return None
    readers, ever = find_readers(state, number) if record.patient else ((), ())
    holders = (*record.holders, *record.given)
    return Entry(record.commitment, holders, (*record.differing, *readers), record.patient, ever)


def _held_by(state: StateReader, member: str) -> Iterator[str]:
    prefix = f"{member}/"
    return (key.removeprefix(prefix) for key, _ in state.range(HELD, prefix, prefix + END))


def _register_alone(state: State, arguments: Register, context: Context) -> list[Event]:
    """A record about a person is kept by who made it and by nobody whom the person did not let have it."""
    if arguments.patient and arguments.others:
        raise Refused("consent-missing", "others have a record about a person by the exchange, and not from the start")
    return _register(state, arguments, context)


def _deliver_alone(state: State, arguments: Deliver, context: Context) -> list[Event]:
    """Records about persons go by the exchange."""
    record = state.get(RECORDS, arguments.record_no)
    if record is not None and record.patient and context.member in record.holders:
        raise Refused("consent-missing", "a record about a person is delivered in the exchange, where consent is asked")
    return _deliver(state, arguments, context)


PRIVATE = RecordKind(KIND, _find, _held_by, is_given_later=True, ended_for=accesses_ended, fields_in="shared-record")

_ALWAYS = (
    Operation("request", Ask, BY_ALL, _request),
    Operation("report_mismatch", ReportMismatch, BY_ALL, _report_mismatch, Whose(_asker, owner="who asked for it")),
    Operation("erase", Erase, BY_BUREAU, _erase),
    ERASE_BY_PATIENT.operation(_erase_by_patient),
    Operation("confirm_erased", ConfirmErased, BY_ALL, _confirm_erased),
)
BY_KEEPERS = Contract(
    "record",
    1,  # a holder decides who may have it
    (Operation("register", Register, BY_ALL, _register), Operation("deliver", Deliver, BY_ALL, _deliver), *_ALWAYS),
    lives=(REQUEST_LIFE,),
)
CONTRACT = Contract(
    "record",
    2,  # records about persons go by the exchange
    (
        Operation("register", Register, BY_ALL, _register_alone),
        Operation("deliver", Deliver, BY_ALL, _deliver_alone),
        *_ALWAYS,
    ),
    lives=(REQUEST_LIFE,),
    older=(BY_KEEPERS,),
    founding=1,
)
