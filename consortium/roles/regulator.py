"""The regulator: endorses enrolment changes that others propose, and that the rest of a year's personal accounts leaves
the ledger; follows every receipt and notes what it finds.

A finding names the records, the rule and the amount (docs/domain.md). The ledger refused these already; the regulator
tells who tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, fund_transfer, funds, settlement
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.sales import SECOND_SALES
from consortium.core.contract import NOT_YOURS, StateReader
from consortium.core.machine import Note, Opened, Outcome
from consortium.node.parts import RoleMachine
from consortium.roles.agenda import Agenda
from consortium.roles.claimant import number_of
from consortium.roles.duties import with_duties
from consortium.roles.executed_effects import END
from consortium.roles.line_judge import LineJudge
from consortium.roles.organisation import Conduct, Organisation, text, typed
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

RULES = {  # refusal code of a claim → the rule that it breaks
    "bill-reimbursed": "duplicate-bill",
    NOT_YOURS: "duplicate-bill",  # of a bill that somebody else issued
    "trace-code-sold": "reused-trace-code",
    "coverage-lapsed": "claim-after-lapse",
    "person-dead": "claim-after-death",
    "not-enrolled": "claim-without-cover",
}


ISSUE_RULES = {"bill-exists": "duplicate-bill", "future-day": "service-not-rendered"}  # the same, of a bill


class RegulatorConduct(Conduct):
    def __init__(self, state: StateReader) -> None:
        super().__init__(state)
        self._member = ""
        self._judge = LineJudge(state, is_first=False)
        self._watched: dict[tuple[str, str], Callable[[Outcome], Sequence[Note]]] = {
            ("settlement", "claim"): self._on_claim,
            ("settlement", "issue_and_claim"): self._on_issue_and_claim,
            ("bill", "issue"): self._on_issue,
            ("trace_code", "sell"): self._on_sell,
        }

    def plan(self, work: Work, agenda: Agenda) -> None:
        self._member = work.member
        self._judge.plan(work)

    @property
    def is_done(self) -> bool:
        return self._judge.is_done

    def on_outcome(self, outcome: Outcome, agenda: Agenda) -> Sequence[Note]:
        if outcome.receipt.is_ok:
            for event in outcome.receipt.events:
                if event.kind == "change-proposed" and event.fields.get("proposer") != self._member:
                    _endorse(text(event, "psn_no"), text(event, "change_id"), agenda)
                elif event.kind == "transfer-proposed":
                    self._endorse_rest(text(event, "transfer_id"), agenda)
                self._judge.on_event(event, agenda)
            return ()
        watch = self._watched.get((outcome.contract, outcome.operation))
        return () if watch is None else watch(outcome)

    def resume(self, height: int, agenda: Agenda) -> None:
        """What was refused in blocks that are missing here is not found here: other members' traces have it."""
        for key, change in list(self.state.range(enrolment.CHANGES, "", END)):
            if change.proposer != self._member:
                psn_no, _, change_id = key.partition("/")
                _endorse(psn_no, change_id, agenda)
        for transfer_id, _ in list(self.state.range(fund_transfer.TRANSFERS, "", END)):
            self._endorse_rest(transfer_id, agenda)
        self._judge.resume(agenda)

    def _endorse_rest(self, transfer_id: str, agenda: Agenda) -> None:
        """What is left of a year, and all of it. Transfers from fund to fund are for people to judge."""
        transfer = self.state.get(fund_transfer.TRANSFERS, transfer_id)
        if transfer is None or transfer.stage != fund_transfer.PROPOSED or transfer.member == self._member:
            return
        is_rest = fund_transfer.is_of_rest(transfer.source, transfer.target)
        if is_rest and funds.get_balance(self.state, transfer.source) == transfer.amount_fen:
            endorse = fund_transfer.OfTransfer(transfer_id)
            agenda.wish(f"endorse-rest:{transfer_id}", (("fund_transfer", "endorse", endorse),))

    def on_opened(self, opened: Opened, agenda: Agenda) -> Sequence[Note]:
        return self._judge.on_opened(opened, agenda)

    def on_unheard(self, first: int, last: int) -> Sequence[Note]:
        """So that nobody takes the absence of findings there for their absence."""
        return (Note("unheard", {"from_height": first, "to_height": last}),)

    def _on_claim(self, outcome: Outcome) -> Sequence[Note]:
        claim = typed(outcome, settlement.Claim)
        rule = RULES.get(outcome.receipt.code)
        if claim is None or rule is None:
            return ()
        number = number_of(claim.bill_no)
        bill = self.state.get(bills.BILLS, number)
        if bill is None:
            return ()
        codes = [code for sold in bill.sold for code in sold.drug_trac_codg]
        records = [f"bill {number}", f"claimed by {outcome.member}, issued by {bill.fixmedins_code}"]
        if rule == "reused-trace-code":
            records.append(f"trace codes {' '.join(codes)}")
        return (_finding(rule, records, bill.sums.medfee_sumamt),)

    def _on_issue_and_claim(self, outcome: Outcome) -> Sequence[Note]:
        claim = typed(outcome, settlement.IssueAndClaim)
        rule = ISSUE_RULES.get(outcome.receipt.code) or RULES.get(outcome.receipt.code)
        if claim is None or rule is None:
            return ()
        records = [f"bill {number_of(claim.bill_no)}", f"claimed by {outcome.member} for {claim.fixmedins_code}"]
        return (_finding(rule, records, claim.sums.medfee_sumamt),)

    def _on_issue(self, outcome: Outcome) -> Sequence[Note]:
        issue = typed(outcome, bills.Issue)
        rule = ISSUE_RULES.get(outcome.receipt.code)
        if issue is None or rule is None:
            return ()
        word = "issued again" if rule == "duplicate-bill" else "issued"
        records = [f"bill {number_of(issue.bill_no)}", f"{word} by {outcome.member}"]
        return (_finding(rule, records, issue.sums.medfee_sumamt),)

    def _on_sell(self, outcome: Outcome) -> Sequence[Note]:
        """A pack that was sold before, at a counter where no insurance pays."""
        sell = typed(outcome, trace_code.Sell)
        if sell is None or outcome.receipt.code != "trace-code-sold":
            return ()
        known = self.state.get(SECOND_SALES, sell.drug_trac_codg)
        records = [
            f"pack {sell.drug_trac_codg}",
            f"sold by {outcome.member} for {sell.fixmedins_code} on {sell.bill_no}",
        ]
        if known is not None:
            records.append(f"sold before by {known.first.seller} on {known.first.bill_no}")
        return (_finding("reused-trace-code", records, 0),)


def _endorse(psn_no: str, change_id: str, agenda: Agenda) -> None:
    decide = enrolment.DecideChange(change_id, psn_no)
    agenda.wish(f"endorse:{psn_no}/{change_id}", (("enrolment", "endorse_change", decide),))


def _finding(rule: str, records: Sequence[str], amount_fen: int) -> Note:
    return Note("finding", {"rule": rule, "records": "; ".join(records), "amount_fen": amount_fen})


def _build(settings: Settings, work: Work | None, state: StateReader) -> RoleMachine:
    return with_duties(Organisation("regulator", settings, work, RegulatorConduct(state)), work, state, 1)


ROLE = RoleSpec("regulator", Settings, _build)
