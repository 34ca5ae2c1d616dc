"""A statement that a patient understands: what was billed in a year, who pays which part of it and why, how far each
claim is, and what must not be missed.
"""

from __future__ import annotations

from typing import Any

from consortium.contracts.insurance.accumulators import get_accumulator
from consortium.contracts.insurance.bill import BILLS
from consortium.contracts.insurance.enrolment import EMPLOYEE, Person
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement
from consortium.core.words import ENGLISH
from consortium.stories.benefit_words import percent, tell_benefit, tell_lines
from consortium.stories.lookup import Record, get_record, rows_of
from consortium.stories.money import follow_money
from consortium.stories.plain import builtins, day, readable, yuan
from consortium.stories.reasons import Reason, reasons_of
from consortium.stories.reminders import Reminder, due_for, ends_of, tell_reminders
from consortium.stories.story import Section, Seen, Story, Teller, facts


def tell_statement(seen: Seen, identity: str) -> Story:
    """Raises UnknownThing, Damaged, Refused."""
    record, words, english = get_record(seen, "person", identity), seen.words, seen._replace(words=ENGLISH)
    entries = list(rows_of(seen.ledger.reader, SETTLEMENTS, f"{record.key}/"))
    years = sorted({int(key.split("/")[1]) for key, _ in entries})
    reasons = {key: each for year in years for key, each in reasons_of(seen.ledger.reader, record.key, year).items()}
    sections = [_tell_year(seen, record.key, year, entries) for year in years]
    told = []
    for key, entry in entries:
        if not entry.reverses:
            sections += _tell_claim(seen, key, entry, reasons.get(key))
            told.append(_content(english, key, entry, reasons.get(key)))
    if reminders := _reminders(seen, record, entries):
        sections.append(tell_reminders(seen, reminders))
    heading = words(
        "statement of {key} ({cover}): {count} claims, as of {day}",
        key=record.key,
        cover=_cover(seen, record.value),
        count=len(told),
        day=day(seen.reader.day),
    )
    content = {
        "kind": "statement",
        "id": record.key,
        "claims": told,
        "reminders": [{"day": on, "what": what, "of": key} for on, what, key in _reminders(english, record, entries)],
    }
    note = words("who read it: consortium show RUN reads {key}", key=record.key)
    return Story(heading, tuple(sections), content, (note,))


def _reminders(seen: Seen, record: Record, entries: list[tuple[str, Settlement]]) -> list[Reminder]:
    found = due_for(seen, [record.key, *(entry.bill_no for _, entry in entries)])
    return sorted([*found, *ends_of(seen, record.key, record.value)])


def _cover(seen: Seen, person: Person) -> str:
    words = seen.words
    if not person.periods:
        return words("not covered")
    last = person.periods[-1]
    scheme = words("employees' scheme") if last.insutype == EMPLOYEE else words("residents' scheme")
    flags = [words("retired")] if last.retired else []
    flags += [words("on assistance")] if last.assisted else []
    return ", ".join((scheme, *flags))


def _tell_year(seen: Seen, psn_no: str, year: int, entries: list[tuple[str, Settlement]]) -> Section:
    """What the year comes to, reversals taken off, and how much of the limits it used."""
    words = seen.words
    of_year = [entry for key, entry in entries if key.split("/")[1] == str(year)]
    used = get_accumulator(seen.ledger.reader, psn_no, year)
    pool_fen = used.employee.hifp_fen + used.resident.hifp_fen

    def total(name: str) -> str:
        return yuan(sum(getattr(entry.amounts, name) for entry in of_year))

    rows = [
        (words("billed"), total("medfee_sumamt")),
        (words("the funds pay"), total("fund_pay_sumamt")),
        (words("from your account"), total("acct_pay")),
        (words("by yourself"), total("cash_payamt")),
        (words("stays in hospital"), str(used.stays)),
        (words("of the pool's yearly limit used"), yuan(pool_fen)),
    ]
    return facts(words("the year {year} (yuan)", year=year), rows)


def _tell_claim(seen: Seen, key: str, entry: Settlement, reason: Reason | None) -> list[Section]:
    words = seen.words
    money = follow_money(seen, key, entry)
    rows = [
        (words("bill"), entry.bill_no),
        (words("where"), entry.fixmedins_code),
        (
            words("when"),
            f"{day(entry.begndate)} – {day(entry.enddate)}" if entry.begndate != entry.enddate else day(entry.enddate),
        ),
        (words("how far"), money.state),
    ]
    rows += [(words("next"), f"{each.operation} ({each.by})") for each in money.moves]
    if reason is None:
        rows.append((words("reasons"), words("cannot be told: what it was judged by has changed since")))
    sections = [facts(words("claim {key}", key=key), rows)]
    lines = seen.private.lines(entry.bill_no)
    if lines is not None:
        sections.append(tell_lines(seen, lines, entry.enddate))
    return [*sections, tell_benefit(seen, key, entry, reason)]


def _content(seen: Seen, key: str, entry: Settlement, reason: Reason | None) -> dict[str, Any]:
    bill = seen.ledger.reader.get(BILLS, entry.bill_no)
    why = None if reason is None else {
        "level": reason.terms.level,
        "deductible_fen": reason.deductible_fen,
        "base_fen": reason.base_fen,
        "pool_ratio": percent(reason.ratio),
        "is_capped": reason.is_capped,
        "offsite": reason.terms.offsite,
    }  # fmt: skip
    return {
        "id": key,
        "bill_no": entry.bill_no,
        "enddate": entry.enddate,
        "stands": bill is not None and bill.settlement == key,
        "state": follow_money(seen, key, entry).state,
        "amounts": readable(builtins(entry.amounts)),
        "why": why,
    }


TELLER = Teller("statement", "its pseudonym of a year (psn_no)", tell_statement)
