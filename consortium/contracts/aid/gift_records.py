"""The records of gifts: money and goods alike, and every use of them."""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_identifier
from consortium.core.contract import Context, Event, Life, Move, Refused, State, StateReader, Table

MONEY, GOODS = "money", "goods"
KINDS = (MONEY, GOODS)
FEN = "fen"  # the unit of money
PLEDGED, RECEIVED = "pledged", "received"
ALLOCATED, HANDED_OUT, ACKNOWLEDGED = "allocated", "handed-out", "acknowledged"
ANY = "any"


class Gift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by its number. `donor`: a pseudonym, or "anonymous"; quantities in `unit`, "fen" for money. `lot_no`: of
    goods that have one. `purpose`: a need of aid.NEEDS, or "any"."""

    charity: str
    donor: str
    kind: str
    unit: str
    item: str
    lot_no: str
    purpose: str
    pledged: int
    stage: str
    received: int = 0
    allocated: int = 0
    uses: int = 0


class GiftUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "gift_no/serial", four digits, from 0001 on: what of a gift went to which application."""

    aid: str
    fixmedins_code: str
    quantity: int
    stage: str
    day: int


GIFTS: Table[Gift] = Table("gift", Gift, told_as="gift")
GIFT_USES: Table[GiftUse] = Table("gift_use", GiftUse)
LIFE = Life(
    GIFTS,
    (Move("", "pledge", PLEDGED), Move(PLEDGED, "confirm_receipt", RECEIVED), Move(RECEIVED, "allocate", RECEIVED)),
)
USE_LIFE = Life(
    GIFT_USES,
    (
        Move("", "allocate", ALLOCATED),
        Move(ALLOCATED, "hand_out", HANDED_OUT),
        Move(ALLOCATED, "aid.disburse", HANDED_OUT),
        Move(HANDED_OUT, "acknowledge", ACKNOWLEDGED),
    ),
)


def gift_account(gift_no: str) -> str:
    return f"gift/{gift_no}"


def use_key(gift_no: str, serial: int) -> str:
    return f"{gift_no}/{serial:04d}"


def get_gift(state: StateReader, gift_no: str) -> Gift:
    """Refuses `bad-identifier`, `unknown-gift`."""
    check_identifier(gift_no, "gift_no")
    gift = state.get(GIFTS, gift_no)
    if gift is None:
        raise Refused("unknown-gift", f"there is no gift {gift_no}")
    return gift


def close_use(state: State, gift_no: str, serial: int, context: Context, events: list[Event]) -> None:
    """Money of a gift is paid with a tranche: the use is handed out."""
    key = use_key(gift_no, serial)
    use = state.get(GIFT_USES, key)
    assert use is not None, "a tranche names uses that are there"
    stage = USE_LIFE.move("aid.disburse", use.stage, f"use {key}")
    state.put(GIFT_USES, key, msgspec.structs.replace(use, stage=stage, day=context.day))
    fields: dict[str, int | str] = {"gift_no": gift_no, "serial": serial, "quantity": use.quantity}
    events.append(Event("gift-handed-out", fields | {"fixmedins_code": use.fixmedins_code}))
