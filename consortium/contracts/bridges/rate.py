"""Exchange rates 汇率 by currency and day: what a foreign amount is in fen, to the fen.

The bureau states a rate, a finance office endorses it, and it never changes again. What is settled by a rate names its
day: where none was endorsed for that very day, nothing is settled (`rate-missing`); no other day's takes its place.

A rate is fen for a million of the currency's smallest units, so it has no fractions and no currency has another
form: 0.9231 yuan for a Hong Kong dollar is 923,100 (of a cent 0.9231 fen), 4.8 fen for a yen is 4,800,000.
"""

from __future__ import annotations

import re

import msgspec

from consortium.contracts.access import BY_BUREAU, SUPERVISORS, among
from consortium.contracts.checks import AMOUNT_FEN_MAX, check_day, check_range, check_reason
from consortium.contracts.insurance.drg import divide_half_up
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Life,
    Move,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
    Table,
)

HOME = "CNY"  # what a fen is a hundredth of; it has no rate
MILLION = 1_000_000
RATE_MAX = 10**12  # fen for a million units
FINANCE = "finance"
STATED, ENDORSED = "stated", "endorsed"
_is_currency = re.compile(r"[A-Z]{3}").fullmatch


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "currency/day". `fen_per_million`: of the currency's smallest units; `source`: who published it, a code."""

    fen_per_million: int
    source: str
    stage: str


RATES: Table[Rate] = Table("rate", Rate, told_as="rate")
LIFE = Life(
    RATES,
    (
        Move("", "set", STATED),
        Move(STATED, "set", STATED),
        Move(STATED, "endorse", ENDORSED),
    ),
    code="rate-endorsed",
)
SOURCES = ("central-parity", "clearing-bank", "agreement")


class Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """State the rate of a currency (three capitals) for a day, or state it anew. `source`: of SOURCES."""

    currency: str
    day: int
    fen_per_million: int
    source: str


class Endorse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Endorse the rate of a day by naming it: one that was stated anew meanwhile is not endorsed by mistake."""

    currency: str
    day: int
    fen_per_million: int


class OfDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the rate of a currency on a day."""

    currency: str
    day: int


def rate_key(currency: str, day: int) -> str:
    return f"{currency}/{day}"


def check_currency(currency: str) -> None:
    """Refuses `bad-currency`."""
    if _is_currency(currency) is None:
        raise Refused("bad-currency", "a currency is three capitals, as HKD")


def compute_fen(units: int, fen_per_million: int) -> int:
    """What so many smallest units are in fen, halves up; `units` ≥ 0."""
    return divide_half_up(units * fen_per_million, MILLION)


def convert(state: StateReader, units: int, currency: str, day: int) -> int:
    """An amount in fen, by the endorsed rate of this very day. Refuses `rate-missing`, `bad-amount`."""
    if currency == HOME:
        return units
    known = state.get(RATES, rate_key(currency, day))
    if known is None or known.stage != ENDORSED:
        raise Refused("rate-missing", f"no rate of {currency} was endorsed for {day}")
    amount_fen = compute_fen(units, known.fen_per_million)
    if amount_fen > AMOUNT_FEN_MAX:
        raise Refused("bad-amount", f"{units} of {currency} are more fen than an amount can hold")
    return amount_fen


def _check_foreign(currency: str) -> None:
    check_currency(currency)
    if currency == HOME:
        raise Refused("bad-currency", f"{HOME} is what the ledger counts in")


def _set(state: State, arguments: Set, context: Context) -> list[Event]:
    """For today or a day before it: a rate is published, not foreseen."""
    currency, day = arguments.currency, arguments.day
    _check_foreign(currency)
    check_day(day, "day")
    check_range(arguments.fen_per_million, 1, RATE_MAX, "fen_per_million")
    check_reason(arguments.source, SOURCES)
    if day > context.day:
        raise Refused("rate-early", f"today is {context.day}: nobody knows the rate of {day}")
    key = rate_key(currency, day)
    stage = LIFE.move("set", LIFE.stage_of(state.get(RATES, key)), f"the rate of {key}")
    state.put(RATES, key, Rate(arguments.fen_per_million, arguments.source, stage))
    return [_event("rate-stated", currency, day, arguments.fen_per_million)]


def _endorse(state: State, arguments: Endorse, _context: Context) -> list[Event]:
    check_currency(arguments.currency)
    key = rate_key(arguments.currency, arguments.day)
    known = _get(state, key)
    stage = LIFE.move("endorse", known.stage, f"the rate of {key}")
    if arguments.fen_per_million != known.fen_per_million:
        raise Refused("rate-differs", f"{known.fen_per_million} is stated for {key}")
    state.put(RATES, key, msgspec.structs.replace(known, stage=stage))
    return [_event("rate-endorsed", arguments.currency, arguments.day, known.fen_per_million)]


def _event(kind: str, currency: str, day: int, fen_per_million: int) -> Event:
    return Event(kind, {"currency": currency, "rate_day": day, "fen_per_million": fen_per_million})


def _get(state: StateReader, key: str) -> Rate:
    known = state.get(RATES, key)
    if known is None:
        raise Refused("rate-missing", f"nobody stated a rate of {key}")
    return known


def _of_day(state: StateReader, asked: OfDay, _reader: Reader) -> Rate:
    check_currency(asked.currency)
    return _get(state, rate_key(asked.currency, asked.day))


def _of_key(key: str) -> OfDay:
    currency, _, day = key.partition("/")
    return OfDay(currency, int(day) if day.isascii() and day.isdigit() else 0)


CONTRACT = Contract(
    "rate",
    1,
    (
        Operation("set", Set, BY_BUREAU, _set),
        Operation("endorse", Endorse, among(FINANCE), _endorse),
    ),
    (
        Query(
            "on",
            OfDay,
            SUPERVISORS | {FINANCE},
            _of_day,
            row=RowOf(RATES, lambda asked: rate_key(asked.currency, asked.day), _of_key),
        ),
    ),
    lives=(LIFE,),
    founding=0,
)
