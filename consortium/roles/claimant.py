"""What hospital and pharmacy share: issue a bill, deliver it, and claim on it when somebody else has verified it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import settlement
from consortium.contracts.insurance.lines import Line, Lines, summarise
from consortium.contracts.insurance.private_lines import LINES
from consortium.core.codec import encode
from consortium.core.contract import Event, Refused, StateReader
from consortium.core.machine import Guard, Outcome
from consortium.core.vault import Salts
from consortium.roles.agenda import Agenda, Settled
from consortium.roles.organisation import text, typed


class BillToClaim(NamedTuple):
    """Everything that a bill and its claim say; `lines`: the private record of the bill, for the vault. `claim` None:
    the patient paid it in cash."""

    at_us: int
    lines: Guard
    issue: bills.Issue
    claim: settlement.Claim | None


class Service(NamedTuple):
    """What an institution did for a person, with the private lines. `padding_fen`: see `Visit`."""

    fixmedins_code: str
    bill_no: str
    patient: str
    med_type: str
    begndate: int
    enddate: int
    lines: tuple[Line, ...]
    padding_fen: int = 0


def compose_issue(state: StateReader, service: Service, salts: Salts) -> tuple[bills.Issue, Guard]:
    """The bill of a service: the sums of its lines, what it sold, and the commitment; and the lines, which stay with
    the vault."""
    sums, sold = summarise(state, service.lines, service.enddate)
    if service.padding_fen:
        more = service.padding_fen
        sums = replace(sums, medfee_sumamt=sums.medfee_sumamt + more, inscp_amt=sums.inscp_amt + more)
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


def commit_record(salts: Salts, bill_no: str, record: bytes) -> bytes:
    """The commitment of a claim to the record behind it, which stays with the claimant; empty where there is none."""
    return salts.commit(f"visit/{number_of(bill_no)}", record) if record else b""


class Claimant:
    """Turns each bill into three wishes, one after the other: "bill:<number>", "deliver:<number>", and "claim:<number>"
    once somebody else has verified it."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._bills: dict[str, BillToClaim] = {}  # not verified yet, by normalised number
        self._wished: dict[str, str] = {}  # the number that a wish is about, by its reference

    @property
    def is_done(self) -> bool:
        """Whether it waits for nobody's verification."""
        return not self._bills

    def begin(self, bill: BillToClaim, agenda: Agenda) -> None:
        number = number_of(bill.issue.bill_no)
        self._bills[number] = bill
        self._wished[f"bill:{bill.issue.bill_no}"] = self._wished[f"deliver:{bill.issue.bill_no}"] = number
        agenda.guard(bill.lines)
        agenda.wish(f"bill:{bill.issue.bill_no}", (("bill", "issue", bill.issue),), bill.at_us)

    def on_settled(self, settled: Settled, agenda: Agenda) -> None:
        """A bill that was refused is neither delivered nor claimed: the receipt says why."""
        number = self._wished.get(settled.reference, "")
        bill = self._bills.get(number)
        if bill is None:
            return
        if not settled.outcome.receipt.is_ok:
            del self._bills[number]
        elif settled.reference.startswith("bill:"):
            deliver = ("bill", "deliver", bills.Step(bill.issue.bill_no))
            agenda.wish(f"deliver:{bill.issue.bill_no}", (deliver,))
        else:
            self._claim_if_verified(number, agenda)  # where its verification was told before: after a gap

    def on_event(self, event: Event, agenda: Agenda) -> None:
        if event.kind == "bill-verified":
            self._claim(text(event, "bill_no"), agenda)

    def resume(self, agenda: Agenda) -> None:
        for number in list(self._bills):
            self._claim_if_verified(number, agenda)

    def _claim_if_verified(self, number: str, agenda: Agenda) -> None:
        bill = self._state.get(bills.BILLS, number)
        if bill is not None and bill.stage in (bills.VERIFIED, bills.COLLECTED):
            self._claim(number, agenda)

    def _claim(self, number: str, agenda: Agenda) -> None:
        bill = self._bills.pop(number, None)
        if bill is not None and bill.claim is not None:
            agenda.wish(f"claim:{bill.issue.bill_no}", (("settlement", "claim", bill.claim),))


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
