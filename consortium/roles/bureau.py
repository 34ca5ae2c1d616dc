"""The insurance bureau: records premiums, proposes enrolment changes, awards tenders, collects verified bills, pays.

Claims are paid by settlement itself; the bureau pays out what that owes each institution, and for goods received."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.contracts import enrolment, institution
from consortium.contracts import procurement_records as procurement
from consortium.core.contract import Event, StateReader
from consortium.core.machine import Note, Outcome
from consortium.roles.agenda import Agenda
from consortium.roles.organisation import Conduct, Organisation, text
from consortium.roles.patient import step_through
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work


class BureauConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._verified: list[str] = []
        self._disburse_fen = 0
        self._owed_fen: dict[str, int] = {}
        self._payouts: dict[str, int] = {}  # how many, by institution
        self._contracts: set[str] = set()

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._disburse_fen = work.disburse_fen
        for award in work.awards:
            self._contracts.add(award.contract_no)
            tender = procurement.AwardTender(
                contract_no=award.contract_no,
                med_list_codg=award.med_list_codg,
                producer=award.producer,
                supplier=award.supplier,
                price_fen=award.price_fen,
                volume=award.volume,
                from_day=award.from_day,
                to_day=award.to_day,
            )
            agenda.wish(f"award:{award.contract_no}", (("procurement", "award_tender", tender),), award.at_us)
        for change in work.changes:
            proposal = enrolment.ProposeChange(
                change.change_id, change.psn_no, change.periods, change.died_on, change.commitment
            )
            reference = f"change:{change.psn_no}/{change.change_id}"
            agenda.wish(reference, (("enrolment", "propose_change", proposal),), change.at_us)
        for premium in work.premiums:
            record = enrolment.RecordContribution(
                premium.psn_no, premium.month, premium.insutype, premium.pool_fen, premium.account_fen
            )
            reference = f"premium:{premium.psn_no}/{premium.month}"
            agenda.wish(reference, (("enrolment", "record_contribution", record),), premium.at_us)

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        for event in outcome.receipt.events:
            if event.kind == "bill-verified":
                self._verified.append(text(event, "bill_no"))
            elif event.kind == "movement":
                self._on_movement(event, agenda)
            elif event.kind == "order-received":
                self._on_received(event, agenda)
        return ()

    def on_block(self, height: int, agenda: Agenda) -> None:
        step_through(self._verified, "collect", height, agenda)

    def _on_movement(self, event: Event, agenda: Agenda) -> None:
        """Pay an institution out when the funds owe it enough."""
        code = text(event, "target").removeprefix("payable/")
        amount_fen = event.fields.get("amount_fen", 0)
        if not self._disburse_fen or f"payable/{code}" != event.fields.get("target") or not isinstance(amount_fen, int):
            return
        owed_fen = self._owed_fen.get(code, 0) + amount_fen
        if owed_fen >= self._disburse_fen:
            count = self._payouts[code] = self._payouts.get(code, 0) + 1
            reference = f"disburse:{code}:{count}"
            pay = institution.Disburse(code, owed_fen, reference)
            agenda.wish(reference, (("institution", "disburse", pay),))
            owed_fen = 0
        self._owed_fen[code] = owed_fen

    def _on_received(self, event: Event, agenda: Agenda) -> None:
        order_no = text(event, "order_no")
        order = self.state.get(procurement.ORDERS, order_no)
        if order is not None and order.contract_no in self._contracts:
            agenda.wish(f"pay:{order_no}", (("procurement", "pay", procurement.Pay(order_no, "fund")),))


def _build(settings: Settings, work: Work | None, state: StateReader) -> Organisation:
    return Organisation("bureau", settings, work, BureauConduct(state))


ROLE = RoleSpec("bureau", Settings, _build)
