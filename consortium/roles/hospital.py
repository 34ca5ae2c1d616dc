"""A hospital: bills its visits, claims on each bill when the ledger has it, and sometimes claims once too often."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import offsite, settlement
from consortium.contracts.insurance.bill import BILLS
from consortium.contracts.insurance.journal import settlement_key
from consortium.contracts.insurance.lines import Line
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Outcome
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.claimant import (
    BillToClaim,
    Claimant,
    Service,
    commit_record,
    compose_issue,
    decided_bill,
    number_of,
)
from consortium.roles.executed_effects import closed_through, is_changed, is_decided
from consortium.roles.month_books import MonthBooks
from consortium.roles.obligations import Obligations
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.share_payments import SharePayments
from consortium.roles.work import Work


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A visit to bill and claim. `patient`, `psn_no`: the pseudonyms that the bureau gave this hospital for this
    patient, for bills and for settlements of the year. `after_change`: "psn_no/change_id" of an enrolment change that
    it waits for. `record`: what the hospital knows of patient and visit, names and all, which stays here: the claim
    commits to it. `is_paid`: in cash, so that the hospital delivers the bill and does not claim. `padding_fen`: what a
    dishonest hospital adds to the sums of the bill that its lines do not bear out."""

    at_us: int
    fixmedins_code: str
    bill_no: str
    patient: str
    psn_no: str
    med_type: str
    begndate: int
    enddate: int
    lines: tuple[Line, ...]
    record: bytes = b""
    after_change: str = ""
    is_paid: bool = False
    padding_fen: int = 0


class SecondClaim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bill that somebody claims once more, in error or worse, when its first claim is decided.

    `bill_no` as it is typed this time: another case, width or spaces. Who claims may be a stranger."""

    bill_no: str
    after_bill: str
    psn_no: str


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bill whose settlement the hospital reverses, from `at_us` on: it was wrong."""

    at_us: int
    bill_no: str
    reason: str = "wrong-amount"


NEVER = 9999  # a year that is not closed


class HospitalTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a hospital has to bill and to claim, what it claimed wrongly, and whom it refers to another region."""

    visits: tuple[Visit, ...] = ()
    second_claims: tuple[SecondClaim, ...] = ()
    corrections: tuple[Correction, ...] = ()
    referrals: tuple[offsite.Refer, ...] = ()


class HospitalConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._claimant = Claimant(state)
        self._salts = Salts()
        self._after_change: dict[str, list[Visit]] = {}
        self._after_bill: dict[str, list[SecondClaim]] = {}
        self._corrections: dict[str, Correction] = {}  # by the bill's number, until it is settled, or never will be
        self._discharged: dict[str, int] = {}  # year in which the stay of such a bill ended
        self._books = MonthBooks(state)
        self._obligations = Obligations(state)
        self._shares = SharePayments(state)

    @property
    def is_done(self) -> bool:
        return self._claimant.is_done and not self._after_change and not self._after_bill and not self._corrections

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks, self._salts = work.of(HospitalTasks), work.of(Salts)
        self._books.plan(work)
        self._obligations.plan(work)
        self._shares.plan(work)
        for place, refer in enumerate(tasks.referrals):
            agenda.wish(f"refer:{place}", (("offsite", "refer", refer),))
        for visit in tasks.visits:
            if visit.after_change:
                self._after_change.setdefault(visit.after_change, []).append(visit)
            else:
                self._claimant.begin(self._bill_of(visit), agenda)
        for second in tasks.second_claims:
            self._after_bill.setdefault(second.after_bill, []).append(second)
        self._corrections = {number_of(one.bill_no): one for one in tasks.corrections}
        ends = {number_of(visit.bill_no): visit.enddate // 10_000 for visit in tasks.visits}
        self._discharged = {number: ends.get(number, NEVER) for number in self._corrections}

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        self._claimant.on_settled(settled, agenda)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            self._claimant.on_event(event, agenda)
            self._books.on_event(event, agenda)
            self._obligations.on_event(event, agenda)
            self._shares.on_event(event, agenda)
            if event.kind == "enrolment-changed":
                self._on_changed(f"{text(event, 'psn_no')}/{text(event, 'change_id')}", agenda)
            elif event.kind == "settled":
                key = settlement_key(text(event, "psn_no"), int(event.fields["year"]), int(event.fields["sequence"]))
                self._on_settled_bill(text(event, "bill_no"), key, agenda)
            elif event.kind == "year-closed":
                self._on_closed(int(event.fields["year"]))
        if self._after_bill:
            self._on_decided(decided_bill(outcome), agenda)
        return ()

    def resume(self, height: int, agenda: Agenda) -> None:
        self._claimant.resume(agenda)
        self._books.resume(agenda)
        self._obligations.resume(agenda)
        self._shares.resume(agenda)
        for change in [change for change in self._after_change if is_changed(self.state, *change.split("/", 1))]:
            self._on_changed(change, agenda)
        for number in [number for number in self._after_bill if is_decided(self.state, number)]:
            self._on_decided(number, agenda)
        for number in list(self._corrections):
            bill = self.state.get(BILLS, number)
            if bill is not None and bill.settlement:
                self._on_settled_bill(number, bill.settlement, agenda)
        self._on_closed(closed_through(self.state))

    def _on_closed(self, year: int) -> None:
        """A bill of a closed year that was refused is settled no more: there is nothing left to correct."""
        for number in [number for number in self._corrections if self._discharged[number] <= year]:
            del self._corrections[number]

    def _on_settled_bill(self, number: str, key: str, agenda: Agenda) -> None:
        one = self._corrections.pop(number, None)
        if one is not None:
            psn_no, year, sequence = key.split("/")
            reverse = settlement.Reverse(psn_no, int(year), int(sequence), one.reason)
            agenda.wish(f"reverse:{key}", (("settlement", "reverse", reverse),), one.at_us)

    def _on_changed(self, change: str, agenda: Agenda) -> None:
        for visit in self._after_change.pop(change, ()):
            self._claimant.begin(self._bill_of(visit), agenda)

    def _bill_of(self, visit: Visit) -> BillToClaim:
        service = Service(
            fixmedins_code=visit.fixmedins_code,
            bill_no=visit.bill_no,
            patient=visit.patient,
            med_type=visit.med_type,
            begndate=visit.begndate,
            enddate=visit.enddate,
            lines=visit.lines,
            padding_fen=visit.padding_fen,
        )
        commitment = commit_record(self._salts, visit.bill_no, visit.record)
        claim = settlement.Claim(visit.bill_no, visit.psn_no, commitment=commitment)
        issue, lines = compose_issue(self.state, service, self._salts)
        return BillToClaim(visit.at_us, lines, issue, None if visit.is_paid else claim)

    def _on_decided(self, number: str, agenda: Agenda) -> None:
        for second in self._after_bill.pop(number, ()):
            agenda.wish(
                f"again:{second.bill_no}", (("settlement", "claim", settlement.Claim(second.bill_no, second.psn_no)),)
            )


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("hospital", settings, work, HospitalConduct(state))


ROLE = RoleSpec("hospital", Settings, _build)
