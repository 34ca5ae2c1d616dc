"""Health-information exchange 健康信息交换: a record goes to whom its patient lets have it, and to nobody else.

Who keeps a record about a person offers it. Another member requests it for a purpose; the keeper delivers, and the
ledger takes that only by the person's consent or a broken glass. From then on vaults give the record to that member as
long as its leave stands: when a consent ends, is taken back, or a glass was not justified, they give it no more, and
the reader's vault lets its copy go. Each time a record leaves a box an entry of the audit of reads is written first.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_ALL, NOBODY
from consortium.contracts.checks import (
    check_choice,
    check_count,
    check_digest,
    check_identifier,
    check_own_number,
    check_pseudonym,
)
from consortium.contracts.oversight.notice import notice
from consortium.contracts.records.accesses import (
    ACCESSES,
    DIFFERS,
    SHARED,
    SHARED_OF,
    Access,
    Shared,
    SharedOf,
    access_key,
    has_access,
)
from consortium.contracts.records.classes import PURPOSES
from consortium.contracts.records.consents import Wanted, find_leave
from consortium.contracts.records.record import HELD, KIND, RECORDS, Record
from consortium.contracts.records.tombstones import check_not_erased, is_erased
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
    Table,
    Whose,
)

OPEN, DELIVERED = "open", "delivered"
READERS_MAX = 64  # of one record, ever
FOUND_MAX = 200
DIFFERENCES = ("another-person", "another-class", "unreadable", "not-had")


class ExchangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by record and request number; the latter begins with the asker's name."""

    member: str
    purpose: str
    stage: str = OPEN


REQUESTS: Table[ExchangeRequest] = Table("exchange_request", ExchangeRequest)
LIFE = Life(
    REQUESTS,
    (Move("", "request", OPEN), Move(OPEN, "deliver", DELIVERED), Move(DELIVERED, "report_mismatch", DIFFERS)),
)


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let a record be asked for, by the member that registered it. `fields`: the commitment to its fields, with which
    one of them can be shown without the others; empty where it has none."""

    record_no: str
    fields: bytes = b""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a record. `request_no`: begins with the asker's name and ":". `purpose`: treatment | settlement | audit |
    quality | research."""

    record_no: str
    request_no: str
    purpose: str


class Deliver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keeper's word that the asker may be given the record of this commitment."""

    record_no: str
    request_no: str
    commitment: bytes


class ReportMismatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The asker's word on what it was given. `why`: another-person | another-class | unreadable | not-had."""

    record_no: str
    request_no: str
    why: str


class OfPatient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which records of a patient whoever asks may request for a purpose today."""

    patient: str
    purpose: str


class OneFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that may be requested. `is_given`: it was delivered, and may be read."""

    record_no: str
    record_class: str
    is_given: bool


class AllFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In order of numbers; `is_cut`: there are more."""

    found: tuple[OneFound, ...]
    is_cut: bool


def _own_record(state: StateReader, member: str, record_no: str) -> Record:
    """Refuses `not-holder` alike for the record of others and for one that nobody has, `record-erased`."""
    record = state.get(RECORDS, record_no)
    if record is None or state.get(HELD, f"{member}/{record_no}") is None:
        raise Refused("not-holder", f"{member} holds no such record")
    check_not_erased(state, f"{KIND}/{record_no}")
    return record


def _offer(state: State, arguments: Offer, context: Context) -> list[Event]:
    number = arguments.record_no
    check_own_number(number, context.member, "record_no")
    record = _own_record(state, context.member, number)
    check_digest(arguments.fields, "fields", may_be_empty=True)
    if not record.patient:
        raise Refused("no-patient", f"the record {number} is about nobody, so that nobody can consent")
    if state.get(SHARED, number) is not None:
        raise Refused("offered-already", f"the record {number} is offered already")
    state.put(SHARED, number, Shared(record.patient, record.record_class, arguments.fields))
    state.put(SHARED_OF, f"{record.patient}/{number}", SharedOf(context.day))
    return [Event("exchange-offered", {"record_no": number, "class": record.record_class, "patient": record.patient})]


def _request(state: State, arguments: Ask, context: Context) -> list[Event]:
    """For any number, alike."""
    check_identifier(arguments.record_no, "record_no")
    check_own_number(arguments.request_no, context.member, "request_no")
    check_choice(arguments.purpose, PURPOSES, "purpose")
    key = f"{arguments.record_no}/{arguments.request_no}"
    if state.get(REQUESTS, key) is not None:
        raise Refused("request-exists", f"the request {arguments.request_no} is there already")
    state.put(REQUESTS, key, ExchangeRequest(context.member, arguments.purpose))
    fields = {"record_no": arguments.record_no, "request_no": arguments.request_no, "member": context.member}
    return [Event("exchange-requested", {**fields, "purpose": arguments.purpose})]


def _moved(state: StateReader, operation: str, record_no: str, request_no: str) -> ExchangeRequest:
    """The request after the operation. Refuses `bad-identifier`, `unknown-request`, `wrong-stage`."""
    check_identifier(request_no, "request_no")
    request = state.get(REQUESTS, f"{record_no}/{request_no}")
    if request is None:
        raise Refused("unknown-request", "there is no such request of this record")
    stage = LIFE.move(operation, request.stage, f"the request {request_no}")
    return msgspec.structs.replace(request, stage=stage)


def _deliver(state: State, arguments: Deliver, context: Context) -> list[Event]:
    """Refuses `not-offered`, `commitment-differs`; and `consent-missing`, `consent-over`, `purpose-differs`, where
    nothing lets the asker have it."""
    number = arguments.record_no
    check_identifier(number, "record_no")
    record, shared = _own_record(state, context.member, number), state.get(SHARED, number)
    if shared is None:
        raise Refused("not-offered", f"the record {number} is not offered in the exchange")
    request = _moved(state, "deliver", number, arguments.request_no)
    if arguments.commitment != record.commitment:
        raise Refused("commitment-differs", f"the record {number} has another commitment")
    wanted = Wanted(shared.patient, shared.record_class, request.member, request.purpose)
    leave = find_leave(state, wanted, context.day)
    readers = tuple(sorted({*shared.readers, request.member}))
    check_count(len(readers), READERS_MAX, "members that had the record")
    state.put(SHARED, number, msgspec.structs.replace(shared, readers=readers))
    access = Access(arguments.request_no, request.purpose, leave)
    state.put(ACCESSES, access_key(request.member, shared.patient, number), access)
    state.put(REQUESTS, f"{number}/{arguments.request_no}", request)
    fields = {"handle": f"{KIND}/{number}", "request_no": arguments.request_no, "member": request.member}
    by = {"purpose": request.purpose, "leave": f"{leave.kind}/{leave.key}", "patient": shared.patient}
    return [Event("exchange-delivered", {**fields, **by})]


def _report_mismatch(state: State, arguments: ReportMismatch, context: Context) -> list[Event]:
    """What was given is the asker's no longer; regulator and keeper have notice."""
    number = arguments.record_no
    check_choice(arguments.why, DIFFERENCES, "why")
    request = _moved(state, "report_mismatch", number, arguments.request_no)
    shared = state.get(SHARED, number)
    assert shared is not None, "what was delivered is offered"
    key = access_key(context.member, shared.patient, number)
    access = state.get(ACCESSES, key)
    if access is not None and access.request_no == arguments.request_no:
        state.put(ACCESSES, key, msgspec.structs.replace(access, stage=DIFFERS))
    state.put(REQUESTS, f"{number}/{arguments.request_no}", request)
    fields = {"handle": f"{KIND}/{number}", "request_no": arguments.request_no, "by": context.member}
    told = Event("exchange-differs", {**fields, "why": arguments.why, "leave_of": shared.patient})
    return [told, notice("record-differs", f"{KIND}/{number}", by=context.member)]


def _asker(state: StateReader, arguments: ReportMismatch) -> tuple[str, ...]:
    request = state.get(REQUESTS, f"{arguments.record_no}/{arguments.request_no}")
    return NOBODY if request is None else (request.member,)


def _of_patient(state: StateReader, arguments: OfPatient, reader: Reader) -> AllFound:
    """What nothing lets the reader have is left out, as if it were not there."""
    patient = arguments.patient
    check_pseudonym(patient, "patient")
    check_choice(arguments.purpose, PURPOSES, "purpose")
    rows = list(state.range(SHARED_OF, f"{patient}/", f"{patient}0", limit=FOUND_MAX + 1))
    found = [
        one for key, _ in rows[:FOUND_MAX] if (one := _find_one(state, key, arguments.purpose, reader)) is not None
    ]
    return AllFound(tuple(found), len(rows) > FOUND_MAX)


def _find_one(state: StateReader, key: str, purpose: str, reader: Reader) -> OneFound | None:
    patient, number = key.split("/")
    shared = state.get(SHARED, number)
    if shared is None or is_erased(state, f"{KIND}/{number}"):
        return None
    try:
        find_leave(state, Wanted(patient, shared.record_class, reader.member, purpose), reader.day)
    except Refused:
        return None
    return OneFound(number, shared.record_class, has_access(state, reader.member, patient, number))


CONTRACT = Contract(
    "exchange",
    1,
    (
        Operation("offer", Offer, BY_ALL, _offer),
        Operation("request", Ask, BY_ALL, _request),
        Operation("deliver", Deliver, BY_ALL, _deliver),
        Operation("report_mismatch", ReportMismatch, BY_ALL, _report_mismatch, Whose(_asker, owner="who requested it")),
    ),
    (Query("find", OfPatient, BY_ALL, _of_patient),),
    (LIFE,),
    founding=0,
)
