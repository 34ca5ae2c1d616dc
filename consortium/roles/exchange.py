"""Health-information exchange from each member's side. By the members' settings `{"hosts": ["exchange"]}`.

A keeper registers and offers records about persons, and delivers where the ledger says that the asker may have them. A
reader requests, reads, looks whether what it was given is about its patient, breaks the glass where somebody lies
unconscious before it, and asks once more where a consent was taken back: in vain. A regulator judges broken glasses.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.records import consent, exchange, record
from consortium.contracts.records.accesses import SHARED, has_access
from consortium.contracts.records.consents import BROKEN, CONSENTS, GLASSES, Wanted, find_leave
from consortium.core.codec import encode
from consortium.core.contract import Refused, StateReader
from consortium.core.fields import commit_fields
from consortium.core.machine import Guard, Note, Opened, Outcome, Read
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class HealthRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a record about a person says. Its fields can be shown one by one. `person`: the pseudonym of whom it is
    about."""

    record_no: str
    person: str
    record_class: str
    name: str
    address: str
    telephone: str
    diagnosis: str
    therapy: str


class ToKeep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to keep, to register as one about `patient`, and to offer. `rash`: when it is
    delivered whatever the ledger would say: once it is "asked" for, or once the person "consented" to anything as well;
    "" = never."""

    at_us: int
    patient: str
    content: HealthRecord
    rash: str = ""


class ToWant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record of a patient to request once it is offered. `emergency`: the reason for which the glass is broken, ""
    = it is not."""

    record_no: str
    request_no: str
    patient: str
    purpose: str
    emergency: str = ""


class ExchangeTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`keeps`: of a keeper; `wants`: of a reader; `justified`: the emergencies that a regulator takes for one, none
    where it judges nothing."""

    keeps: tuple[ToKeep, ...] = ()
    wants: tuple[ToWant, ...] = ()
    justified: tuple[str, ...] = ()


class ExchangeConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._own: dict[str, tuple[ToKeep, bytes]] = {}  # with its commitment, by number
        self._wants: dict[str, ToWant] = {}  # by record
        self._reading: dict[str, str] = {}  # handles, with the purpose
        self._justified: tuple[str, ...] = ()

    @property
    def is_done(self) -> bool:
        return not self._reading

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks, salts = work.of(ExchangeTasks), work.of(Salts)
        self._member, self._justified = work.member, tasks.justified
        self._wants = {one.record_no: one for one in tasks.wants}
        for one in tasks.keeps:
            number = one.content.record_no
            guard = Guard(f"{record.KIND}/{number}", encode(one.content))
            self._own[number] = one, salts.commit(*guard)
            agenda.guard(guard)
            register = record.Register(number, one.content.record_class, self._own[number][1], (), one.patient)
            offer = exchange.Offer(number, commit_fields(salts.salt(guard.handle), guard.record))
            calls = (("record", "register", register), ("exchange", "offer", offer))
            agenda.wish(f"offer:{number}", calls, one.at_us)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "exchange-offered":
                self._request(text(event, "record_no"), agenda)
            elif event.kind == "exchange-requested":
                self._deliver(text(event, "record_no"), text(event, "request_no"), agenda)
            elif event.kind in ("consent-granted", "glass-broken"):
                self._deliver_all(text(event, "patient"), agenda)
            elif event.kind == "exchange-delivered" and text(event, "member") == self._member:
                self._read(text(event, "handle").partition("/")[2], agenda)
            elif event.kind == "consent-revoked":
                self._read_again(text(event, "patient"), agenda)
            if event.kind == "glass-broken":
                self._judge(text(event, "glass_no"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for number, _ in list(self.state.range(SHARED, "", END)):
            self._request(number, agenda)
        for key, request in list(self.state.range(exchange.REQUESTS, "", END)):
            number, _, request_no = key.partition("/")
            if request.stage == exchange.OPEN:
                self._deliver(number, request_no, agenda)
            elif request.stage == exchange.DELIVERED and request.member == self._member:
                self._read(number, agenda)
        for number, _ in list(self.state.range(GLASSES, "", END)):
            self._judge(number, agenda)

    # --- a keeper ---------------------------------------------------------------------------------------------------

    def _deliver(self, number: str, request_no: str, agenda: Agenda) -> None:
        own, request = self._own.get(number), self.state.get(exchange.REQUESTS, f"{number}/{request_no}")
        if own is None or request is None or request.stage != exchange.OPEN:
            return
        kept, commitment = own
        wanted = Wanted(kept.patient, kept.content.record_class, request.member, request.purpose)
        if self._is_rash(kept) or self._is_let(wanted):
            deliver = exchange.Deliver(number, request_no, commitment)
            agenda.wish(f"deliver:{number}/{request_no}", (("exchange", "deliver", deliver),))

    def _is_rash(self, kept: ToKeep) -> bool:
        said = self.state.range(CONSENTS, f"{kept.patient}/", f"{kept.patient}0", 1)
        return kept.rash == "asked" or (kept.rash == "consented" and next(iter(said), None) is not None)

    def _is_let(self, wanted: Wanted) -> bool:
        """As of now; the contract judges by the day of the delivery."""
        try:
            find_leave(self.state, wanted, 0)
        except Refused:
            return False
        return True

    def _deliver_all(self, patient: str, agenda: Agenda) -> None:
        for number in [number for number, (kept, _) in self._own.items() if kept.patient == patient]:
            for key, _ in list(self.state.range(exchange.REQUESTS, f"{number}/", f"{number}0")):
                self._deliver(number, key.partition("/")[2], agenda)

    # --- a reader ---------------------------------------------------------------------------------------------------

    def _request(self, number: str, agenda: Agenda) -> None:
        want, shared = self._wants.get(number), self.state.get(SHARED, number)
        if want is None or shared is None:
            return
        ask = exchange.Ask(number, want.request_no, want.purpose)
        agenda.wish(f"ask:{number}/{want.request_no}", (("exchange", "request", ask),))
        if want.emergency:
            glass_no = f"{self._member}:g-{want.request_no.partition(':')[2]}"
            glass = consent.BreakGlass(glass_no, want.patient, shared.record_class, want.emergency)
            agenda.wish(f"glass:{glass_no}", (("consent", "break_glass", glass),))

    def _read(self, number: str, agenda: Agenda) -> None:
        want = self._wants.get(number)
        if want is not None:
            handle = f"{record.KIND}/{number}"
            self._reading[handle] = want.purpose
            agenda.read(Read(handle, want.purpose))

    def _read_again(self, patient: str, agenda: Agenda) -> None:
        for number, want in self._wants.items():
            shared = self.state.get(SHARED, number)
            if want.patient == patient and shared is not None and self._member in shared.readers:
                self._read(number, agenda)

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        if self._reading.pop(opened.handle, None) is None:
            return ()
        number = opened.handle.partition("/")[2]
        want = self._wants[number]
        why = self._compare(want, opened)
        if why and has_access(self.state, self._member, want.patient, number):
            report = exchange.ReportMismatch(number, want.request_no, why)
            agenda.wish(f"differs:{number}", (("exchange", "report_mismatch", report),))
        return (Note("record_read", {"handle": opened.handle, "why": opened.why or why or "opened"}),)

    def _compare(self, want: ToWant, opened: Opened) -> str:
        """What is wrong with what was given; "" where nothing is."""
        if opened.record is None:
            return "not-had"
        try:
            content = msgspec.msgpack.decode(opened.record, type=HealthRecord)
        except msgspec.MsgspecError:
            return "unreadable"
        shared = self.state.get(SHARED, want.record_no)
        if content.person != want.patient:
            return "another-person"
        return "" if shared is None or shared.record_class == content.record_class else "another-class"

    # --- a regulator ------------------------------------------------------------------------------------------------

    def _judge(self, glass_no: str, agenda: Agenda) -> None:
        glass = self.state.get(GLASSES, glass_no)
        if self._justified and glass is not None and glass.stage == BROKEN:
            judge = consent.JudgeGlass(glass_no, glass.reason in self._justified)
            agenda.wish(f"judge:{glass_no}", (("consent", "judge_glass", judge),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("exchange", settings, work, ExchangeConduct(state))


ROLE = RoleSpec("exchange", Settings, _build)
