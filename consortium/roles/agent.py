"""An agent: keeps the keys of patients who have no device of their own, and acts for them by their signed statements.

It presents a key for each of them, and waits for the bureau's word. Then it says for each that a bill was delivered to
them rightly (查验). It says that they claim on what they paid in cash (零星报销), that a commercial insurer may know of
a settlement and pay (商保), or that a record about them is to go.

Whose node it lives in is of no account: what it carries holds by the patient's signature alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import patient_claim
from consortium.contracts.records.catalogue import find_entry
from consortium.contracts.records.record import ERASE_BY_PATIENT, EraseByPatient
from consortium.contracts.records.tombstones import is_erased
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.spoken import VOICES
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.bill_steps import CALLS_MAX
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.second_covers import SecondCover, SecondCovers
from consortium.roles.voices import TAKEN, Saying, VoiceKeys, Voices
from consortium.roles.work import Work

PRESENTED_MAX = 50  # keys in one bundle


class CashBill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bill that its patient paid in cash, to claim once it is verified: `psn_no` as the bureau gave it."""

    bill_no: str
    patient: str
    psn_no: str


class Unwanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that its patient has erased, from `at_us` on, once it is registered."""

    at_us: int
    handle: str
    patient: str


class AgentTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pseudonyms of those whose keys this node keeps, what they have to claim, and what they have erased. `covers`:
    commercial policies of theirs, by the pseudonyms under which they are settled."""

    persons: tuple[str, ...] = ()
    claims: tuple[CashBill, ...] = ()
    erasures: tuple[Unwanted, ...] = ()
    covers: tuple[SecondCover, ...] = ()


class AgentConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._voices = Voices(VoiceKeys(), state)
        self._persons: frozenset[str] = frozenset()
        self._mute: dict[str, list[Saying]] = {}  # what is to be said once the bureau has vouched, by pseudonym
        self._ready: list[Saying] = []
        self._said: dict[str, list[tuple[Saying, int]]] = {}  # by reference, with the number
        self._unclaimed: dict[str, CashBill] = {}  # by the bill's normalised number, until it is verified
        self._unwanted: dict[str, Unwanted] = {}  # by handle, until it is registered
        self._covers = SecondCovers(state)

    @property
    def is_done(self) -> bool:
        return not (self._mute or self._ready or self._unclaimed or self._unwanted) and self._covers.is_done

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._voices = Voices(work.of(VoiceKeys), self.state)
        persons = work.of(AgentTasks).persons
        self._unclaimed = {bills.normalise(cash.bill_no): cash for cash in work.of(AgentTasks).claims}
        self._unwanted = {one.handle: one for one in work.of(AgentTasks).erasures}
        self._covers.plan(work.of(AgentTasks).covers)
        self._persons = frozenset(persons)
        self._mute = {pseudonym: [] for pseudonym in persons}
        for first in range(0, len(persons), PRESENTED_MAX):
            some = persons[first : first + PRESENTED_MAX]
            calls = tuple(("identity", "present", self._voices.present(pseudonym)) for pseudonym in some)
            agenda.wish(f"present:{first}", calls)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        said = self._said.get(settled.reference)
        if said is None or settled.outcome.receipt.is_ok:
            return
        saying, number = said[settled.position]
        code = settled.outcome.receipt.code
        self._voices.refused(saying.pseudonym, number, code)
        if code in TAKEN:
            self._ready.append(saying)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "voice-vouched":
                self._on_vouched(text(event, "pseudonym"))
            elif event.kind == "bill-delivered":
                self._on_delivered(text(event, "bill_no"))
            elif event.kind == "bill-verified":
                self._on_verified(text(event, "bill_no"))
            elif event.kind == "record-registered":
                self._on_registered(text(event, "handle"))
            self._wish_to_say(*self._covers.on_event(event))
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        self._say_ready(f"say:{height}", agenda)

    def resume(self, height: int, agenda: Agenda) -> None:
        for pseudonym in list(self._mute):
            if self.state.get(VOICES, pseudonym) is not None:
                self._voices.catch_up(pseudonym)
                self._on_vouched(pseudonym)
        for number, bill in list(self.state.range(bills.BILLS, "", END)):
            if bill.stage == bills.DELIVERED:
                self._on_delivered(number)
            elif bill.stage in (bills.VERIFIED, bills.COLLECTED):
                self._on_verified(number)
        for handle in list(self._unwanted):
            if find_entry(self.state, handle) is not None:
                self._on_registered(handle)
        self._wish_to_say(*self._covers.resume())
        self._say_ready(f"say:{height}:resumed", agenda)

    def _say_ready(self, reference: str, agenda: Agenda) -> None:
        """Carry what is ready, a bundle for each time and number of calls."""
        ready, self._ready = sorted(self._ready, key=lambda saying: saying.at_us), []
        for at_us, group in groupby(ready, key=lambda saying: saying.at_us):
            sayings = list(group)
            for first in range(0, len(sayings), CALLS_MAX):
                self._say(sayings[first : first + CALLS_MAX], f"{reference}:{at_us}:{first}", at_us, agenda)

    def _say(self, sayings: Sequence[Saying], reference: str, at_us: int, agenda: Agenda) -> None:
        spoken = [self._voices.say(saying) for saying in sayings]
        self._said[reference] = [(saying, number) for saying, (number, _) in zip(sayings, spoken, strict=True)]
        calls = tuple(
            (saying.speech.contract, saying.speech.name, said)
            for saying, (_, said) in zip(sayings, spoken, strict=True)
        )
        agenda.wish(reference, calls, at_us)

    def _on_vouched(self, pseudonym: str) -> None:
        self._ready += self._mute.pop(pseudonym, ())

    def _on_delivered(self, number: str) -> None:
        bill = self.state.get(bills.BILLS, number)
        if bill is not None and bill.patient in self._persons:
            self._wish_to_say(Saying(bill.patient, bills.VERIFY_BY_PATIENT, bills.Step(number)))

    def _on_verified(self, number: str) -> None:
        cash = self._unclaimed.pop(number, None)
        if cash is not None:
            said = patient_claim.ClaimByPatient(number, cash.psn_no)
            self._wish_to_say(Saying(cash.patient, patient_claim.CLAIM, said))

    def _on_registered(self, handle: str) -> None:
        one = self._unwanted.pop(handle, None)
        if one is not None and not is_erased(self.state, handle):
            self._wish_to_say(Saying(one.patient, ERASE_BY_PATIENT, EraseByPatient(handle), one.at_us))

    def _wish_to_say(self, *sayings: Saying) -> None:
        for saying in sayings:
            self._mute.get(saying.pseudonym, self._ready).append(saying)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("agent", settings, work, AgentConduct(state))


ROLE = RoleSpec("agent", Settings, _build)
