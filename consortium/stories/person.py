"""A person, as the ledger knows one: a pseudonym of one year; its claims, and what it used of the year's caps."""

from __future__ import annotations

from typing import Any

from consortium.contracts.insurance.accumulators import ACCUMULATORS
from consortium.contracts.insurance.enrolment import PERSONS
from consortium.contracts.insurance.funds import ACCOUNTS, get_balance
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.core.machine import Outcome
from consortium.core.spoken import VOICES
from consortium.stories.finder import find, texts_of
from consortium.stories.lookup import about, get_record, rows_of
from consortium.stories.next_moves import holds_content, holds_on, moves_of, tell_holds
from consortium.stories.plain import builtins, day, flat, readable, yuan
from consortium.stories.record import content_of, tell_fields, with_life
from consortium.stories.story import Column, Section, Seen, Story, Teller, facts, step_content

CLAIMS_TOLD = 60


def tell_person(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged."""
    words, state = seen.words, seen.ledger.reader
    if state.get(PERSONS, identity) is None and state.get(VOICES, identity) is not None:
        return _tell_voice(seen, identity)
    record = get_record(seen, "person", identity)
    claims = list(rows_of(state, SETTLEMENTS, f"{record.key}/"))
    years = list(rows_of(state, ACCUMULATORS, f"{record.key}/"))
    holds = holds_on(state, f"person/{record.key}", f"payout/{record.key}")
    sections = [each for each in (tell_fields(seen, record), _tell_accounts(seen, record.key)) if each.rows]
    for key, used in years:
        rows = list(flat(builtins(used)))
        sections.append(facts(words("used in {year} (amounts in yuan)", year=key.rpartition("/")[2]), rows))
    if claims:
        sections.append(_tell_claims(seen, claims))
    if holds:
        sections.append(tell_holds(words, holds))
    steps = list(find(seen.ledger, seen.rows, (record.key,), about(record), seen.told))
    moves = moves_of(seen, PERSONS, record.value)
    content = content_of(record, moves, steps) | {
        "used": {key.rpartition("/")[2]: readable(builtins(used)) for key, used in years},
        "claims": [{"id": key, **_claim_content(each)} for key, each in claims],
        "holds": holds_content(holds),
    }
    heading = words(
        "person {key}: {count} entries in its journals, as of block {height}",
        key=record.key,
        count=len(claims),
        height=seen.ledger.head_height,
    )
    return Story(heading, with_life(seen, sections, moves, steps), content)


def _tell_voice(seen: Seen, pseudonym: str) -> Story:
    """A pseudonym of bills: the ledger does not say whose settlements they became (docs/privacy.md)."""
    words = seen.words

    def is_named_there(outcome: Outcome) -> bool:
        return pseudonym in texts_of(outcome)

    steps = list(find(seen.ledger, seen.rows, (pseudonym,), is_named_there, seen.told))
    issued = [event.fields for step in steps for event in step.outcome.receipt.events if event.kind == "bill-issued"]
    columns = (Column(words("bill")), Column(words("last day")), Column(words("yuan"), is_number=True))
    rows = [(str(each["bill_no"]), day(int(each["enddate"])), yuan(int(each["medfee_sumamt"]))) for each in issued]
    heading = words(
        "pseudonym {key} of bills: {count} bills, as of block {height}",
        key=pseudonym,
        count=len(rows),
        height=seen.ledger.head_height,
    )
    content = {
        "kind": "person",
        "id": pseudonym,
        "bills": [dict(each) for each in issued],
        "steps": [step_content(step) for step in steps],
    }
    return Story(heading, with_life(seen, [Section(words("bills"), columns, rows)], [], steps), content)


def _tell_accounts(seen: Seen, psn_no: str) -> Section:
    state = seen.ledger.reader
    names = [name for name in (f"person/{psn_no}", f"payout/{psn_no}") if state.get(ACCOUNTS, name) is not None]
    return facts(seen.words("accounts (yuan)"), [(name, yuan(get_balance(state, name))) for name in names])


def _tell_claims(seen: Seen, claims: list[tuple[str, Any]]) -> Section:
    words = seen.words
    columns = (
        Column(words("claim")),
        Column(words("last day")),
        Column(words("bill of"), is_number=True),
        Column(words("funds"), is_number=True),
        Column(words("cash"), is_number=True),
        Column(words("bill")),
    )
    rows = [
        (
            key.partition("/")[2],
            day(each.enddate),
            yuan(each.amounts.medfee_sumamt),
            yuan(each.amounts.fund_pay_sumamt),
            yuan(each.amounts.cash_payamt),
            each.bill_no,
        )
        for key, each in claims[-CLAIMS_TOLD:]
    ]
    return Section(words("claims, in yuan"), columns, rows)


def _claim_content(settlement: Any) -> dict[str, Any]:
    return {
        "bill_no": settlement.bill_no,
        "enddate": settlement.enddate,
        "reverses": settlement.reverses,
        "amounts": readable(builtins(settlement.amounts)),
    }


TELLER = Teller("person", "its pseudonym of a year (psn_no)", tell_person)
