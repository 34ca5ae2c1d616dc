"""The bureau's counter for patients: it vouches for their keys, and settles or declines what they claim themselves."""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import patient_claim, waiting_claims
from consortium.contracts.records import identity
from consortium.core.contract import Event, StateReader
from consortium.core.spoken import VOICES
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.work import Work


class DeskTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bureau knows of persons, and nobody else. `agents`: the member that keeps the key of a pseudonym, as its
    person has told the bureau, which vouches for no other. `register`: the settlement pseudonym of the same person and
    year, by bill pseudonym."""

    agents: dict[str, str] = {}
    register: dict[str, str] = {}


class PatientDesk:
    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._tasks = DeskTasks()

    def plan(self, work: Work) -> None:
        self._tasks = work.of(DeskTasks)

    def on_event(self, event: Event, agenda: Agenda) -> None:
        if event.kind == "voice-presented":
            self._on_presented(text(event, "pseudonym"), text(event, "agent"), text(event, "key"), agenda)
        elif event.kind == "patient-claimed":
            self._on_claimed(text(event, "bill_no"), text(event, "patient"), text(event, "psn_no"), agenda)

    def resume(self, agenda: Agenda) -> None:
        for place, presented in list(self._state.range(identity.PRESENTED, "", END)):
            pseudonym, _, agent = place.partition("/")
            self._on_presented(pseudonym, agent, presented.key.hex(), agenda)
        for number, waiting in list(self._state.range(waiting_claims.WAITING, "", END)):
            bill = self._state.get(bills.BILLS, number)
            self._on_claimed(number, "" if bill is None else bill.patient, waiting.psn_no, agenda)

    def _on_presented(self, pseudonym: str, agent: str, key: str, agenda: Agenda) -> None:
        if self._tasks.agents.get(pseudonym) == agent and self._state.get(VOICES, pseudonym) is None:
            vouch = identity.Vouch(pseudonym, agent, bytes.fromhex(key))
            agenda.wish(f"vouch:{pseudonym}", (("identity", "vouch", vouch),))

    def _on_claimed(self, number: str, patient: str, psn_no: str, agenda: Agenda) -> None:
        """A patient that names another person's settlement pseudonym is declined: only the bureau can tell."""
        if self._tasks.register.get(patient) == psn_no:
            agenda.wish(f"pay-patient:{number}", (("patient_claim", "settle", patient_claim.Settle(number)),))
        else:
            decline = patient_claim.Decline(number, "person-differs")
            agenda.wish(f"decline-patient:{number}", (("patient_claim", "decline", decline),))
