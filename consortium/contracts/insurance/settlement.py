"""Settlement 费用结算: adjudicate a bill with no hands, pay it from the right fund, reverse strictly
last-in-first-out.

The journal of a person-year is append-only: settlements and reversals under "psn_no/YYYY/sequence". A reversal
negates the stored amounts and restores accumulators, funds, bill and trace codes. The order of claims changes
money; the invariants `medfee_sumamt` = `fund_pay_sumamt` + `psn_pay` and `psn_pay` = `acct_pay` + `cash_payamt`
hold in any order. Coverage is asked on the first and last day of service; policy, scheme and year are those of
the last day.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_BUREAU, BY_PROVIDERS, HOSPITAL, NOBODY
from consortium.contracts.checks import (
    check_choice,
    check_digest,
    check_identifier,
    check_range,
    check_text,
)
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, funds, policy
from consortium.contracts.insurance.bill import INPATIENT, Bill
from consortium.contracts.insurance.drg import compute_drg_payment
from consortium.contracts.insurance.institution import (
    OF_INSTITUTION,
    Institution,
    check_open,
    find_acting,
    get_institution,
)
from consortium.contracts.insurance.policy_pack import OFFSITE, Pack
from consortium.contracts.insurance.settlement_rules import (
    Accumulator,
    Amounts,
    Terms,
    accumulate,
    adjudicate,
    negate,
)
from consortium.contracts.medicines import trace_code
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State, StateReader, Table, Whose

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
    """Settle an issued bill, by the days of service that it states. `commitment`: of the medical record (empty or 32
    bytes)."""

    bill_no: str
    psn_no: str
    offsite: str = ""  # "" | filed | referral | unfiled
    acct_used_flag: bool = True
    drg_group: str = ""  # inpatient only: pay the institution by case
    commitment: bytes = b""


class IssueAndClaim(bills.Issue, frozen=True, gc=False, forbid_unknown_fields=True):
    """Issue a bill and settle it, in one transaction: further fields as of Claim."""

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


def _check_claim(claim: Claim | IssueAndClaim, med_type: str) -> None:
    if claim.offsite:
        check_choice(claim.offsite, OFFSITE, "offsite")
    if claim.commitment:
        check_digest(claim.commitment, "commitment")
    if claim.drg_group:
        check_identifier(claim.drg_group, "drg_group")
        if med_type != INPATIENT:
            raise Refused("drg-inpatient-only", "only inpatient care is paid by DRG")


def _claim(state: State, arguments: Claim, context: Context) -> list[Event]:
    number = bills.normalise(arguments.bill_no)
    bill = bills.get_bill(state, number)
    institution = get_institution(state, bill.fixmedins_code)
    bills.check_reimbursable(bill, number)
    if bill.psn_no != arguments.psn_no:
        raise Refused("bill-of-another", f"bill {number} is not a bill of {arguments.psn_no}")
    check_open(institution, bill.fixmedins_code, bill.enddate)
    _check_claim(arguments, bill.med_type)
    events: list[Event] = []
    key = _settle(state, arguments, number, bill, institution, events)
    bills.mark_reimbursed(state, number, bill, key)
    return events


def _issue_and_claim(state: State, arguments: IssueAndClaim, context: Context) -> list[Event]:
    number, bill, institution = bills.draft(state, arguments, context)
    _check_claim(arguments, bill.med_type)
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
    psn_no, year = claim.psn_no, bill.enddate // 10_000
    insutype, pack, terms = _terms(state, claim, bill, institution)
    _sell_packs(state, bill, number)
    account = f"person/{psn_no}"
    account_fen = funds.get_balance(state, account) if claim.acct_used_flag else 0
    accumulator_key = f"{psn_no}/{year}"
    used = state.get(ACCUMULATORS, accumulator_key) or Accumulator()
    amounts = adjudicate(bill.sums, terms, used, pack, account_fen)

    sequence = used.sequence + 1
    if sequence > SEQUENCE_MAX:
        raise Refused("too-many-settlements", f"{psn_no} has {SEQUENCE_MAX} entries in {year}")
    key = settlement_key(psn_no, year, sequence)
    drg_payment_fen = _drg_payment(state, claim, institution, pack, amounts) if claim.drg_group else 0
    settlement = _settled(claim, number, bill, insutype, amounts, drg_payment_fen, used.newest)
    after = accumulate(used, amounts, is_inpatient=terms.is_inpatient, sign=1)
    state.put(ACCUMULATORS, accumulator_key, msgspec.structs.replace(after, sequence=sequence, newest=sequence))
    state.put(SETTLEMENTS, key, settlement)
    payable = f"payable/{bill.fixmedins_code}"
    payments = [(source, payable, fen) for source, fen in _sources(settlement, account) if fen]
    funds.move_all(state, payments, f"settlement/{key}", events)
    events.append(_event("settled", psn_no, year, sequence, settlement))
    return key


def _terms(state: State, claim: Claim | IssueAndClaim, bill: Bill, institution: Institution) -> tuple[str, Pack, Terms]:
    """Under which insurance, pack of rules and terms the claim is adjudicated; refuses what is under none."""
    psn_no, day = claim.psn_no, bill.enddate
    calendar = policy.get_calendar(state)
    if day // 10_000 <= calendar.closed_through:
        raise Refused("year-closed", f"the books are closed through {calendar.closed_through}")
    person = enrolment.get_person(state, psn_no)
    period = enrolment.cover(person, psn_no, day)
    if bill.begndate != day:
        enrolment.cover(person, psn_no, bill.begndate)
    pack = policy.pack_of(state, calendar, day)
    scheme = pack.employee if period.insutype == enrolment.EMPLOYEE else pack.resident
    is_inpatient = bill.med_type == INPATIENT
    if is_inpatient and institution.kind != HOSPITAL:
        raise Refused("not-a-hospital", f"{bill.fixmedins_code} is a {institution.kind}: it has no inpatients")
    terms = Terms(scheme, is_inpatient, institution.level, period.retired, period.assisted, claim.offsite)
    return period.insutype, pack, terms


def _settled(
    claim: Claim | IssueAndClaim,
    number: str,
    bill: Bill,
    insutype: str,
    amounts: Amounts,
    drg_payment_fen: int,
    previous: int,
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


def _sell_packs(state: State, bill: Bill, number: str) -> None:
    """Mark trace codes sold. Refuses `trace-code-missing`: no code, no settlement, save code-free items; and
    `sums-differ` where more lines are by code than the sums count."""
    items = policy.items_on(state, [sold.med_list_codg for sold in bill.sold], bill.enddate)
    coded = 0
    for sold, item in zip(bill.sold, items, strict=True):
        coded += item is not None and item.needs_trace_code
        if not sold.drug_trac_codg:
            raise Refused("trace-code-missing", f"line {sold.feedetl_sn} is settled with trace codes only")
        seller = trace_code.holder_of_institution(bill.fixmedins_code)
        sale = trace_code.Sale(number, sold.feedetl_sn, sold.cnt, seller, is_claim=True)
        for code in sold.drug_trac_codg:
            trace_code.sell_pack(state, code, sold.med_list_codg, seller, sale, is_split=sold.trdn_flag)
    if coded < bill.sums.coded:
        raise Refused("trace-code-missing", f"{bill.sums.coded} lines are settled with trace codes only, not {coded}")
    if coded > bill.sums.coded:
        raise Refused("sums-differ", f"{coded} lines are settled with trace codes only, not {bill.sums.coded}")


def _find_claimant(state: StateReader, arguments: Reverse) -> tuple[str, ...]:
    key = settlement_key(arguments.psn_no, arguments.year, arguments.sequence)
    settlement = state.get(SETTLEMENTS, key)
    return NOBODY if settlement is None else find_acting(state, settlement.fixmedins_code)


OF_CLAIMANT = Whose(_find_claimant, owner="who acts for the institution that was paid")


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
    for sold in bill.sold:
        for code in sold.drug_trac_codg:
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


CONTRACT = Contract(
    "settlement",
    1,
    (
        Operation("claim", Claim, BY_PROVIDERS, _claim, bills.OF_ISSUER),
        Operation("issue_and_claim", IssueAndClaim, BY_PROVIDERS, _issue_and_claim, OF_INSTITUTION),
        Operation("reverse", Reverse, BY_PROVIDERS | BY_BUREAU, _reverse, OF_CLAIMANT.or_of(BUREAU)),
        Operation("close_year", CloseYear, BY_BUREAU, _close_year),
    ),
)
