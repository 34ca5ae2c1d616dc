"""The bureau compares the person of each settlement with that of its bill: only its register tells (docs/privacy.md).

A bill names its patient by one pseudonym and the claim on it by another, which no node can link. What an institution
claims on somebody else's account is reported as a mismatch of the person, which holds the money. A settlement on a
bill without a pseudonym of its own (`settlement.issue_and_claim`) names one person alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance.journal import SETTLEMENTS, get_settlement, settlement_key
from consortium.contracts.insurance.payable import DISPUTED, PERSON, WORDS, ReportMismatch
from consortium.core.contract import Event, Refused, StateReader
from consortium.core.machine import Note
from consortium.roles.agenda import Agenda
from consortium.roles.executed_effects import END
from consortium.roles.organisation import text
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.work import Work


class PersonJudge:
    """Part of the bureau's conduct; without a register it judges nothing."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._register: dict[str, str] = {}  # settlement pseudonym by bill pseudonym

    def plan(self, work: Work) -> None:
        self._register = work.of(DeskTasks).register

    def on_event(self, event: Event, agenda: Agenda) -> Sequence[Note]:
        """A settlement, or a word that frees it again: what differs in its lines may differ in its person, too."""
        year, sequence = event.fields.get("year"), event.fields.get("sequence")
        if event.kind in ("settled", "lines-confirmed") and isinstance(year, int) and isinstance(sequence, int):
            return self._judge(text(event, "psn_no"), year, sequence, agenda)
        return ()

    def resume(self, agenda: Agenda) -> None:
        for key in [key for key, _ in self._state.range(SETTLEMENTS, "", END)]:
            psn_no, year, sequence = key.split("/")
            self._judge(psn_no, int(year), int(sequence), agenda)

    def _judge(self, psn_no: str, year: int, sequence: int, agenda: Agenda) -> Sequence[Note]:
        key = settlement_key(psn_no, year, sequence)
        try:
            number = get_settlement(self._state, psn_no, year, sequence).bill_no
        except Refused:
            return ()
        bill = self._state.get(bills.BILLS, number)
        if not self._register or bill is None or bill.settlement != key or not bill.patient:
            return ()  # reversed meanwhile, or of one pseudonym
        word = self._state.get(WORDS, key)
        if self._register.get(bill.patient) == psn_no or (word is not None and word.stage == DISPUTED):
            return ()
        report = ReportMismatch(psn_no, year, sequence, PERSON)
        agenda.wish(f"person:{number}:{key}", (("settlement", "report_mismatch", report),))
        records = f"bill {number}; settlement {key} is not of the bill's patient"
        finding = {"rule": "person-differs", "records": records, "amount_fen": bill.sums.medfee_sumamt}
        return (Note("finding", finding),)
