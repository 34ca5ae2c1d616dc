"""Where the money of a claim is: waiting for a word on its lines, payable, disputed, paid, or given back.

An institution is paid in sums, not claim by claim. What was owed first is taken to be paid first: a claim is paid in
the transaction by which the payments reach what was owed up to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from consortium.contracts.insurance.bill import BILLS
from consortium.contracts.insurance.journal import Settlement
from consortium.contracts.insurance.payable import RELEASE, WORDS, Word, find_place, sources_of
from consortium.contracts.insurance.payout import get_payout_account
from consortium.stories.finder import Step, receipts, steps_of
from consortium.stories.next_moves import (
    Next,
    by_whom,
    due_of,
    holds_content,
    holds_on,
    moves_of,
    tell_holds,
)
from consortium.stories.plain import day, yuan
from consortium.stories.story import Section, Seen, facts, step_content

DISBURSE = "institution.disburse"


class Money(NamedTuple):
    """`state`: a few words, for a heading; `steps`: by which it became payable, and was paid."""

    state: str
    sections: list[Section]
    moves: list[Next]
    content: dict[str, Any]
    steps: list[Step]


class Way(NamedTuple):
    """The transactions by which it became payable, and by which it was paid; None: not yet, or not so."""

    payable: Step | None
    paid: Step | None


def follow_money(seen: Seen, key: str, settlement: Settlement) -> Money:
    """Of the settlement under this key."""
    words, state = seen.words, seen.ledger.reader
    bill = state.get(BILLS, settlement.bill_no)
    owed_fen = sum(fen for _, fen in sources_of(settlement, "person"))
    if settlement.reverses:
        return _plain(words("it gives back what a claim was paid"), owed_fen)
    if bill is None or bill.settlement != key:
        return _plain(words("it was reversed"), owed_fen)
    if not owed_fen:
        return _plain(words("there is nothing to be paid"), owed_fen)
    place, code = find_place(state, settlement, key), settlement.fixmedins_code
    word = state.get(WORDS, key)
    way = Way(None, None) if get_payout_account(state, key) else _way(seen, key, settlement)
    told, moves = _state(seen, settlement, place, way)
    moves += moves_of(seen, WORDS, word)
    holds = holds_on(state, place, f"payable/{code}", f"paid/{code}", *_funds_of(settlement, key))
    rows = [
        (words("owed to the institution"), words("{amount} yuan", amount=yuan(owed_fen))),
        (words("where it is"), place if way.paid is None else f"paid/{code}"),
        (words("becomes payable"), _payable_day(seen, settlement)),
        (words("word on the lines"), _word(seen, word)),
    ]
    sections = [facts(words("the money: {state}", state=told), rows)]
    if holds:
        sections.append(tell_holds(words, holds))
    content = {
        "owed_fen": owed_fen,
        "account": place if way.paid is None else f"paid/{code}",
        "payable_on": settlement.payable_on,
        "payable": None if way.payable is None else step_content(way.payable),
        "paid": None if way.paid is None else step_content(way.paid),
        "holds": holds_content(holds),
    }
    return Money(told, sections, moves, content, [step for step in way if step is not None])


def _plain(state: str, owed_fen: int) -> Money:
    return Money(state, [], [], {"owed_fen": owed_fen}, [])


def _funds_of(settlement: Settlement, key: str) -> list[str]:
    return [account for account, _ in sources_of(settlement, f"person/{key.partition('/')[0]}")]


def _state(seen: Seen, settlement: Settlement, place: str, way: Way) -> tuple[str, list[Next]]:
    """In a few words, and what brings the money on."""
    words, code = seen.words, settlement.fixmedins_code
    kind = place.partition("/")[0]
    if kind == "payout":
        return words("paid out to the patient"), []
    if kind == "disputed":
        return words("disputed: its lines differ"), []
    if kind == "unconfirmed":
        release = [each for each in due_of(seen, code) if each.operation == RELEASE]
        mine = [each._replace(after=f"payable/{code}") for each in release if each.day == settlement.payable_on]
        return words("it waits, and becomes payable on {day}", day=day(settlement.payable_on)), mine
    if way.paid is not None:
        return words("paid in block {height}", height=way.paid.height), []
    pay = Next(DISBURSE, f"paid/{code}", by_whom(seen.contracts, DISBURSE, words))
    return words("payable to {code}, not paid yet", code=code), [pay]


def _payable_day(seen: Seen, settlement: Settlement) -> str:
    words = seen.words
    if not settlement.payable_on:
        return words("at once")
    today = seen.reader.day
    on = day(settlement.payable_on)
    if today < settlement.payable_on:
        return words(
            "on {day} by itself (today is {today}), or before by a word on the lines", day=on, today=day(today)
        )
    return words("on {day} by itself, or before by a word on the lines", day=on)


def _word(seen: Seen, word: Word | None) -> str:
    if word is None:
        return seen.words("nobody has said anything yet")
    said = f"{word.stage}: {word.what}" if word.what else word.stage
    return seen.words(
        "{member} ({role}) on {day}: {said}", member=word.member, role=word.role, day=day(word.day), said=said
    )


# --- what was owed first is paid first ------------------------------------------------------------------------------


class _Movement(NamedTuple):
    height: int
    number: int
    source: str
    target: str
    fen: int
    cause: str


def _way(seen: Seen, key: str, settlement: Settlement) -> Way:
    code = settlement.fixmedins_code
    payable, own = f"payable/{code}", f"settlement/{key}"
    owed = paid = 0
    mine: int | None = None  # what had been owed when this claim was: paid when payments reach it
    came: _Movement | None = None
    has_left = False  # by a word on its own lines, so that the release of its day is of others
    for each in _movements(seen, payable, own):
        has_left = has_left or (each.cause == own and each.source.startswith("unconfirmed/"))
        if each.target == payable:
            owed += each.fen
            if each.cause == own or (each.cause == f"release/{code}/{settlement.payable_on}" and not has_left):
                mine, came = owed, each
        elif each.source == payable and each.target == f"paid/{code}":
            paid += each.fen
        elif each.source == payable:  # given back or disputed: it is owed no more
            owed -= each.fen
            mine, came = (None, None) if each.cause == own else (mine and min(mine, owed), came)
        if mine is not None and paid >= mine:
            return Way(_step(seen, came), _step(seen, each))
    return Way(_step(seen, came), None)


def _movements(seen: Seen, account: str, cause: str) -> Iterator[_Movement]:
    """Of an account, or for this cause, in order."""
    for height, index, receipt in receipts(seen.ledger, seen.rows, (account, cause), seen.told):
        for event in receipt.events:
            if event.kind == "movement":
                fields = event.fields
                source, target, why = str(fields["source"]), str(fields["target"]), str(fields["cause"])
                if account in (source, target) or why == cause:
                    yield _Movement(height, index, source, target, int(fields["amount_fen"]), why)


def _step(seen: Seen, movement: _Movement | None) -> Step | None:
    return None if movement is None else steps_of(seen.ledger, movement.height)[movement.number]
