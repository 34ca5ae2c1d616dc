"""What hospital and pharmacy share: issue a bill, and when the ledger has it, deliver it and claim on it."""

from __future__ import annotations

from typing import NamedTuple

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import settlement
from consortium.contracts.insurance.lines import Line, Lines, summarise
from consortium.contracts.insurance.private_lines import LINES
from consortium.core.codec import encode
from consortium.core.contract import Refused, StateReader
from consortium.core.machine import Guard, Outcome
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import typed


class BillToClaim(NamedTuple):
    """Everything that a bill and its claim say; `lines`: the private record of the bill, for the vault. `claim` None:
    the patient paid it in cash."""

    at_us: int
    lines: Guard
    issue: bills.Issue
    claim: settlement.Claim | None


class Service(NamedTuple):
    """What an institution did for a person, with the private lines."""

    fixmedins_code: str
    bill_no: str
    patient: str
    med_type: str
    begndate: int
    enddate: int
    lines: tuple[Line, ...]


def compose_issue(state: StateReader, service: Service, salts: Salts) -> tuple[bills.Issue, Guard]:
    """The bill of a service: the sums of its lines, what it sold, and the commitment; and the lines, which stay with
    the vault."""
    sums, sold = summarise(state, service.lines, service.enddate)
    number = number_of(service.bill_no)
    guard = Guard(f"{LINES}/{number}", encode(Lines(number, service.lines)))
    issue = bills.Issue(
        fixmedins_code=service.fixmedins_code,
        bill_no=service.bill_no,
        patient=service.patient,
        med_type=service.med_type,
        begndate=service.begndate,
        enddate=service.enddate,
        sums=sums,
        sold=sold,
        lines=salts.commit(*guard),
    )
    return issue, guard


class Claimant:
    """Turns bills into two wishes each: "bill:<number>", then "claim:<number>" when the first was executed."""

    def __init__(self) -> None:
        self._claims: dict[str, BillToClaim] = {}  # by the reference of the issue

    def begin(self, bill: BillToClaim, agenda: Agenda) -> None:
        reference = f"bill:{bill.issue.bill_no}"
        self._claims[reference] = bill
        agenda.guard(bill.lines)
        agenda.wish(reference, (("bill", "issue", bill.issue),), bill.at_us)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        """A bill that was refused is not claimed: the receipt says why."""
        bill = self._claims.get(settled.reference)
        if bill is None or not settled.outcome.receipt.is_ok:
            return
        deliver = ("bill", "deliver", bills.Step(bill.issue.bill_no))
        claim = () if bill.claim is None else (("settlement", "claim", bill.claim),)
        agenda.wish(f"claim:{bill.issue.bill_no}", (deliver, *claim))


def decided_bill(outcome: Outcome) -> str:
    """The normalised number of the bill that a claim decided on, "" for other transactions."""
    if (outcome.contract, outcome.operation) != ("settlement", "claim"):
        return ""
    claim = typed(outcome, settlement.Claim)
    return "" if claim is None else number_of(claim.bill_no)


def number_of(bill_no: str) -> str:
    """The normalised number, "" where there is none."""
    try:
        return bills.normalise(bill_no)
    except Refused:
        return ""
