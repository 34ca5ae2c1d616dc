"""零星报销: a patient claims on a bill that was paid in cash, and the funds' share is paid out to the person.

The patient says so in its own voice, under the pseudonym of the bill, once the bill is delivered and verified. Only the
bureau can tell whether the settlement pseudonym that is named is the same person's: it settles the claim, or declines
it. A bill is settled once, whoever claims; while the patient's claim waits, its issuer neither claims nor cancels it.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU
from consortium.contracts.checks import check_choice, check_pseudonym, check_reason
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance.claim import Claim, settle
from consortium.contracts.insurance.filings import check_no_word
from consortium.contracts.insurance.institution import get_institution
from consortium.contracts.insurance.payout import PAYOUTS, Payout, payout_account
from consortium.contracts.insurance.policy_pack import OFFSITE
from consortium.contracts.insurance.settlement import are_caps_joint, are_records_read
from consortium.contracts.insurance.waiting_claims import WAITING, Waiting, check_none_waits
from consortium.core.contract import NOT_YOURS, Context, Contract, Event, Operation, Refused, State, StateReader
from consortium.core.spoken import Speech

REASONS = ("person-differs", "lines-differ", "not-paid-in-cash", "claimed-elsewhere")


class ClaimByPatient(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the patient says: pay me the funds' share of this bill, settled under `psn_no`, of the year of its last
    day."""

    bill_no: str
    psn_no: str
    offsite: str = ""


class Settle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bureau's word that the claimant is the person named, and the lines are in order."""

    bill_no: str


class Decline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bureau's refusal, with a code of REASONS."""

    bill_no: str
    reason: str


CLAIM: Speech[ClaimByPatient] = Speech("patient_claim", "claim", ClaimByPatient)


def _claim(state: State, said: ClaimByPatient, pseudonym: str, context: Context) -> list[Event]:
    number = bills.normalise(said.bill_no)
    bill = state.get(bills.BILLS, number)
    if bill is None or bill.patient != pseudonym:
        raise Refused(NOT_YOURS, "the speaker has no such bill")
    check_pseudonym(said.psn_no, "psn_no")
    if are_records_read(state, context):
        check_no_word(said.offsite)
    elif said.offsite:
        check_choice(said.offsite, OFFSITE, "offsite")
    bills.check_reimbursable(bill, number)
    bills.check_verified(bill, number)
    check_none_waits(state, number)
    state.put(WAITING, number, Waiting(said.psn_no, said.offsite, context.day))
    return [Event("patient-claimed", {"bill_no": number, "patient": pseudonym, "psn_no": said.psn_no})]


def _get(state: StateReader, bill_no: str) -> tuple[str, Waiting]:
    """The claim that waits. Refuses `unknown-claim`."""
    number = bills.normalise(bill_no)
    waiting = state.get(WAITING, number)
    if waiting is None:
        raise Refused("unknown-claim", f"no claim of a patient on bill {number} waits")
    return number, waiting


def _settle(state: State, arguments: Settle, context: Context) -> list[Event]:
    """Writes nothing before `settle`, whose refusal of a second sale keeps what was written."""
    number, waiting = _get(state, arguments.bill_no)
    bill = bills.get_bill(state, number)
    bills.check_reimbursable(bill, number)
    institution = get_institution(state, bill.fixmedins_code)
    payee = payout_account(waiting.psn_no)
    offsite = "" if are_records_read(state, context) else waiting.offsite  # of a word from before the rule
    claim = Claim(number, waiting.psn_no, offsite, acct_used_flag=False)
    events: list[Event] = []
    is_joint = are_caps_joint(state, context)
    by_records = are_records_read(state, context)
    key = settle(
        state,
        claim,
        number,
        bill,
        institution,
        context,
        events,
        is_joint=is_joint,
        by_records=by_records,
        payee=payee,
        claimed_on=waiting.day,  # how long the bureau takes is not the patient's to answer for
    )
    state.delete(WAITING, number)
    state.put(PAYOUTS, key, Payout(waiting.psn_no))
    return events


def _decline(state: State, arguments: Decline, context: Context) -> list[Event]:
    check_reason(arguments.reason, REASONS)
    number, _ = _get(state, arguments.bill_no)
    state.delete(WAITING, number)
    return [Event("patient-claim-declined", {"bill_no": number, "reason": arguments.reason})]


CONTRACT = Contract(
    "patient_claim",
    1,
    (
        CLAIM.operation(_claim),
        Operation("settle", Settle, BY_BUREAU, _settle),
        Operation("decline", Decline, BY_BUREAU, _decline),
    ),
)
