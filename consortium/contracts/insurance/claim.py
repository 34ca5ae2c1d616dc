"""A claim on a bill: it is adjudicated with no hands and paid from the right fund."""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_choice, check_digest, check_identifier
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import funds, policy
from consortium.contracts.insurance.accumulators import ACCUMULATORS, Accumulator, accumulate, compute_used
from consortium.contracts.insurance.agreements import check_served
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.bill import INPATIENT, Bill
from consortium.contracts.insurance.drg import compute_drg_payment
from consortium.contracts.insurance.filings import check_no_word, find_offsite
from consortium.contracts.insurance.institution import Institution, check_open, get_institution
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement, entry_event, next_sequence, settlement_key
from consortium.contracts.insurance.lines import Sold
from consortium.contracts.insurance.payable import owe
from consortium.contracts.insurance.policy_pack import OFFSITE, UNFILED, Pack
from consortium.contracts.insurance.premiums import check_premium
from consortium.contracts.insurance.settlement_rules import adjudicate
from consortium.contracts.insurance.terms import judge_terms
from consortium.contracts.insurance.waiting_claims import check_none_waits
from consortium.contracts.medicines import packs, sales, stock
from consortium.core.calendar import compute_day_after, compute_days_between
from consortium.core.contract import Context, Event, Refused, State, StateReader


class Claim(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Settle an issued bill, by the days of service that it states. `psn_no`: the patient's settlement pseudonym of the
    year of the last day. (That it is the bill's patient is the word of its issuer: only the bureau can tell.)
    `commitment`: of the medical record (empty or 32 bytes)."""

    bill_no: str
    psn_no: str
    offsite: str = ""  # "" | unfiled; from version 3 of settlement on always "": records of the ledger tell
    acct_used_flag: bool = True
    drg_group: str = ""  # inpatient only: pay the institution by case
    commitment: bytes = b""


class IssueAndClaim(bills.Issue, frozen=True, gc=False, forbid_unknown_fields=True):
    """Issue a bill and settle it, in one transaction: further fields as of Claim. `patient` is empty: the settlement
    says whose bill it is."""

    psn_no: str
    offsite: str = ""
    acct_used_flag: bool = True
    drg_group: str = ""
    commitment: bytes = b""


def claim(state: State, arguments: Claim, context: Context, *, is_joint: bool, by_records: bool) -> list[Event]:
    """The operation `settlement.claim`. `is_joint`: as of `compute_used`; `by_records`: as of `settle`; its version
    says."""
    number = bills.normalise(arguments.bill_no)
    bill = bills.get_bill(state, number)
    institution = get_institution(state, bill.fixmedins_code)
    bills.check_reimbursable(bill, number)
    bills.check_verified(bill, number)
    check_none_waits(state, number)
    check_open(institution, bill.fixmedins_code, bill.enddate)
    events: list[Event] = []
    settle(state, arguments, number, bill, institution, context, events, is_joint=is_joint, by_records=by_records)
    return events


def issue_and_claim(
    state: State, arguments: IssueAndClaim, context: Context, *, is_joint: bool, by_records: bool
) -> list[Event]:
    """The operation `settlement.issue_and_claim`. `is_joint`: as of `compute_used`; `by_records`: as of `settle`."""
    if arguments.patient:
        raise Refused("bad-identifier", "a bill that is settled as it is issued has no pseudonym of its own")
    number, bill, institution = bills.draft(state, arguments, context)
    events = [bills.issued_event(number, bill)]
    settle(state, arguments, number, bill, institution, context, events, is_joint=is_joint, by_records=by_records)
    return events


def settle(
    state: State,
    claim: Claim | IssueAndClaim,
    number: str,
    bill: Bill,
    institution: Institution,
    context: Context,
    events: list[Event],
    *,
    is_joint: bool,
    by_records: bool,
    payee: str = "",
    claimed_on: int = 0,
) -> str:
    """Adjudicate and pay a claim on a checked bill; the settlement's key. `by_records`: off site, agreement and
    premium by records of the ledger. `payee`: an account other than that of what the funds owe the institution.
    `claimed_on`: the day on which the claim came, where that is not today."""
    offsite = _ask_records(state, claim, bill, by_records=by_records)
    _check_claim(claim, bill)
    psn_no, year = claim.psn_no, bill.enddate // 10_000
    insutype, pack, terms = judge_terms(state, bill, psn_no, offsite, institution)
    _check_in_time(bill, pack, claimed_on or context.day)
    _check_first_sale(state, bill, number, context)
    _sell_packs(state, bill, number)
    account, row_key = f"person/{psn_no}", f"{psn_no}/{year}"
    account_fen = funds.get_spendable(state, account) if claim.acct_used_flag else 0
    row = state.get(ACCUMULATORS, row_key) or Accumulator()
    amounts = adjudicate(bill.sums, terms, compute_used(row, insutype, is_joint=is_joint), pack, account_fen)
    sequence = next_sequence(row, psn_no, year)
    key = settlement_key(psn_no, year, sequence)
    drg_payment_fen = _drg_payment(state, claim.drg_group, bill.enddate, institution, pack, amounts)
    payable_on = compute_day_after(context.day, pack.lines_days) if pack.lines_days and not payee else 0
    settlement = _settled(claim, number, bill, insutype, amounts, drg_payment_fen, row.newest, payable_on, offsite)
    after = accumulate(row, insutype, amounts, is_inpatient=terms.is_inpatient, sign=1)
    state.put(ACCUMULATORS, row_key, msgspec.structs.replace(after, sequence=sequence, newest=sequence))
    state.put(SETTLEMENTS, key, settlement)
    owe(state, settlement, key, payee, account, context, events)
    events.append(entry_event("settled", psn_no, year, sequence, settlement))
    bills.mark_reimbursed(state, number, bill, key)
    return key


def _check_in_time(bill: Bill, pack: Pack, came_on: int) -> None:
    """Refuses `claim-late`, by the pack of the day of discharge."""
    if bill.enddate == came_on:
        return
    days = compute_days_between(bill.enddate, came_on)
    if days > pack.claim_days:
        raise Refused("claim-late", f"{days} days after {bill.enddate}: a claim comes within {pack.claim_days}")


def _ask_records(state: StateReader, claim: Claim | IssueAndClaim, bill: Bill, *, by_records: bool) -> str:
    """Whether care is off site, as of `Terms`. Refuses `no-filing` of a word that costs the funds; where records tell,
    `offsite-is-recorded` of any word, `not-in-agreement`, `premium-unpaid`."""
    if by_records:
        check_no_word(claim.offsite)
        check_served(state, bill.fixmedins_code, bill.enddate, bill.med_type)
        check_premium(state, claim.psn_no, bill.enddate)
        return find_offsite(state, claim.psn_no, bill.fixmedins_code, bill.begndate)
    if claim.offsite:
        check_choice(claim.offsite, OFFSITE, "offsite")
        if claim.offsite != UNFILED:
            raise Refused("no-filing", f"no filing on the ledger bears out {claim.offsite!r}")
    return claim.offsite


def _check_claim(claim: Claim | IssueAndClaim, bill: Bill) -> None:
    if claim.commitment:
        check_digest(claim.commitment, "commitment")
    if claim.drg_group:
        check_identifier(claim.drg_group, "drg_group")
        if bill.med_type != INPATIENT:
            raise Refused("drg-inpatient-only", "only inpatient care is paid by DRG")


def _settled(
    claim: Claim | IssueAndClaim,
    number: str,
    bill: Bill,
    insutype: str,
    amounts: Amounts,
    drg_payment_fen: int,
    previous: int,
    payable_on: int,
    offsite: str,
) -> Settlement:
    """What stands on the ledger of an adjudicated claim."""
    return Settlement(
        bill_no=number,
        fixmedins_code=bill.fixmedins_code,
        insutype=insutype,
        med_type=bill.med_type,
        begndate=bill.begndate,
        enddate=bill.enddate,
        amounts=amounts,
        pool_paid_fen=_pool_share(amounts, drg_payment_fen) if claim.drg_group else amounts.hifp_pay,
        previous=previous,
        offsite=offsite,
        drg_group=claim.drg_group,
        drg_payment_fen=drg_payment_fen,
        commitment=claim.commitment,
        payable_on=payable_on,
    )


def _drg_payment(
    state: StateReader, drg_group: str, day: int, institution: Institution, pack: Pack, amounts: Amounts
) -> int:
    """0 where the case is not paid by its group."""
    if not drg_group:
        return 0
    return compute_drg_payment(
        policy.drg_weight_on(state, drg_group, day),
        pack.drg_base_rate_fen,
        institution.drg_coefficient_bp,
        amounts.medfee_sumamt,
        pack.drg_high_bp,
        pack.drg_low_bp,
    )


def _pool_share(amounts: Amounts, drg_payment_fen: int) -> int:
    """By DRG the institution gets the case's payment in all: the pool bears the difference to the bill, at least 0."""
    return max(0, amounts.hifp_pay + drg_payment_fen - amounts.medfee_sumamt)


def _check_first_sale(state: State, bill: Bill, number: str, context: Context) -> None:
    """Refuses `trace-code-sold` and leaves both parties for the regulator: before anything else is written."""
    sold = tuple((code, each.cnt, each.trdn_flag) for each in bill.sold for code in each.drug_trac_codg)
    if sold:
        sale = packs.Sale(number, 1, 0, packs.holder_of_institution(bill.fixmedins_code), is_claim=True)
        sales.refuse_second_sale(state, sold, sale, context)


def _sell_uncoded(state: State, fixmedins_code: str, sold: Sold) -> None:
    """Packs of before the rule of trace codes, as listed by the bureau."""
    if stock.get_uncoded(state, fixmedins_code, sold.med_list_codg).listed == 0:
        raise Refused("trace-code-missing", f"line {sold.feedetl_sn} is settled with trace codes only")
    stock.use_uncoded(state, packs.holder_of_institution(fixmedins_code), sold.med_list_codg, sold.cnt)


def _sell_packs(state: State, bill: Bill, number: str) -> None:
    """Mark trace codes sold. Refuses `trace-code-missing`: no code, no settlement, save code-free items; and
    `sums-differ` where more lines are by code than the sums count."""
    items = policy.items_on(state, [sold.med_list_codg for sold in bill.sold], bill.enddate)
    coded, seller = 0, packs.holder_of_institution(bill.fixmedins_code)
    for sold, item in zip(bill.sold, items, strict=True):
        coded += item is not None and item.needs_trace_code
        if not sold.drug_trac_codg:
            _sell_uncoded(state, bill.fixmedins_code, sold)
        sale = packs.Sale(number, sold.feedetl_sn, sold.cnt, seller, is_claim=True)
        for code in sold.drug_trac_codg:
            sales.sell_pack(state, code, sold.med_list_codg, seller, sale, is_split=sold.trdn_flag, day=bill.begndate)
    if coded < bill.sums.coded:
        raise Refused("trace-code-missing", f"{bill.sums.coded} lines are settled with trace codes only, not {coded}")
    if coded > bill.sums.coded:
        raise Refused("sums-differ", f"{coded} lines are settled with trace codes only, not {bill.sums.coded}")
