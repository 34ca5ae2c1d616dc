"""An agent: keeps the keys of patients who have no device of their own, and acts for them by their signed statements.

It presents a key for each of them, waits for the bureau's word, and says for each that a bill was delivered to them
rightly (查验), and that they claim on what they paid in cash (零星报销). Whose node it lives in is of no account: what
it carries holds by the patient's signature alone."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import patient_claim
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.spoken import VOICES
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.bill_steps import CALLS_MAX
from consortium.roles.executed_effects import END
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.voices import TAKEN, Saying, VoiceKeys, Voices
from consortium.roles.work import Work

PRESENTED_MAX = 50  # keys in one bundle


class CashBill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bill that its patient paid in cash, to claim once it is verified: `psn_no` as the bureau gave it."""

    bill_no: str
    patient: str
    psn_no: str


class AgentTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pseudonyms of those whose keys this node keeps, and what they have to claim."""

    persons: tuple[str, ...] = ()
    claims: tuple[CashBill, ...] = ()


class AgentConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._voices = Voices(VoiceKeys(), state)
        self._persons: frozenset[str] = frozenset()
        self._mute: dict[str, list[Saying]] = {}  # what is to be said once the bureau has vouched, by pseudonym
        self._ready: list[Saying] = []
        self._said: dict[str, list[tuple[Saying, int]]] = {}  # by reference, with the number
        self._unclaimed: dict[str, CashBill] = {}  # by the bill's normalised number, until it is verified

    @property
    def is_done(self) -> bool:
        return not self._mute and not self._ready and not self._unclaimed

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._voices = Voices(work.of(VoiceKeys), self.state)
        persons = work.of(AgentTasks).persons
        self._unclaimed = {bills.normalise(cash.bill_no): cash for cash in work.of(AgentTasks).claims}
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
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        for first in range(0, len(self._ready), CALLS_MAX):
            self._say(self._ready[first : first + CALLS_MAX], f"say:{height}:{first}", agenda)
        self._ready.clear()

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
        self._say(self._ready, f"say:{height}:resumed", agenda)
        self._ready = []

    def _say(self, sayings: Sequence[Saying], reference: str, agenda: Agenda) -> None:
        if not sayings:
            return
        spoken = [self._voices.say(saying) for saying in sayings]
        self._said[reference] = [(saying, number) for saying, (number, _) in zip(sayings, spoken, strict=True)]
        calls = tuple(
            (saying.speech.contract, saying.speech.name, said)
            for saying, (_, said) in zip(sayings, spoken, strict=True)
        )
        agenda.wish(reference, calls)

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

    def _wish_to_say(self, saying: Saying) -> None:
        self._mute.get(saying.pseudonym, self._ready).append(saying)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("agent", settings, work, AgentConduct(state))


ROLE = RoleSpec("agent", Settings, _build)
