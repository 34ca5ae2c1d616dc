"""What persons say of their records, and what members say to whom they delegated it. `{"hosts": ["consents"]}`.

An agent keeps the keys of persons and speaks for them: consents once a record about them is offered, takes one back at
its time, delegates. A member to which a person delegated it consents for that person in its own name, without a key.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.records import consent, delegation
from consortium.contracts.records.accesses import SHARED_OF
from consortium.contracts.records.consents import CONSENTS, consent_key
from consortium.contracts.records.delegations import CONSENT, DELEGATIONS
from consortium.contracts.records.record import ERASE_BY_PATIENT, EraseByPatient
from consortium.core.calendar import compute_day_after
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.spoken import VOICES
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.voices import Saying, VoiceKeys, Voices
from consortium.roles.work import Work


class ToConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A consent of a person, said for so many days from the day on which a record about it is offered. `revoked_at_us`:
    after the run's start, 0 = it is not taken back. `delegate`: the member that says it for the person, "" = its own
    voice does. `erased`: a record that the person has erased once its consent is taken back."""

    patient: str
    record_class: str
    recipient: str
    purpose: str
    days: int = 30
    revoked_at_us: int = 0
    delegate: str = ""
    erased: str = ""


class ConsentTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`persons`: whose keys this node keeps; `consents`: theirs, and those that it says by delegation."""

    persons: tuple[str, ...] = ()
    consents: tuple[ToConsent, ...] = ()


class ConsentConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._persons: tuple[str, ...] = ()
        self._voices = Voices(VoiceKeys(), state)
        self._consents: list[ToConsent] = []
        self._said: dict[str, tuple[str, int]] = {}  # pseudonym and number by reference

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(ConsentTasks)
        self._member, self._persons = work.member, tasks.persons
        self._consents = list(tasks.consents)
        self._voices = Voices(work.of(VoiceKeys), self.state)
        for person in self._persons:
            agenda.wish(f"present:{person}", (("identity", "present", self._voices.present(person)),))

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        said = self._said.get(settled.reference)
        if said is not None and not settled.outcome.receipt.is_ok:
            self._voices.refused(*said, settled.outcome.receipt.code)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind in ("voice-vouched", "delegated"):
                self._on_person(text(event, "pseudonym"), agenda)
            elif event.kind in ("exchange-offered", "consent-granted"):
                self._on_person(text(event, "patient"), agenda)
            elif event.kind == "consent-revoked":
                self._erase(text(event, "patient"), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        for person in sorted({*self._persons, *(one.patient for one in self._consents)}):
            if person in self._persons and self.state.get(VOICES, person) is not None:
                self._voices.catch_up(person)
            self._on_person(person, agenda)

    def _on_person(self, person: str, agenda: Agenda) -> None:
        """What this person says next, once it has a voice and a record about it is offered."""
        first = next(iter(self.state.range(SHARED_OF, f"{person}/", f"{person}0", 1)), None)
        if first is None or self.state.get(VOICES, person) is None:
            return
        for place, one in enumerate(self._consents):
            if one.patient == person:
                to_day = compute_day_after(first[1].since_day, one.days)
                self._consent(f"{person}/{place}", one, to_day, agenda)

    def _consent(self, reference: str, one: ToConsent, to_day: int, agenda: Agenda) -> None:
        scope = (one.record_class, one.recipient, one.purpose)
        if one.delegate and one.delegate != self._member:
            said = delegation.Delegate(one.delegate, (CONSENT,), to_day)
            self._say(f"delegate:{reference}", Saying(one.patient, delegation.DELEGATE, said), agenda)
        elif one.delegate:
            if self._is_delegate(one.patient):
                grant_for = consent.GrantFor(one.patient, *scope, to_day)
                agenda.wish(f"grant-for:{reference}", (("consent", "grant_for", grant_for),))
        else:
            self._say(f"grant:{reference}", Saying(one.patient, consent.GRANT, consent.Grant(*scope, to_day)), agenda)
            if one.revoked_at_us and self._is_granted(one):
                saying = Saying(one.patient, consent.REVOKE, consent.Revoke(*scope), one.revoked_at_us)
                self._say(f"revoke:{reference}", saying, agenda)

    def _is_delegate(self, patient: str) -> bool:
        return self.state.get(DELEGATIONS, f"{patient}/{self._member}") is not None

    def _is_granted(self, one: ToConsent) -> bool:
        key = consent_key(one.patient, one.record_class, one.recipient, one.purpose)
        return self.state.get(CONSENTS, key) is not None

    def _erase(self, patient: str, agenda: Agenda) -> None:
        for one in self._consents:
            if one.patient == patient and one.erased and one.delegate != self._member and patient in self._persons:
                saying = Saying(patient, ERASE_BY_PATIENT, EraseByPatient(one.erased))
                self._say(f"erase:{one.erased}", saying, agenda)

    def _say(self, reference: str, saying: Saying, agenda: Agenda) -> None:
        if reference not in self._said:
            number, said = self._voices.say(saying)
            self._said[reference] = (saying.pseudonym, number)
            agenda.wish(reference, ((saying.speech.contract, saying.speech.name, said),), saying.at_us)


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("consents", settings, work, ConsentConduct(state))


ROLE = RoleSpec("consents", Settings, _build)
