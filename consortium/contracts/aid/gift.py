"""Gifts 捐赠: money and goods, from the pledge to whoever was helped; every donor follows the gift to its use.

A charity registers what is pledged to it; the finance office confirms what came. Money is allocated to tranches of aid
that no gift bears yet, and is paid with them (`aid.disburse`); goods are allocated, handed out, and acknowledged by the
hospital. A gift for a purpose goes to that need alone. `trail` tells the way of a gift and names no person: when, how
much, at which hospital, for which need, and what came of it.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, NOBODY, REGULATOR, among
from consortium.contracts.aid.aid_payments import FINANCE
from consortium.contracts.aid.aid_records import AIDS, GRANTED, NEEDS, Aid, GiftPart, Tranche, find_treating, get_aid
from consortium.contracts.aid.gift_records import (
    ANY,
    FEN,
    GIFT_USES,
    GIFTS,
    GOODS,
    KINDS,
    LIFE,
    MONEY,
    USE_LIFE,
    Gift,
    GiftUse,
    get_gift,
    gift_account,
    use_key,
)
from consortium.contracts.checks import (
    AMOUNT_FEN_MAX,
    check_choice,
    check_identifier,
    check_own_number,
    check_pseudonym,
    check_range,
)
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.medicines.packs import get_lot
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
    Whose,
)

CHARITY = "charity"
USES_MAX = 9_999
PAGE_MAX = 50


class Pledge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gift that a donor, by pseudonym, pledges. The number begins with the charity's name and a colon. `kind`: money
    (unit fen, no item) | goods. `purpose`: a need of aid, or "any"."""

    gift_no: str
    donor: str
    kind: str
    unit: str
    item: str
    lot_no: str
    purpose: str
    quantity: int


class ConfirmReceipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of what was pledged came."""

    gift_no: str
    quantity: int


class Allocate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So much of a gift is for this application of aid."""

    gift_no: str
    psn_no: str
    year: int
    sequence: int
    quantity: int


class OfUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a use of a gift."""

    gift_no: str
    serial: int


class OfGift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a gift."""

    gift_no: str


class TrailOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the next 50 uses of a gift behind the serial `after`."""

    gift_no: str
    after: int = 0


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A use of a gift, without the person. `effect` is empty until the hospital has told it."""

    serial: int
    quantity: int
    stage: str
    day: int
    fixmedins_code: str
    need: str
    effect: str


class Trail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gift and what became of it. `left`: what is not allocated yet."""

    gift: Gift
    left: int
    steps: tuple[Step, ...]


def _pledge(state: State, arguments: Pledge, context: Context) -> list[Event]:
    gift_no, unit, item = arguments.gift_no, arguments.unit, arguments.item
    check_own_number(gift_no, context.member, "gift_no")
    check_pseudonym(arguments.donor, "donor")
    check_choice(arguments.kind, KINDS, "kind")
    check_identifier(unit, "unit")
    check_choice(arguments.purpose, (ANY, *NEEDS), "purpose")
    check_range(arguments.quantity, 1, AMOUNT_FEN_MAX, "quantity")
    is_money = arguments.kind == MONEY
    if is_money != (unit == FEN) or (is_money and (item or arguments.lot_no)):
        raise Refused("kind-differs", "money is counted in fen and has no item; goods have a unit and an item")
    if not is_money:
        check_identifier(item, "item")
        if arguments.lot_no:
            get_lot(state, arguments.lot_no)
    stage = LIFE.move("pledge", LIFE.stage_of(state.get(GIFTS, gift_no)), f"gift {gift_no}")
    gift = Gift(
        context.member,
        arguments.donor,
        arguments.kind,
        unit,
        item,
        arguments.lot_no,
        arguments.purpose,
        arguments.quantity,
        stage,
    )
    state.put(GIFTS, gift_no, gift)
    fields: dict[str, int | str] = {"gift_no": gift_no, "kind": gift.kind, "quantity": gift.pledged, "unit": unit}
    return [Event("gift-pledged", fields | {"purpose": gift.purpose, "charity": context.member})]


def _confirm_receipt(state: State, arguments: ConfirmReceipt, _context: Context) -> list[Event]:
    gift_no, quantity = arguments.gift_no, arguments.quantity
    gift = get_gift(state, gift_no)
    stage = LIFE.move("confirm_receipt", gift.stage, f"gift {gift_no}")
    check_range(quantity, 1, gift.pledged, "quantity")
    events: list[Event] = []
    if gift.kind == MONEY:
        funds.open_account(state, gift_account(gift_no))
        funds.move(state, funds.EXTERNAL, gift_account(gift_no), quantity, f"gift/{gift_no}", events)
    state.put(GIFTS, gift_no, msgspec.structs.replace(gift, stage=stage, received=quantity))
    return [*events, Event("gift-received", {"gift_no": gift_no, "quantity": quantity, "unit": gift.unit})]


def _allocate(state: State, arguments: Allocate, context: Context) -> list[Event]:
    """Refuses `gift-spent`, `purpose-differs`, `application-closed`, `need-covered`, `gift-full`."""
    gift_no, quantity = arguments.gift_no, arguments.quantity
    gift = get_gift(state, gift_no)
    LIFE.move("allocate", gift.stage, f"gift {gift_no}")
    check_range(quantity, 1, AMOUNT_FEN_MAX, "quantity")
    if quantity > gift.received - gift.allocated:
        raise Refused("gift-spent", f"{gift.received - gift.allocated} {gift.unit} of gift {gift_no} are left")
    key, aid = get_aid(state, arguments.psn_no, arguments.year, arguments.sequence)
    if aid.stage != GRANTED:
        raise Refused("application-closed", f"aid {key} is {aid.stage}")
    if gift.purpose not in (ANY, aid.need):
        raise Refused("purpose-differs", f"gift {gift_no} is for {gift.purpose}, not for {aid.need}")
    if gift.uses >= USES_MAX:
        raise Refused("gift-full", f"gift {gift_no} has {gift.uses} uses")
    serial = gift.uses + 1
    if gift.kind == MONEY:
        tranches = _bear(aid, key, GiftPart(gift_no, serial, quantity))
        state.put(AIDS, key, msgspec.structs.replace(aid, tranches=tranches))
    settlement = state.get(SETTLEMENTS, key)
    code = "" if settlement is None else settlement.fixmedins_code
    stage = USE_LIFE.move("allocate", "", f"use {use_key(gift_no, serial)}")
    state.put(GIFT_USES, use_key(gift_no, serial), GiftUse(key, code, quantity, stage, context.day))
    state.put(GIFTS, gift_no, msgspec.structs.replace(gift, allocated=gift.allocated + quantity, uses=serial))
    return [_use_event("gift-allocated", gift_no, serial, quantity, code)]


def _bear(aid: Aid, key: str, part: GiftPart) -> tuple[Tranche, ...]:
    """The tranches with this gift in the first that is unpaid and has room for all of it. Refuses `need-covered`."""
    tranches = list(aid.tranches)
    for place, tranche in enumerate(tranches):
        if not tranche.paid_on and tranche.open_fen >= part.amount_fen:
            tranches[place] = msgspec.structs.replace(tranche, gifts=(*tranche.gifts, part))
            return tuple(tranches)
    raise Refused("need-covered", f"no unpaid part of aid {key} has room for {part.amount_fen} fen")


def _use_event(kind: str, gift_no: str, serial: int, quantity: int, code: str) -> Event:
    return Event(kind, {"gift_no": gift_no, "serial": serial, "quantity": quantity, "fixmedins_code": code})


def _get_use(state: StateReader, arguments: OfUse) -> tuple[str, GiftUse]:
    check_identifier(arguments.gift_no, "gift_no")
    check_range(arguments.serial, 1, USES_MAX, "serial")
    key = use_key(arguments.gift_no, arguments.serial)
    use = state.get(GIFT_USES, key)
    if use is None:
        raise Refused("not-allocated", f"there is no use {key}")
    return key, use


def _hand_out(state: State, arguments: OfUse, context: Context) -> list[Event]:
    """Of goods; money is handed out as a tranche is paid. Refuses `kind-differs`, `not-allocated`."""
    key, use = _get_use(state, arguments)
    if get_gift(state, arguments.gift_no).kind != GOODS:
        raise Refused("kind-differs", "money is handed out by aid.disburse, as its tranche is paid")
    stage = USE_LIFE.move("hand_out", use.stage, f"use {key}")
    state.put(GIFT_USES, key, msgspec.structs.replace(use, stage=stage, day=context.day))
    return [_use_event("gift-handed-out", arguments.gift_no, arguments.serial, use.quantity, use.fixmedins_code)]


def _acknowledge(state: State, arguments: OfUse, context: Context) -> list[Event]:
    """The hospital says that its patient got it."""
    key, use = _get_use(state, arguments)
    stage = USE_LIFE.move("acknowledge", use.stage, f"use {key}")
    state.put(GIFT_USES, key, msgspec.structs.replace(use, stage=stage, day=context.day))
    return [_use_event("gift-acknowledged", arguments.gift_no, arguments.serial, use.quantity, use.fixmedins_code)]


def _gift(state: StateReader, asked: OfGift, _reader: Reader) -> Gift:
    return get_gift(state, asked.gift_no)


def _trail(state: StateReader, asked: TrailOf, _reader: Reader) -> Trail:
    gift = get_gift(state, asked.gift_no)
    check_range(asked.after, 0, USES_MAX, "after")
    rows = state.range(
        GIFT_USES, use_key(asked.gift_no, asked.after + 1), use_key(asked.gift_no, USES_MAX) + "~", limit=PAGE_MAX
    )
    return Trail(gift, gift.received - gift.allocated, tuple(_step(state, key, use) for key, use in rows))


def _step(state: StateReader, key: str, use: GiftUse) -> Step:
    aid = state.get(AIDS, use.aid)
    need, effect = ("", "") if aid is None else (aid.need, aid.effect)
    serial = int(key.rpartition("/")[2])
    return Step(serial, use.quantity, use.stage, use.day, use.fixmedins_code, need, effect)


def _find_charity(state: StateReader, of: Allocate | OfUse | OfGift | TrailOf) -> tuple[str, ...]:
    gift = state.get(GIFTS, of.gift_no)
    return NOBODY if gift is None else (gift.charity,)


def _find_hospital(state: StateReader, of: OfUse) -> tuple[str, ...]:
    use = state.get(GIFT_USES, use_key(of.gift_no, of.serial))
    if use is None:
        return NOBODY
    psn_no, year, sequence = use.aid.split("/")
    return find_treating(state, psn_no, int(year), int(sequence))


_OF_CHARITY = Whose(_find_charity, owner="who holds the gift")
_OF_HOSPITAL = Whose(_find_hospital, owner="who acts for the hospital of the gift's use")
_READERS = among(BUREAU, REGULATOR, FINANCE)

CONTRACT = Contract(
    "gift",
    1,
    (
        Operation("pledge", Pledge, among(CHARITY), _pledge),
        Operation("confirm_receipt", ConfirmReceipt, among(FINANCE), _confirm_receipt),
        Operation("allocate", Allocate, among(CHARITY), _allocate, _OF_CHARITY),
        Operation("hand_out", OfUse, among(CHARITY), _hand_out, _OF_CHARITY),
        Operation("acknowledge", OfUse, among(HOSPITAL), _acknowledge, _OF_HOSPITAL),
    ),
    (
        Query(
            "get",
            OfGift,
            _READERS | {CHARITY},
            _gift,
            _OF_CHARITY.or_of(*_READERS),
            RowOf(GIFTS, lambda asked: asked.gift_no, OfGift),
        ),
        Query("trail", TrailOf, _READERS | {CHARITY}, _trail, _OF_CHARITY.or_of(*_READERS)),
    ),
    lives=(LIFE, USE_LIFE),
    founding=0,
)
