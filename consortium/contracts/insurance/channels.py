"""By which means a patient paid its share: a table by settlement, and totals by institution, day and means.

A reversal gives the share back by the same means: the totals of its day count it with a minus.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance.journal import spelt_key
from consortium.core.contract import Context, Event, Life, Move, State, Table

CASH, BANK_CARD, MOBILE, FAMILY_ACCOUNT = "cash", "bank-card", "mobile", "family-account"
CHANNELS = (CASH, BANK_CARD, MOBILE, FAMILY_ACCOUNT)
PAID, RETURNED = "paid", "returned"


class Part(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """`channel`: of CHANNELS. `receipt`: the means' own number of the payment, "" for cash."""

    channel: str
    amount_fen: int
    receipt: str = ""


class SharePayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like the settlement whose `cash_payamt` the parts add up to."""

    fixmedins_code: str
    parts: tuple[Part, ...]
    day: int
    stage: str


class ChannelDay(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed "fixmedins_code/YYYYMMDD/channel": what was paid, less what was given back. `stated_…`: what the means'
    own statement says, once the bureau brought it; `stage` "" before it."""

    count: int = 0
    amount_fen: int = 0
    stage: str = ""
    stated_count: int = 0
    stated_fen: int = 0


SHARE_PAYMENTS: Table[SharePayment] = Table("share_payment", SharePayment, told_as="share-payment", key_of=spelt_key)
CHANNEL_DAYS: Table[ChannelDay] = Table("channel_day", ChannelDay)
LIFE = Life(
    SHARE_PAYMENTS,
    (Move("", "record", PAID), Move(PAID, "settlement.reverse", RETURNED)),
    code="recorded-already",
)


def channel_key(fixmedins_code: str, day: int, channel: str) -> str:
    return f"{fixmedins_code}/{day}/{channel}"


def count_parts(state: State, code: str, parts: tuple[Part, ...], day: int, sign: int) -> None:
    """Add the parts to the totals of the day; a total that was held against a statement is to be held anew."""
    for part in parts:
        key = channel_key(code, day, part.channel)
        held = state.get(CHANNEL_DAYS, key) or ChannelDay()
        amount_fen = held.amount_fen + sign * part.amount_fen
        state.put(CHANNEL_DAYS, key, ChannelDay(held.count + sign, amount_fen))


def give_share_back(state: State, key: str, context: Context, events: list[Event]) -> None:
    """The settlement under this key is reversed: what the patient paid is given back by the same means, today."""
    payment = state.get(SHARE_PAYMENTS, key)
    if payment is None or not LIFE.allows("settlement.reverse", payment.stage):
        return
    stage = LIFE.move("settlement.reverse", payment.stage, f"the share of settlement {key}")
    count_parts(state, payment.fixmedins_code, payment.parts, context.day, -1)
    state.put(SHARE_PAYMENTS, key, msgspec.structs.replace(payment, stage=stage))
    events.append(share_event("share-returned", key, payment))


def share_event(kind: str, key: str, payment: SharePayment) -> Event:
    """`channels`: the means by which it was paid, in their order, joined by commas."""
    psn_no, year, sequence = key.split("/")
    used = {part.channel for part in payment.parts}
    return Event(
        kind,
        {
            "psn_no": psn_no,
            "year": int(year),
            "sequence": int(sequence),
            "fixmedins_code": payment.fixmedins_code,
            "amount_fen": sum(part.amount_fen for part in payment.parts),
            "channels": ",".join(channel for channel in CHANNELS if channel in used),
        },
    )
