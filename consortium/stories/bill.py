"""The life of a bill, and of the claim on it, from its number to its payment."""

from __future__ import annotations

from typing import Any

from consortium.contracts.insurance.bill import COLLECTED, VERIFIED, Bill
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.waiting_claims import WAITING
from consortium.stories.lookup import Record, get_record
from consortium.stories.money import follow_money
from consortium.stories.next_moves import Next, by_whom, moves_of
from consortium.stories.plain import day, yuan
from consortium.stories.record import content_of, merged, steps_about, tell_fields, with_life
from consortium.stories.story import Section, Seen, Story, Teller, facts


def tell_bill(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    record = get_record(seen, "bill", identity)
    steps = steps_about(seen, record)
    moves = [*moves_of(seen, record.table, record.value), *claims_on(seen, record)]
    sections: list[Section] = [_tell(seen, record)]
    more: dict[str, Any] = {}
    if record.value.settlement:
        settlement = seen.ledger.reader.get(SETTLEMENTS, record.value.settlement)
        assert settlement is not None, "a bill names a settlement that is there"
        money = follow_money(seen, record.value.settlement, settlement)
        sections += money.sections
        moves += money.moves
        steps = merged(steps, money.steps)
        more = {"money": money.content}
    return Story(
        _heading(seen, record), with_life(seen, sections, moves, steps), content_of(record, moves, steps) | more
    )


def _heading(seen: Seen, record: Record) -> str:
    bill: Bill = record.value
    return seen.words(
        "bill {no} of {institution} over {amount} yuan is {stage}, as of block {height}",
        no=record.key,
        institution=bill.fixmedins_code,
        amount=yuan(bill.sums.medfee_sumamt),
        stage=bill.stage,
        height=seen.ledger.head_height,
    )


def _tell(seen: Seen, record: Record) -> Section:
    words, bill = seen.words, record.value
    if not bill.sums.medfee_sumamt:
        return tell_fields(seen, record)
    rows = [
        (words("services"), f"{day(bill.begndate)} – {day(bill.enddate)}, {bill.med_type}"),
        (words("amount"), words("{amount} yuan", amount=yuan(bill.sums.medfee_sumamt))),
        (words("within the policy's scope"), words("{amount} yuan", amount=yuan(bill.sums.inscp_amt))),
        (words("patient's pseudonym"), bill.patient or "-"),
        (words("reimbursed by"), (bill.settlement and f"claim {bill.settlement}") or words("nobody yet")),
        (words("red-letter bill"), bill.red_letter or "-"),
    ]
    rows += [(words("sold on line {line}", line=each.feedetl_sn), _sold(each)) for each in bill.sold]
    return facts(words("on the ledger"), rows)


def _sold(each: object) -> str:
    codes = " ".join(getattr(each, "drug_trac_codg", ()))
    return f"{getattr(each, 'cnt', 0)} × {getattr(each, 'med_list_codg', '')} {codes}".rstrip()


def claims_on(seen: Seen, record: Record) -> list[Next]:
    """Who may claim on a bill that nobody reimbursed."""
    bill: Bill = record.value
    if bill.settlement or bill.stage not in (VERIFIED, COLLECTED):
        return []
    if seen.ledger.reader.get(WAITING, record.key) is not None:
        names = ["patient_claim.settle", "patient_claim.decline"]
    else:
        names = ["settlement.claim", "patient_claim.claim"]
    return [Next(name, "", by_whom(seen.contracts, name, seen.words)) for name in names]


TELLER = Teller("bill", "its number, in any spelling", tell_bill)
