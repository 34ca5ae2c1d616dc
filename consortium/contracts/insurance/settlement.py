"""Settlement 费用结算: adjudicate a bill with no hands, pay it from the right fund, reverse strictly
last-in-first-out.

The journal of a person-year is append-only: settlements and reversals under "psn_no/YYYY/sequence". A reversal
negates the stored amounts and restores accumulators, funds, bill and trace codes. The order of claims changes
money; the invariants `medfee_sumamt` = `fund_pay_sumamt` + `psn_pay` and `psn_pay` = `acct_pay` + `cash_payamt`
hold in any order. Coverage is asked on the first and last day of service; policy, scheme and year are those of
the last day.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.checks import (
    BUREAU,
    HOSPITAL,
    PHARMACY,
    check_choice,
    check_day,
    check_digest,
    check_identifier,
    check_range,
    check_text,
)
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, funds, policy
from consortium.contracts.insurance.bill import Bill, Line
from consortium.contracts.insurance.drg import compute_drg_payment
from consortium.contracts.insurance.institution import Institution, check_acts_for, check_open, get_institution
from consortium.contracts.insurance.policy_pack import OFFSITE, Pack
from consortium.contracts.insurance.settlement_rules import (
    INPATIENT,
    MED_TYPES,
    Accumulator,
    Amounts,
    Terms,
    accumulate,
    adjudicate,
    compute_scope,
    negate,
)
from consortium.contracts.medicines import trace_code
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State, StateReader, Table

SEQUENCE_MAX = 999_999


class Settlement(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An entry of a person-year's journal, keyed "psn_no/YYYY/sequence" (six digits). A reversal has all amounts
    negated and `reverses` set. `pool_paid_fen`: what the pool paid, `hifp_pay` or the DRG payment's share."""

    bill_no: str
    fixmedins_code: str
    insutype: str
    med_type: str
    begndate: int
    enddate: int
    amounts: Amounts
    pool_paid_fen: int
    previous: int = 0  # sequence of the settlement below it on the stack
    reverses: int = 0  # sequence of the settlement that this entry reverses
    offsite: str = ""
    drg_group: str = ""
    drg_payment_fen: int = 0
    commitment: bytes = b""


SETTLEMENTS: Table[Settlement] = Table("settlement", Settlement)
ACCUMULATORS: Table[Accumulator] = Table("accumulator", Accumulator)


class Claim(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Settle an issued bill. `commitment`: salted hash of the medical record (empty or 32 bytes)."""

    bill_no: str
    psn_no: str
    fixmedins_code: str
    med_type: str  # inpatient | outpatient
    begndate: int  # YYYYMMDD
    enddate: int
    offsite: str = ""  # "" | filed | referral | unfiled
    acct_used_flag: bool = True
    drg_group: str = ""  # inpatient only: pay the institution by case
    commitment: bytes = b""


class IssueAndClaim(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Issue a bill on `enddate` and settle it, in one transaction: fields as of bill.Issue and Claim."""

    bill_no: str
    psn_no: str
    fixmedins_code: str
    med_type: str
    begndate: int
    enddate: int
    lines: tuple[Line, ...]
    offsite: str = ""
    acct_used_flag: bool = True
    drg_group: str = ""
    commitment: bytes = b""


class Reverse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Undo the newest settlement of a person-year."""

    psn_no: str
    year: int
    sequence: int
    reason: str


class CloseYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the books of all years up to `year`: they take no more settlements nor reversals."""

    year: int


def settlement_key(psn_no: str, year: int, sequence: int) -> str:
    return f"{psn_no}/{year}/{sequence:06d}"


def get_accumulator(state: StateReader, psn_no: str, year: int) -> Accumulator:
    return state.get(ACCUMULATORS, f"{psn_no}/{year}") or Accumulator()


def _check_claim(claim: Claim | IssueAndClaim) -> None:
    check_choice(claim.med_type, MED_TYPES, "med_type")
    if claim.offsite:
        check_choice(claim.offsite, OFFSITE, "offsite")
    check_day(claim.begndate, "begndate")
    if claim.enddate != claim.begndate:
        check_day(claim.enddate, "enddate")
        if claim.enddate < claim.begndate:
            raise Refused("bad-date", f"the service ends on {claim.enddate}, before it begins on {claim.begndate}")
    if claim.commitment:
        check_digest(claim.commitment, "commitment")
    if claim.drg_group:
        check_identifier(claim.drg_group, "drg_group")
        if claim.med_type != INPATIENT:
            raise Refused("drg-inpatient-only", "only inpatient care is paid by DRG")


def _claim(state: State, arguments: Claim, context: Context) -> list[Event]:
    _check_claim(arguments)
    number = bills.normalise(arguments.bill_no)
    institution = get_institution(state, arguments.fixmedins_code)
    check_acts_for(institution, arguments.fixmedins_code, context)
    check_open(institution, arguments.fixmedins_code, arguments.enddate)
    bill = bills.get_bill(state, number)
    if bill.fixmedins_code != arguments.fixmedins_code:
        raise Refused("bill-of-another", f"bill {number} was issued by {bill.fixmedins_code}")
    bills.check_reimbursable(bill, number)
    if bill.psn_no != arguments.psn_no:
        raise Refused("bill-of-another", f"bill {number} is not a bill of {arguments.psn_no}")
    events: list[Event] = []
    key = _settle(state, arguments, number, bill, institution, events)
    bills.mark_reimbursed(state, number, bill, key)
    return events


def _issue_and_claim(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    _check_claim(arguments)
    number, bill, institution = bills.draft(
        state,
        arguments.fixmedins_code,
        arguments.bill_no,
        arguments.psn_no,
        arguments.enddate,
        arguments.lines,
        context,
    )
    events = [bills.issued_event(number, bill)]
    key = _settle(state, arguments, number, bill, institution, events)
    bills.mark_reimbursed(state, number, bill, key)
    return events


def _settle(
    state: State,
    claim: Claim | IssueAndClaim,
    number: str,
    bill: Bill,
    institution: Institution,
    events: list[Event],
) -> str:
    """Adjudicate and pay a checked claim; returns the settlement's key."""
    psn_no, day = claim.psn_no, claim.enddate
    year = day // 10_000
    insutype, pack, terms = _terms(state, claim, institution)
    items = policy.items_on(state, [line.med_list_codg for line in bill.lines], day)
    _sell_packs(state, bill.lines, items, number, claim.fixmedins_code)
    scope = compute_scope([(line.cnt, line.pric, item) for line, item in zip(bill.lines, items, strict=True)])
    account = f"person/{psn_no}"
    account_fen = funds.get_balance(state, account) if claim.acct_used_flag else 0
    accumulator_key = f"{psn_no}/{year}"
    used = state.get(ACCUMULATORS, accumulator_key) or Accumulator()
    amounts = adjudicate(scope, terms, used, pack, account_fen)

    sequence = used.sequence + 1
    if sequence > SEQUENCE_MAX:
        raise Refused("too-many-settlements", f"{psn_no} has {SEQUENCE_MAX} entries in {year}")
    key = settlement_key(psn_no, year, sequence)
    drg_payment_fen = _drg_payment(state, claim, institution, pack, amounts) if claim.drg_group else 0
    settlement = _settled(claim, number, insutype, amounts, drg_payment_fen, used.newest)
    after = accumulate(used, amounts, is_inpatient=terms.is_inpatient, sign=1)
    state.put(ACCUMULATORS, accumulator_key, msgspec.structs.replace(after, sequence=sequence, newest=sequence))
    state.put(SETTLEMENTS, key, settlement)
    payable = f"payable/{claim.fixmedins_code}"
    payments = [(source, payable, fen) for source, fen in _sources(settlement, account) if fen]
    funds.move_all(state, payments, f"settlement/{key}", events)
    events.append(_event("settled", psn_no, year, sequence, settlement))
    return key


def _terms(state: State, claim: Claim | IssueAndClaim, institution: Institution) -> tuple[str, Pack, Terms]:
    """Under which insurance, pack of rules and terms the claim is adjudicated; refuses what is under none."""
    psn_no, day = claim.psn_no, claim.enddate
    calendar = policy.get_calendar(state)
    if day // 10_000 <= calendar.closed_through:
        raise Refused("year-closed", f"the books are closed through {calendar.closed_through}")
    person = enrolment.get_person(state, psn_no)
    period = enrolment.cover(person, psn_no, day)
    if claim.begndate != day:
        enrolment.cover(person, psn_no, claim.begndate)
    pack = policy.pack_of(state, calendar, day)
    scheme = pack.employee if period.insutype == enrolment.EMPLOYEE else pack.resident
    is_inpatient = claim.med_type == INPATIENT
    if is_inpatient and institution.kind != HOSPITAL:
        raise Refused("not-a-hospital", f"{claim.fixmedins_code} is a {institution.kind}: it has no inpatients")
    terms = Terms(scheme, is_inpatient, institution.level, period.retired, period.assisted, claim.offsite)
    return period.insutype, pack, terms


def _settled(
    claim: Claim | IssueAndClaim, number: str, insutype: str, amounts: Amounts, drg_payment_fen: int, previous: int
) -> Settlement:
    """What stands on the ledger of an adjudicated claim."""
    return Settlement(
        bill_no=number,
        fixmedins_code=claim.fixmedins_code,
        insutype=insutype,
        med_type=claim.med_type,
        begndate=claim.begndate,
        enddate=claim.enddate,
        amounts=amounts,
        pool_paid_fen=_pool_share(amounts, drg_payment_fen) if claim.drg_group else amounts.hifp_pay,
        previous=previous,
        offsite=claim.offsite,
        drg_group=claim.drg_group,
        drg_payment_fen=drg_payment_fen,
        commitment=claim.commitment,
    )


def _sources(settlement: Settlement, account: str) -> list[tuple[str, int]]:
    """Which account pays the institution how much. Cash changes hands off the ledger."""
    amounts = settlement.amounts
    return [
        (enrolment.POOLS[settlement.insutype], settlement.pool_paid_fen),
        (funds.LARGE_AMOUNT, amounts.hifob_pay),
        (funds.SERIOUS_ILLNESS, amounts.hifmi_pay),
        (funds.MEDICAL_AID, amounts.maf_pay),
        (account, amounts.acct_pay),
    ]


def _drg_payment(
    state: StateReader, claim: Claim | IssueAndClaim, institution: Institution, pack: Pack, amounts: Amounts
) -> int:
    group = state.get(policy.DRG_GROUPS, claim.drg_group)
    if group is None:
        raise Refused("unknown-drg-group", f"there is no DRG group {claim.drg_group}")
    return compute_drg_payment(
        group.weight_bp,
        pack.drg_base_rate_fen,
        institution.drg_coefficient_bp,
        amounts.medfee_sumamt,
        pack.drg_high_bp,
        pack.drg_low_bp,
    )


def _pool_share(amounts: Amounts, drg_payment_fen: int) -> int:
    """By DRG the institution gets the case's payment in all: the pool bears the difference to the bill, at least 0."""
    return max(0, amounts.hifp_pay + drg_payment_fen - amounts.medfee_sumamt)


def _sell_packs(
    state: State,
    lines: tuple[Line, ...],
    items: Sequence[policy.ItemVersion | None],
    number: str,
    fixmedins_code: str,
) -> None:
    """Mark trace codes sold. Refuses `trace-code-missing`: no code, no settlement, save code-free items."""
    for position, (line, item) in enumerate(zip(lines, items, strict=True), 1):
        if line.drug_trac_codg:
            seller = trace_code.holder_of_institution(fixmedins_code)
            sale = trace_code.Sale(number, position, line.cnt, seller, is_claim=True)
            for code in line.drug_trac_codg:
                trace_code.sell_pack(state, code, line.med_list_codg, seller, sale, is_split=line.trdn_flag)
        elif item is not None and item.kind == "drug" and not item.code_free:
            raise Refused(
                "trace-code-missing", f"{line.med_list_codg} on line {position} is settled with trace codes only"
            )


def _reverse(state: State, arguments: Reverse, context: Context) -> list[Event]:
    psn_no, year, sequence = arguments.psn_no, arguments.year, arguments.sequence
    check_identifier(psn_no, "psn_no")
    check_range(year, 1900, 2999, "year")
    check_range(sequence, 1, SEQUENCE_MAX, "sequence")
    check_text(arguments.reason, "reason")
    if year <= policy.get_calendar(state).closed_through:
        raise Refused("year-closed", f"the books of {year} are closed")
    used = get_accumulator(state, psn_no, year)
    settlement = state.get(SETTLEMENTS, settlement_key(psn_no, year, sequence))
    if settlement is None or settlement.reverses:
        raise Refused("unknown-settlement", f"{psn_no} has no settlement {sequence} in {year}")
    if context.role != BUREAU:
        institution = get_institution(state, settlement.fixmedins_code)
        check_acts_for(institution, settlement.fixmedins_code, context)
    if sequence != used.newest:
        raise Refused("not-newest", f"only the newest settlement, {used.newest}, of {psn_no} in {year} can be reversed")
    entry = used.sequence + 1
    if entry > SEQUENCE_MAX:
        raise Refused("too-many-settlements", f"{psn_no} has {SEQUENCE_MAX} entries in {year}")

    amounts = settlement.amounts
    reversal = msgspec.structs.replace(
        settlement,
        amounts=negate(amounts),
        pool_paid_fen=-settlement.pool_paid_fen,
        drg_payment_fen=-settlement.drg_payment_fen,
        previous=0,
        reverses=sequence,
    )
    before = accumulate(used, amounts, is_inpatient=settlement.med_type == INPATIENT, sign=-1)
    restored = msgspec.structs.replace(before, sequence=entry, newest=settlement.previous)
    state.put(ACCUMULATORS, f"{psn_no}/{year}", restored)
    state.put(SETTLEMENTS, settlement_key(psn_no, year, entry), reversal)

    events: list[Event] = []
    payable = f"payable/{settlement.fixmedins_code}"
    refunds = [(payable, target, fen) for target, fen in _sources(settlement, f"person/{psn_no}") if fen]
    funds.move_all(state, refunds, f"reversal/{settlement_key(psn_no, year, entry)}", events)
    bill = bills.get_bill(state, settlement.bill_no)
    for line in bill.lines:
        for code in line.drug_trac_codg:
            trace_code.return_pack(state, code, settlement.bill_no, is_claim=True)
    bills.mark_reimbursed(state, settlement.bill_no, bill, "")
    events.append(_event("settlement-reversed", psn_no, year, entry, reversal))
    return events


def _event(kind: str, psn_no: str, year: int, sequence: int, settlement: Settlement) -> Event:
    amounts = settlement.amounts
    return Event(
        kind,
        {
            "psn_no": psn_no,
            "year": year,
            "sequence": sequence,
            "bill_no": settlement.bill_no,
            "fixmedins_code": settlement.fixmedins_code,
            "medfee_sumamt": amounts.medfee_sumamt,
            "fund_pay_sumamt": amounts.fund_pay_sumamt,
            "psn_pay": amounts.psn_pay,
            "acct_pay": amounts.acct_pay,
            "cash_payamt": amounts.cash_payamt,
        },
    )


def _close_year(state: State, arguments: CloseYear, context: Context) -> list[Event]:
    check_range(arguments.year, 1900, 2999, "year")
    calendar = policy.get_calendar(state)
    if arguments.year <= calendar.closed_through:
        raise Refused("year-closed", f"the books are closed through {calendar.closed_through}")
    policy.put_calendar(state, policy.Calendar(calendar.pack_days, arguments.year))
    return [Event("year-closed", {"year": arguments.year})]


_CLAIMANTS = frozenset((HOSPITAL, PHARMACY))

CONTRACT = Contract(
    "settlement",
    1,
    (
        Operation("claim", Claim, _CLAIMANTS, _claim),
        Operation("issue_and_claim", IssueAndClaim, _CLAIMANTS, _issue_and_claim),
        Operation("reverse", Reverse, _CLAIMANTS | {BUREAU}, _reverse),
        Operation("close_year", CloseYear, frozenset((BUREAU,)), _close_year),
    ),
)
