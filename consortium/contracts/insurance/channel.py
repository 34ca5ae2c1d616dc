"""Means of the patient's share 个人支付渠道: cash, card, mobile or a relative's account, named and reconciled.

The institution says by which means `cash_payamt` of a settlement was paid, to the fen and once. The ledger adds up
each day of each means; the bureau holds the statement that a bank or a payment service gave it against the total, and
where they differ it is told in a notice. No bank is played here: money of patients changes hands off the ledger, and
what the personal account paid is a movement already. A reversal gives the share back by the same means.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import (
    check_amount,
    check_choice,
    check_count,
    check_day,
    check_identifier,
    check_positive_amount,
    check_range,
)
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance.channels import (
    CASH,
    CHANNEL_DAYS,
    CHANNELS,
    LIFE,
    SHARE_PAYMENTS,
    ChannelDay,
    Part,
    SharePayment,
    channel_key,
    count_parts,
    share_event,
)
from consortium.contracts.insurance.institution import OF_INSTITUTION
from consortium.contracts.insurance.journal import get_settlement, settlement_key
from consortium.contracts.insurance.reversal import OF_PAID
from consortium.contracts.oversight.notice import notice
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

PARTS_MAX = 8
COUNT_MAX = 10**9
AGREES, DIFFERS = "agrees", "differs"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By which means the patient paid its share of a settlement. The parts add up to `cash_payamt`."""

    psn_no: str
    year: int
    sequence: int
    parts: tuple[Part, ...]


class Reconcile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the means' own statement says of a day of an institution: payments less returns, and their sum. It may be
    below zero where more was given back than paid: `returned_fen` is taken from `paid_fen`."""

    fixmedins_code: str
    day: int
    channel: str
    paid: int
    paid_fen: int
    returned: int = 0
    returned_fen: int = 0


class OfPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks by which means the share of a settlement was paid."""

    psn_no: str
    year: int
    sequence: int


class OfDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the total of a day of one means."""

    fixmedins_code: str
    day: int
    channel: str


def _record(state: State, arguments: Record, context: Context) -> list[Event]:
    settlement = get_settlement(state, arguments.psn_no, arguments.year, arguments.sequence)
    key = settlement_key(arguments.psn_no, arguments.year, arguments.sequence)
    if bills.get_bill(state, settlement.bill_no).settlement != key:
        raise Refused("settlement-reversed", f"settlement {key} was reversed")
    _check_parts(arguments.parts)
    paid_fen, share_fen = sum(part.amount_fen for part in arguments.parts), settlement.amounts.cash_payamt
    if paid_fen != share_fen:
        raise Refused("parts-differ", f"the patient's share is {share_fen} fen, and the parts add up to {paid_fen}")
    stage = LIFE.move("record", LIFE.stage_of(state.get(SHARE_PAYMENTS, key)), f"the share of settlement {key}")
    payment = SharePayment(settlement.fixmedins_code, arguments.parts, context.day, stage)
    state.put(SHARE_PAYMENTS, key, payment)
    count_parts(state, payment.fixmedins_code, payment.parts, context.day, 1)
    return [share_event("share-paid", key, payment)]


def _check_parts(parts: tuple[Part, ...]) -> None:
    """Refuses `bad-length`, `bad-choice`, `bad-amount`, `bad-identifier`, and `receipt-missing` of a means that gives
    one."""
    check_count(len(parts), PARTS_MAX, "parts")
    for part in parts:
        check_choice(part.channel, CHANNELS, "channel")
        check_positive_amount(part.amount_fen, "amount_fen")
        if part.receipt:
            check_identifier(part.receipt, "receipt")
        elif part.channel != CASH:
            raise Refused("receipt-missing", f"a payment by {part.channel} has a number of its own")


def _reconcile(state: State, arguments: Reconcile, context: Context) -> list[Event]:
    """Of a day that is over: later ones may still change. Refuses `day-open`."""
    check_identifier(arguments.fixmedins_code, "fixmedins_code")
    check_day(arguments.day, "day")
    check_choice(arguments.channel, CHANNELS, "channel")
    for name in ("paid", "returned"):
        check_range(getattr(arguments, name), 0, COUNT_MAX, name)
        check_amount(getattr(arguments, f"{name}_fen"), f"{name}_fen")
    if arguments.day >= context.day:
        raise Refused("day-open", f"{arguments.day} is not over")
    key = channel_key(arguments.fixmedins_code, arguments.day, arguments.channel)
    held = state.get(CHANNEL_DAYS, key) or ChannelDay()
    count, amount_fen = arguments.paid - arguments.returned, arguments.paid_fen - arguments.returned_fen
    stage = AGREES if (count, amount_fen) == (held.count, held.amount_fen) else DIFFERS
    state.put(CHANNEL_DAYS, key, ChannelDay(held.count, held.amount_fen, stage, count, amount_fen))
    fields: dict[str, int | str] = {
        "fixmedins_code": arguments.fixmedins_code,
        "day": arguments.day,
        "channel": arguments.channel,
        "amount_fen": held.amount_fen,
        "stated_fen": amount_fen,
    }
    events = [Event("channel-reconciled", {**fields, "stage": stage})]
    if stage == DIFFERS:
        events.append(notice("channel-differs", f"channel/{key}", amount_fen=held.amount_fen, stated_fen=amount_fen))
    return events


def _payment(state: StateReader, asked: OfPayment, reader: Reader) -> SharePayment:
    get_settlement(state, asked.psn_no, asked.year, asked.sequence)
    found = state.get(SHARE_PAYMENTS, settlement_key(asked.psn_no, asked.year, asked.sequence))
    if found is None:
        raise Refused("unknown-payment", "nobody said by which means the share was paid")
    return found


def _day(state: StateReader, asked: OfDay, reader: Reader) -> ChannelDay:
    check_identifier(asked.fixmedins_code, "fixmedins_code")
    check_day(asked.day, "day")
    check_choice(asked.channel, CHANNELS, "channel")
    return state.get(CHANNEL_DAYS, channel_key(asked.fixmedins_code, asked.day, asked.channel)) or ChannelDay()


def _of_key(key: str) -> OfPayment:
    psn_no, year, sequence = key.split("/")
    return OfPayment(psn_no, int(year), int(sequence))


CONTRACT = Contract(
    "channel",
    1,
    (
        Operation("record", Record, BY_PROVIDERS, _record, OF_PAID),
        Operation("reconcile", Reconcile, BY_BUREAU, _reconcile),
    ),
    (
        Query(
            "payment",
            OfPayment,
            BY_PROVIDERS | SUPERVISORS,
            _payment,
            OF_PAID.or_of(*SUPERVISORS),
            RowOf(SHARE_PAYMENTS, lambda asked: settlement_key(asked.psn_no, asked.year, asked.sequence), _of_key),
        ),
        Query("day", OfDay, BY_PROVIDERS | SUPERVISORS, _day, OF_INSTITUTION.or_of(*SUPERVISORS)),
    ),
    (LIFE,),
    founding=0,
)
