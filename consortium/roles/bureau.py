"""The insurance bureau: records premiums, proposes enrolment changes, awards tenders, collects verified bills, pays.

Claims are paid by settlement itself; the bureau pays out what that owes each institution, and for goods received."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, offsite
from consortium.core.contract import StateReader
from consortium.core.machine import Note, Opened, Outcome
from consortium.node.parts import RoleMachine
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.bill_steps import step_one, step_through
from consortium.roles.duties import with_duties
from consortium.roles.executed_effects import END
from consortium.roles.line_judge import LineJudge
from consortium.roles.month_books import MonthClosing
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.patient_desk import PatientDesk
from consortium.roles.payouts import Payouts
from consortium.roles.person_judge import PersonJudge
from consortium.roles.purchaser import Purchaser, TenderAward
from consortium.roles.pursuit import Pursuit
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.share_payments import bring_statements
from consortium.roles.work import Work
from consortium.roles.year_closing import YearClosing


class EnrolmentChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person's whole new state, to propose."""

    at_us: int
    change_id: str
    psn_no: str
    periods: tuple[enrolment.Period, ...]
    died_on: int = 0
    commitment: bytes = b""
    covered_before: bool = False


class Premium(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A month's premium (YYYYMM) to record."""

    at_us: int
    psn_no: str
    month: int
    insutype: str
    pool_fen: int
    account_fen: int


class BureauTasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bureau has to award, propose and record. `disburse_fen`: what it lets an institution's claims add up to
    before it pays them out, 0 = it does not. `verifies`: delivered bills itself, where no patient's agent does.
    `filings`: whom it files for another region."""

    awards: tuple[TenderAward, ...] = ()
    changes: tuple[EnrolmentChange, ...] = ()
    premiums: tuple[Premium, ...] = ()
    disburse_fen: int = 0
    verifies: bool = False
    filings: tuple[offsite.File, ...] = ()


class BureauConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._verified: list[str] = []
        self._delivered: list[str] = []  # to verify, where no patient's agent does
        self._verifies = False
        self._desk = PatientDesk(state)
        self._judge = LineJudge(state, is_first=True)
        self._persons = PersonJudge(state)
        self._payouts = Payouts(state, 0)
        self._year = YearClosing(state)
        self._purchaser = Purchaser(state)
        self._months = MonthClosing(state)
        self._pursuit = Pursuit()

    @property
    def is_done(self) -> bool:
        parts = (self._purchaser, self._judge, self._year, self._months, self._pursuit)
        return all(part.is_done for part in parts)

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(BureauTasks)
        self._payouts, self._verifies = Payouts(self.state, tasks.disburse_fen), tasks.verifies
        self._desk.plan(work)
        self._judge.plan(work)
        self._persons.plan(work)
        self._months.plan(work)
        self._pursuit.plan(work, agenda)
        bring_statements(work, agenda)
        self._year.plan(work, agenda)
        for place, filing in enumerate(tasks.filings):
            agenda.wish(f"file:{place}", (("offsite", "file", filing),))
        for award in tasks.awards:
            self._purchaser.begin(award, agenda)
        for change in tasks.changes:
            proposal = enrolment.ProposeChange(
                change.change_id,
                change.psn_no,
                change.periods,
                change.died_on,
                change.commitment,
                change.covered_before,
            )
            reference = f"change:{change.psn_no}/{change.change_id}"
            agenda.wish(reference, (("enrolment", "propose_change", proposal),), change.at_us)
        for premium in tasks.premiums:
            record = enrolment.RecordContribution(
                premium.psn_no, premium.month, premium.insutype, premium.pool_fen, premium.account_fen
            )
            reference = f"premium:{premium.psn_no}/{premium.month}"
            agenda.wish(reference, (("enrolment", "record_contribution", record),), premium.at_us)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        notes: list[Note] = []
        for event in outcome.receipt.events:
            if event.kind == "bill-verified":
                self._verified.append(text(event, "bill_no"))
            elif event.kind == "bill-delivered" and self._verifies:
                self._delivered.append(text(event, "bill_no"))
            else:
                self._payouts.on_event(event)
                self._purchaser.on_event(event, agenda)
                self._desk.on_event(event, agenda)
                self._months.on_event(event, agenda)
                self._pursuit.on_event(event, agenda)
                found = self._persons.on_event(event, agenda)
                notes += found
                if not found or event.kind != "settled":  # else there is a mismatch already
                    self._judge.on_event(event, agenda)
        return notes

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        return self._judge.on_opened(opened, agenda)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        self._payouts.on_settled(settled)

    def on_gap(self) -> None:
        self._payouts.on_gap()

    def resume(self, height: int, agenda: Agenda) -> None:
        for number, bill in list(self.state.range(bills.BILLS, "", END)):
            if bill.stage == bills.VERIFIED:
                step_one(number, "collect", agenda)
            elif bill.stage == bills.DELIVERED and self._verifies:
                step_one(number, "verify", agenda)
        self._purchaser.resume(agenda)
        self._judge.resume(agenda)
        self._persons.resume(agenda)
        self._desk.resume(agenda)
        self._months.resume(agenda)
        self._payouts.resume(height, agenda)
        self._year.on_block(agenda)

    def on_block(self, height: int, agenda: Agenda) -> None:
        step_through(self._delivered, "verify", height, agenda)
        step_through(self._verified, "collect", height, agenda)
        self._payouts.on_block(agenda)
        self._year.on_block(agenda)


def _build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
    return with_duties(Organisation("bureau", settings, work, BureauConduct(state)), work, state, 0)


ROLE = RoleSpec("bureau", Settings, _build)
