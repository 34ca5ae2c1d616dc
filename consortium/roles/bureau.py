"""The insurance bureau: records premiums, proposes enrolment changes, awards tenders, collects verified bills, pays.

Claims are paid by settlement itself; the bureau pays out what that owes each institution, and for goods received."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, funds, institution
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Opened, Outcome
from consortium.node.parts import RoleMachine
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.bill_steps import step_one, step_through
from consortium.roles.duties import with_duties
from consortium.roles.executed_effects import END
from consortium.roles.line_judge import LineJudge
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.patient_desk import PatientDesk
from consortium.roles.purchaser import Purchaser, TenderAward
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


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
    before it pays them out, 0 = it does not. `verifies`: delivered bills itself, where no patient's agent does."""

    awards: tuple[TenderAward, ...] = ()
    changes: tuple[EnrolmentChange, ...] = ()
    premiums: tuple[Premium, ...] = ()
    disburse_fen: int = 0
    verifies: bool = False


class BureauConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._verified: list[str] = []
        self._delivered: list[str] = []  # to verify, where no patient's agent does
        self._verifies = False
        self._desk = PatientDesk(state)
        self._judge = LineJudge(state, is_first=True)
        self._disburse_fen = 0
        self._owed_fen: dict[str, int] = {}
        self._payouts: dict[str, int] = {}  # how many, by institution
        self._purchaser = Purchaser(state)
        self._unpaid: dict[str, tuple[str, int]] = {}  # payouts not settled, by reference: institution and fen
        self._has_gap = False
        self._since = 0  # the height after which movements are counted, 0 = all

    @property
    def is_done(self) -> bool:
        return self._purchaser.is_done and self._judge.is_done

    def plan(self, work: Work, agenda: Agenda) -> None:
        tasks = work.of(BureauTasks)
        self._disburse_fen, self._verifies = tasks.disburse_fen, tasks.verifies
        self._desk.plan(work)
        self._judge.plan(work)
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
        for event in outcome.receipt.events:
            if event.kind == "bill-verified":
                self._verified.append(text(event, "bill_no"))
            elif event.kind == "bill-delivered" and self._verifies:
                self._delivered.append(text(event, "bill_no"))
            elif event.kind == "movement":
                self._on_movement(event, agenda)
            else:
                self._purchaser.on_event(event, agenda)
                self._desk.on_event(event, agenda)
                self._judge.on_event(event, agenda)
        return ()

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        return self._judge.on_opened(opened, agenda)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        self._unpaid.pop(settled.reference, None)

    def on_gap(self) -> None:
        self._has_gap = True

    def resume(self, height: int, agenda: Agenda) -> None:
        """What is owed is now what the state says, less what is being paid out."""
        for number, bill in list(self.state.range(bills.BILLS, "", END)):
            if bill.stage == bills.VERIFIED:
                step_one(number, "collect", agenda)
            elif bill.stage == bills.DELIVERED and self._verifies:
                step_one(number, "verify", agenda)
        self._purchaser.resume(agenda)
        self._judge.resume(agenda)
        self._desk.resume(agenda)
        self._has_gap, self._since, self._payouts = False, height, {}
        self._owed_fen = {}
        for account, _ in list(self.state.range(funds.ACCOUNTS, "payable/", "payable0")):
            code = account.removeprefix("payable/")
            unpaid_fen = sum(fen for payee, fen in self._unpaid.values() if payee == code)
            self._owe(code, funds.get_balance(self.state, account) - unpaid_fen, agenda)

    def on_block(self, height: int, agenda: Agenda) -> None:
        step_through(self._delivered, "verify", height, agenda)
        step_through(self._verified, "collect", height, agenda)

    def _on_movement(self, event: Event, agenda: Agenda) -> None:
        code = text(event, "target").removeprefix("payable/")
        amount_fen = event.fields.get("amount_fen", 0)
        if not self._disburse_fen or f"payable/{code}" != event.fields.get("target") or not isinstance(amount_fen, int):
            return
        if not self._has_gap:
            self._owe(code, amount_fen, agenda)

    def _owe(self, code: str, amount_fen: int, agenda: Agenda) -> None:
        """Pay an institution out when the funds owe it enough. A reference says all of its payout."""
        owed_fen = self._owed_fen.get(code, 0) + amount_fen
        if self._disburse_fen and owed_fen >= self._disburse_fen:
            count = self._payouts[code] = self._payouts.get(code, 0) + 1
            reference = f"disburse:{code}:{count}"
            if self._since:
                reference += f":{self._since}:{owed_fen}"
            pay = institution.Disburse(code, owed_fen, reference.replace(":", "/", 1))
            self._unpaid[reference] = (code, owed_fen)
            agenda.wish(reference, (("institution", "disburse", pay),))
            owed_fen = 0
        self._owed_fen[code] = owed_fen


def _build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
    return with_duties(Organisation("bureau", settings, work, BureauConduct(state)), work, state, 0)


ROLE = RoleSpec("bureau", Settings, _build)
