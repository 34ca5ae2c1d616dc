"""The life of a claim: the bill that it stands on, what it was adjudicated to, where its money is."""

from __future__ import annotations

from consortium.contracts.insurance.bill import BILLS, Bill
from consortium.contracts.insurance.journal import Settlement, settlement_key
from consortium.core.words import mark
from consortium.stories.benefit_words import tell_lines
from consortium.stories.finder import Step, find
from consortium.stories.lookup import Record, about, get_record
from consortium.stories.money import Money, follow_money
from consortium.stories.plain import day, yuan
from consortium.stories.record import content_of, merged, with_life
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts

SHARES = (
    ("medfee_sumamt", mark("the bill")),
    ("fulamt_ownpay_amt", mark("wholly the patient's own")),
    ("overlmt_selfpay", mark("above the price limit")),
    ("preselfpay_amt", mark("the patient's share before all else")),
    ("inscp_amt", mark("within the policy's scope")),
    ("act_pay_dedc", mark("deductible")),
    ("hifp_pay", mark("pooled fund")),
    ("hifob_pay", mark("large-amount subsidy")),
    ("hifmi_pay", mark("serious-illness insurance")),
    ("maf_pay", mark("medical aid")),
    ("fund_pay_sumamt", mark("all funds together")),
    ("acct_pay", mark("personal account")),
    ("cash_payamt", mark("cash")),
)


def tell_claim(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record = get_record(seen, "claim", identity)
    settlement: Settlement = record.value
    bill = seen.ledger.reader.get(BILLS, settlement.bill_no)
    assert bill is not None, "a settlement is of a bill that is there"
    money = follow_money(seen, record.key, settlement)
    steps = merged(_steps(seen, record), money.steps)
    sections = [_tell(seen, record, bill), _tell_amounts(seen, settlement), *money.sections]
    lines = seen.private.lines(settlement.bill_no)
    if lines is not None:
        sections.insert(1, tell_lines(seen, lines, settlement.enddate))
    content = content_of(record, money.moves, steps) | {"money": money.content}
    return Story(_heading(seen, record, money), with_life(seen, sections, money.moves, steps), content)


def _steps(seen: Seen, record: Record) -> list[Step]:
    """Those of the claim and of its bill, whatever each names."""
    bill = Record("bill", BILLS, record.value.bill_no, None)
    of_claim, of_bill = about(record), about(bill)
    names = (record.key, bill.key)
    return list(find(seen.ledger, seen.rows, names, lambda one: of_bill(one) or of_claim(one), seen.told))


def _heading(seen: Seen, record: Record, money: Money) -> str:
    settlement: Settlement = record.value
    return seen.words(
        "claim {key}: the funds pay {paid} of {all} yuan; {state}, as of block {height}",
        key=record.key,
        paid=yuan(settlement.amounts.fund_pay_sumamt),
        all=yuan(settlement.amounts.medfee_sumamt),
        state=money.state,
        height=seen.ledger.head_height,
    )


def _tell(seen: Seen, record: Record, bill: Bill) -> Section:
    words, settlement = seen.words, record.value
    rows = [
        (words("bill"), f"{settlement.bill_no} ({bill.stage})"),
        (words("institution"), settlement.fixmedins_code),
        (words("services"), f"{day(settlement.begndate)} – {day(settlement.enddate)}, {settlement.med_type}"),
        (words("scheme"), settlement.insutype),
    ]
    if settlement.reverses:
        psn_no, year, _ = record.key.split("/")
        reversed_key = settlement_key(psn_no, int(year), settlement.reverses)
        rows.append((words("reverses"), words("claim {key}", key=reversed_key)))
    if settlement.drg_group:
        rows.append((words("paid by case"), f"{settlement.drg_group}, {yuan(settlement.drg_payment_fen)}"))
    return facts(words("on the ledger"), rows)


def _tell_amounts(seen: Seen, settlement: Settlement) -> Section:
    words = seen.words
    rows = [
        (words(told), yuan(getattr(settlement.amounts, name)), name)
        for name, told in SHARES
        if getattr(settlement.amounts, name)
    ]
    columns = (Column(words("amount")), Column(words("yuan"), is_number=True), Column(words("in the data standard")))
    return Section(words("how it was adjudicated"), columns, rows)


TELLER = Teller("claim", "psn_no/year/sequence", tell_claim)
