"""Private records in a made-up day: a part of any member that keeps some, asks for those of others, or has them erased.

Hosted beside a member's own role (`settings={"hosts": ["records"]}`). A record's text is drawn out of a key of the
member that keeps it, so that it stands in no file of the run but in boxes.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.records import record as records
from consortium.core.codec import encode
from consortium.core.contract import StateReader
from consortium.core.machine import Guard, Note, Opened, Outcome, Read
from consortium.core.vault import Salts, derive_secret
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class MadeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canonical bytes of a made-up record."""

    record_no: str
    text: str


class ToRegister(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to keep and to register, of about so many bytes, about `patient`; `others` keep it, too. `askers`: to
    whom it is delivered if they ask, and to nobody else."""

    at_us: int
    record_no: str
    record_class: str
    size_bytes: int
    others: tuple[str, ...] = ()
    patient: str = ""
    askers: tuple[str, ...] = ()


class ToRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record of another to ask for once it is registered, and to read once it is delivered."""

    record_no: str
    request_no: str
    purpose: str


class ToErase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to have erased."""

    at_us: int
    handle: str
    reason: str


class RecordsTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a member has to do with private records."""

    registers: tuple[ToRegister, ...] = ()
    requests: tuple[ToRequest, ...] = ()
    erasures: tuple[ToErase, ...] = ()


def make_record(key: bytes, record_no: str, size_bytes: int) -> bytes:
    """A record whose text nobody knows without the key: hexadecimal words of 64 characters."""
    words = range(max(1, size_bytes // 64))
    text = " ".join(derive_secret(key, "made-up record", f"{record_no} {word}").hex() for word in words)
    return encode(MadeRecord(record_no, text))


class RecordsConduct(Conduct):
    """Delivers what it registered to those that its tasks name, if they ask; whoever else asks waits in vain."""

    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._salts = Salts()
        self._own: dict[str, bytes] = {}  # commitments of the records registered here, by number
        self._askers: dict[str, tuple[str, ...]] = {}  # who may be given each of them
        self._to_request: dict[str, list[ToRequest]] = {}  # not registered yet, by record
        self._requested: dict[str, ToRequest] = {}  # not delivered yet, by record and request number
        self._reading: dict[str, str] = {}  # handles, with the purpose

    @property
    def is_done(self) -> bool:
        return not (self._to_request or self._requested or self._reading)

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks, self._salts = work.of(RecordsTasks), work.of(Salts)
        for one in tasks.registers:
            guard = Guard(
                f"{records.KIND}/{one.record_no}", make_record(self._salts.key, one.record_no, one.size_bytes)
            )
            commitment = self._own[one.record_no] = self._salts.commit(*guard)
            self._askers[one.record_no] = one.askers
            agenda.guard(guard)
            register = records.Register(one.record_no, one.record_class, commitment, one.others, one.patient)
            agenda.wish(f"register:{one.record_no}", (("record", "register", register),), one.at_us)
        for request in tasks.requests:
            self._to_request.setdefault(request.record_no, []).append(request)
            self._requested[f"{request.record_no}/{request.request_no}"] = request
        for erasure in tasks.erasures:
            erase = records.Erase(erasure.handle, erasure.reason)
            agenda.wish(f"erase:{erasure.handle}", (("record", "erase", erase),), erasure.at_us)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        """A request that was refused is not waited for."""
        step, _, key = settled.reference.partition(":")
        if step == "request" and not settled.outcome.receipt.is_ok:
            self._requested.pop(key, None)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            number = text(event, "record_no") or text(event, "handle").partition("/")[2]
            if event.kind == "record-registered":
                self._request(number, agenda)
            elif event.kind == "record-requested":
                self._deliver(number, text(event, "request_no"), text(event, "member"), agenda)
            elif event.kind == "record-delivered":
                self._on_delivered(number, text(event, "request_no"), agenda)
            elif event.kind == "record-erased":
                self._forget(number)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for number in [number for number in self._to_request if self.state.get(records.RECORDS, number)]:
            self._request(number, agenda)
        for key, request in list(self.state.range(records.REQUESTS, "", END)):
            number, _, request_no = key.partition("/")
            if request.stage == records.OPEN:
                self._deliver(number, request_no, request.member, agenda)
            else:
                self._on_delivered(number, request_no, agenda)

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        if self._reading.pop(opened.handle, None) is None:
            return ()
        return (Note("record_read", {"handle": opened.handle, "why": opened.why or "opened"}),)

    def _request(self, number: str, agenda: Agenda) -> None:
        for one in self._to_request.pop(number, ()):
            ask = records.Ask(number, one.request_no, one.purpose)
            agenda.wish(f"request:{number}/{one.request_no}", (("record", "request", ask),))

    def _deliver(self, number: str, request_no: str, asker: str, agenda: Agenda) -> None:
        if asker in self._askers.get(number, ()):
            deliver = records.Deliver(number, request_no, self._own[number])
            agenda.wish(f"deliver:{number}/{request_no}", (("record", "deliver", deliver),))

    def _on_delivered(self, number: str, request_no: str, agenda: Agenda) -> None:
        request = self._requested.pop(f"{number}/{request_no}", None)
        if request is not None:
            handle = f"{records.KIND}/{number}"
            self._reading[handle] = request.purpose
            agenda.read(Read(handle, request.purpose))

    def _forget(self, number: str) -> None:
        """What was erased is asked for no more."""
        self._to_request.pop(number, None)
        for key in [key for key in self._requested if key.partition("/")[0] == number]:
            del self._requested[key]


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("records", settings, work, RecordsConduct(state))


ROLE = RoleSpec("records", Settings, _build)
