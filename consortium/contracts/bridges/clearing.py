"""Off-site clearing 异地清算 between the bureaus of two regions, by month: propose, confirm, pay.

A person of one region was treated in another, whose funds paid the institution at once. For each month the place of
treatment gathers those settlements out of its own ledger, each once, and proposes the sum. The home region's ledger is
shown the proposal by proof; its bureau confirms what was proven, neither more nor less, and pays. When the payment is
proven in return, it comes onto the ledger of the place of treatment.

Each side counts in its own currency. The claim names that of the place of treatment; a home region that counts in
another pays by the endorsed rate of the month's last day, rounded once.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, SUPERVISORS
from consortium.contracts.bridges import rate
from consortium.contracts.bridges.clearing_records import (
    CLAIM_LIFE,
    CLAIMS,
    CLEARED,
    DUE_LIFE,
    DUES,
    PAID,
    PROPOSED,
    Claim,
    Cleared,
    Due,
    check_month,
    last_day_of,
    month_key,
)
from consortium.contracts.bridges.foreign_facts import get_foreign, get_row, read_value
from consortium.contracts.checks import AMOUNT_FEN_MAX, check_count, check_identifier
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.filings import home_of, region_of
from consortium.contracts.insurance.journal import SETTLEMENTS, get_settlement, settlement_key
from consortium.contracts.insurance.month_totals import first_day_after
from consortium.core.codec import tagged_hash
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
)

SETTLEMENTS_MAX = 200  # in one call
LATER_MAX = 1_000  # entries of a person-year after a settlement that are looked through for its reversal
KIND = "cleared"  # of the accounts that hold what was paid to another region
ROOT_TAG = b"consortium clearing"


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A settlement of the journal."""

    psn_no: str
    year: int
    sequence: int


class Gather(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Charge settlements, of stays that ended in the month, to the region where the persons are at home; `counterpart`
    is the name of that region, and of its chain. `currency`: that this ledger counts in."""

    counterpart: str
    month: int
    currency: str
    settlements: tuple[Which, ...]


class OfMonth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Propose, or ask for, a month with a counterpart."""

    counterpart: str
    month: int


class Confirm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Confirm what is proven of the counterpart's claim. `known_as`: how this region is called on its chain."""

    counterpart: str
    month: int
    known_as: str


class Pay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay what was confirmed, from "fund/<fund>"."""

    counterpart: str
    month: int
    source: str


class Receive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Take in what is proven to be paid, to "fund/<fund>". `known_as`: as in Confirm."""

    counterpart: str
    month: int
    known_as: str
    target: str


def _gather(state: State, arguments: Gather, context: Context) -> list[Event]:
    name, month = arguments.counterpart, arguments.month
    key = check_month(name, month)
    rate.check_currency(arguments.currency)
    check_count(len(arguments.settlements), SETTLEMENTS_MAX, "settlements")
    counterpart, held = get_foreign(state, name).chain, state.get(CLAIMS, key)
    stage = CLAIM_LIFE.move("gather", CLAIM_LIFE.stage_of(held), f"the claim for {key}")
    if held is not None and held.currency != arguments.currency:
        raise Refused("currency-differs", f"what was gathered for {key} is in {held.currency}")
    units, count, root = (0, 0, counterpart) if held is None else (held.units, held.count, held.root)
    for which in arguments.settlements:
        units += _charge(state, which, name, month)
        told = settlement_key(which.psn_no, which.year, which.sequence)
        count, root = count + 1, tagged_hash(ROOT_TAG, root, told.encode())
    if units > AMOUNT_FEN_MAX:
        raise Refused("bad-amount", f"{units} are more than an amount can hold")
    claim = Claim(counterpart, arguments.currency, units, count, root, stage)
    state.put(CLAIMS, key, claim)
    return [_event("clearing-gathered", arguments, claim, count=count)]


def _charge(state: State, which: Which, counterpart: str, month: int) -> int:
    """What the funds paid of a settlement that is not charged yet."""
    settlement = get_settlement(state, which.psn_no, which.year, which.sequence)
    key = settlement_key(which.psn_no, which.year, which.sequence)
    if settlement.enddate // 100 != month:
        raise Refused("month-differs", f"settlement {key} is of a stay that ended on {settlement.enddate}")
    if home_of(state, which.psn_no) != counterpart or region_of(state, settlement.fixmedins_code) == counterpart:
        raise Refused("not-offsite", f"settlement {key} is not of a person of {counterpart} who was treated here")
    if state.get(CLEARED, key) is not None:
        raise Refused("cleared-already", f"settlement {key} was charged before")
    if _is_reversed(state, which):
        raise Refused("settlement-reversed", f"settlement {key} was reversed: nothing of it is owed")
    state.put(CLEARED, key, Cleared(counterpart, month))
    return settlement.amounts.fund_pay_sumamt


def _is_reversed(state: State, which: Which) -> bool:
    low = settlement_key(which.psn_no, which.year, which.sequence + 1)
    high = settlement_key(which.psn_no, which.year + 1, 0)
    later = [entry for _, entry in state.range(SETTLEMENTS, low, high, limit=LATER_MAX)]
    check_count(len(later), LATER_MAX - 1, "entries of the person-year after the settlement", 0)
    return any(entry.reverses == which.sequence for entry in later)


def _propose(state: State, arguments: OfMonth, context: Context) -> list[Event]:
    """When the month is over; nothing is added afterwards."""
    key, claim = _claim(state, arguments)
    stage = CLAIM_LIFE.move("propose", claim.stage, f"the claim for {key}")
    if context.day < first_day_after(arguments.month):
        raise Refused("month-open", f"{arguments.month} is not over: today is {context.day}")
    state.put(CLAIMS, key, msgspec.structs.replace(claim, stage=stage))
    return [_event("clearing-proposed", arguments, claim)]


def _proven_claim(state: StateReader, arguments: Confirm, chain: bytes) -> Claim:
    """The counterpart's claim on this chain. Refuses `not-proven`, `not-proposed`."""
    check_identifier(arguments.known_as, "known_as")
    row = get_row(state, arguments.counterpart, CLAIMS.name, month_key(arguments.known_as, arguments.month))
    claim = read_value(row, CLAIMS)
    if claim is None or claim.counterpart != chain or claim.stage != PROPOSED:
        raise Refused("not-proposed", f"{arguments.counterpart} asks this chain for nothing for {arguments.month}")
    return claim


def _confirm(state: State, arguments: Confirm, context: Context) -> list[Event]:
    key = check_month(arguments.counterpart, arguments.month)
    foreign = get_foreign(state, arguments.counterpart)
    stage = DUE_LIFE.move("confirm", DUE_LIFE.stage_of(state.get(DUES, key)), f"what is owed for {key}")
    claim = _proven_claim(state, arguments, context.chain)
    due = Due(foreign.chain, claim.currency, claim.units, claim.count, claim.root, stage)
    state.put(DUES, key, due)
    return [_event("clearing-confirmed", arguments, due)]


def _pay(state: State, arguments: Pay, context: Context) -> list[Event]:
    name, month = arguments.counterpart, arguments.month
    key, due = _due(state, arguments)
    stage = DUE_LIFE.move("pay", due.stage, f"what is owed for {key}")
    funds.check_account(arguments.source, ("fund",))
    amount_fen = rate.convert(state, due.units, due.currency, last_day_of(month))
    account, events = f"{KIND}/{name}", list[Event]()
    funds.open_account(state, account)
    funds.move(state, arguments.source, account, amount_fen, f"clearing/{key}", events)
    paid = msgspec.structs.replace(due, stage=stage, paid_fen=amount_fen)
    state.put(DUES, key, paid)
    return [*events, _event("clearing-paid", arguments, paid, amount_fen=amount_fen)]


def _receive(state: State, arguments: Receive, context: Context) -> list[Event]:
    """What was asked, in the currency of this ledger: how the other side came by it is its own affair."""
    key, claim = _claim(state, arguments)
    stage = CLAIM_LIFE.move("receive", claim.stage, f"the claim for {key}")
    check_identifier(arguments.known_as, "known_as")
    funds.check_account(arguments.target, ("fund",))
    row = get_row(state, arguments.counterpart, DUES.name, month_key(arguments.known_as, arguments.month))
    due = read_value(row, DUES)
    asked = (context.chain, claim.currency, claim.units, claim.root, PAID)
    if due is None or (due.counterpart, due.currency, due.units, due.root, due.stage) != asked:
        raise Refused("not-paid", f"it is not proven that {arguments.counterpart} paid what was asked for {key}")
    events: list[Event] = []
    funds.move(state, funds.EXTERNAL, arguments.target, claim.units, f"clearing/{key}", events)
    state.put(CLAIMS, key, msgspec.structs.replace(claim, stage=stage))
    return [*events, _event("clearing-received", arguments, claim, amount_fen=claim.units)]


def _event(
    kind: str, which: Gather | OfMonth | Confirm | Pay | Receive, asked: Claim | Due, **more: int | str
) -> Event:
    fields: dict[str, int | str] = {"counterpart": which.counterpart, "month": which.month}
    return Event(kind, {**fields, "units": asked.units, "currency": asked.currency, **more})


def _claim(state: StateReader, asked: OfMonth | Receive) -> tuple[str, Claim]:
    key = check_month(asked.counterpart, asked.month)
    claim = state.get(CLAIMS, key)
    if claim is None:
        raise Refused("nothing-gathered", f"nothing was gathered for {key}")
    return key, claim


def _due(state: StateReader, asked: OfMonth | Pay) -> tuple[str, Due]:
    key = check_month(asked.counterpart, asked.month)
    due = state.get(DUES, key)
    if due is None:
        raise Refused("not-confirmed", f"nothing was confirmed for {key}")
    return key, due


def _ask_claim(state: StateReader, asked: OfMonth, _reader: Reader) -> Claim:
    return _claim(state, asked)[1]


def _ask_due(state: StateReader, asked: OfMonth, _reader: Reader) -> Due:
    return _due(state, asked)[1]


def _of_key(key: str) -> OfMonth:
    name, _, month = key.partition("/")
    return OfMonth(name, int(month) if month.isascii() and month.isdigit() and len(month) <= 6 else 0)


def _key_of(asked: OfMonth) -> str:
    return month_key(asked.counterpart, asked.month)


CONTRACT = Contract(
    "clearing",
    1,
    (
        Operation("gather", Gather, BY_BUREAU, _gather),
        Operation("propose", OfMonth, BY_BUREAU, _propose),
        Operation("confirm", Confirm, BY_BUREAU, _confirm),
        Operation("pay", Pay, BY_BUREAU, _pay),
        Operation("receive", Receive, BY_BUREAU, _receive),
    ),
    (
        Query("claim", OfMonth, SUPERVISORS, _ask_claim, row=RowOf(CLAIMS, _key_of, _of_key)),
        Query("due", OfMonth, SUPERVISORS, _ask_due, row=RowOf(DUES, _key_of, _of_key)),
    ),
    lives=(CLAIM_LIFE, DUE_LIFE),
    founding=0,
)
