"""Supply-chain finance 供应链金融: a supplier sells what it is owed for an order to a bank, once, before it is paid.

The buyer confirms the payable of goods that it received, the supplier offers it to one bank for a price, and the bank
accepts. In that one transaction the bank's price comes onto the ledger and to the supplier, and the order's payee
becomes the bank: `procurement.pay` pays the right one from then on, and nobody else can be paid for it. Only an order
of which nothing was paid is factored, so that whatever is paid or given back concerns one payee.

Goods of recalled lots may go back afterwards: then the bank is paid less, or its refund is asked of it, and it has
recourse to the supplier for as much. An account is barred by a hold, and free again when the hold is lifted by two.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from consortium.contracts.access import BY_PROVIDERS, REGULATOR, SUPERVISORS, SUPPLIER, among
from consortium.contracts.checks import check_day, check_identifier, check_range, check_reference
from consortium.contracts.insurance import funds
from consortium.contracts.medicines.procurement_records import (
    OF_BUYER,
    OF_SUPPLIER,
    ORDERS,
    RECEIVED,
    Order,
    find_buyer,
    find_supplier,
    get_order,
)
from consortium.contracts.oversight import hold
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
    Whose,
)

BANK = "bank"
CONFIRMED, OFFERED, FACTORED = "confirmed", "offered", "factored"
LOCKED = "locked"  # in a hash lock, whose account is its payee meanwhile
PAYEE_KINDS = ("supplier", "bank")


class Receivable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `order_no`. `face_fen`: what the buyer confirmed. `bank`: a member, "" where it is offered to none;
    `last_day`: the last day of its offer. `recovered_fen`: what came back from the supplier for goods that went
    back."""

    face_fen: int
    stage: str
    bank: str = ""
    price_fen: int = 0
    last_day: int = 0
    recovered_fen: int = 0


RECEIVABLES: Table[Receivable] = Table("receivable", Receivable, told_as="receivable")

LIFE = Life(
    RECEIVABLES,
    (
        Move("", "confirm", CONFIRMED),
        Move(CONFIRMED, "confirm", CONFIRMED),
        Move(CONFIRMED, "offer", OFFERED),
        Move(OFFERED, "offer", OFFERED),
        Move(OFFERED, "withdraw", CONFIRMED),
        Move(OFFERED, "decline", CONFIRMED),
        Move(OFFERED, "accept", FACTORED),
        Move(FACTORED, "recover", FACTORED),
        Move(CONFIRMED, "hash_lock.lock", LOCKED),
        Move(LOCKED, "hash_lock.open", FACTORED),
        Move(LOCKED, "hash_lock.refund", CONFIRMED),
    ),
)


class OfReceivable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names the receivable of an order."""

    order_no: str


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Offer a confirmed receivable to `bank` for `price_fen`, or offer it anew, until the end of a day."""

    order_no: str
    bank: str
    price_fen: int
    last_day: int


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Buy it for the price that was offered: a price that was changed meanwhile is not accepted."""

    order_no: str
    price_fen: int


class Bar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold "supplier/<member>" or "bank/<member>" because of `record`: it sells and buys no receivable, and is paid
    nothing."""

    account: str
    record: str


def account_of(bank: str) -> str:
    return f"{BANK}/{bank}"


def get_receivable(state: StateReader, order_no: str) -> Receivable:
    """Refuses `bad-identifier`, `not-confirmed`."""
    check_identifier(order_no, "order_no")
    receivable = state.get(RECEIVABLES, order_no)
    if receivable is None:
        raise Refused("not-confirmed", f"the buyer confirmed no payable of order {order_no}")
    return receivable


def compute_recourse_fen(receivable: Receivable, order: Order) -> int:
    """What the supplier owes the bank of a factored receivable: the price of goods that went back since."""
    return max(0, receivable.face_fen - order.amount_fen - receivable.recovered_fen)


def _check_unpaid(order_no: str, order: Order) -> None:
    """Refuses `order-paid`, `not-received`."""
    if order.paid_fen:
        raise Refused("order-paid", f"{order.paid_fen} fen of order {order_no} are paid already")
    if order.stage != RECEIVED or not order.amount_fen:
        raise Refused("not-received", f"order {order_no} is {order.stage}: nothing is owed for it")


def _check_not_barred(state: StateReader, *accounts: str) -> None:
    """Refuses `payee-barred`."""
    for account in accounts:
        if hold.is_held(state, account):
            raise Refused("payee-barred", f"{account} is held: it neither sells nor buys what is owed")


def _check_not_factored(order_no: str, receivable: Receivable | None) -> None:
    """Refuses `already-factored`: before anything else that could be wrong with a second sale."""
    if receivable is not None and receivable.stage == FACTORED:
        raise Refused("already-factored", f"what is owed for order {order_no} belongs to {receivable.bank}")


def _confirm(state: State, arguments: OfReceivable, _context: Context) -> list[Event]:
    """Also anew, where goods went back before it was offered."""
    order_no = arguments.order_no
    order, known = get_order(state, order_no), state.get(RECEIVABLES, order_no)
    _check_not_factored(order_no, known)
    stage = LIFE.move("confirm", LIFE.stage_of(known), f"the receivable of order {order_no}")
    _check_unpaid(order_no, order)
    state.put(RECEIVABLES, order_no, Receivable(order.amount_fen, stage))
    fields: dict[str, int | str] = {"order_no": order_no, "supplier": order.supplier, "face_fen": order.amount_fen}
    return [Event("receivable-confirmed", fields | {"buyer": order.fixmedins_code, "due_day": order.due_day})]


def check_sellable(state: StateReader, order_no: str, operation: str) -> tuple[Receivable, str]:
    """A receivable and its next stage. Refuses `already-factored`, `wrong-stage`, `order-paid`, `face-differs`."""
    receivable = get_receivable(state, order_no)
    _check_not_factored(order_no, receivable)
    stage = LIFE.move(operation, receivable.stage, f"the receivable of order {order_no}")
    order = get_order(state, order_no)
    _check_unpaid(order_no, order)
    if order.amount_fen != receivable.face_fen:
        raise Refused("face-differs", f"{order.amount_fen} fen are owed for order {order_no} now: it is confirmed anew")
    return receivable, stage


def _offer(state: State, arguments: Offer, context: Context) -> list[Event]:
    """Also changes an offer that was not accepted yet."""
    order_no, bank, last_day = arguments.order_no, arguments.bank, arguments.last_day
    check_identifier(bank, "bank")
    check_day(last_day, "last_day")
    receivable, stage = check_sellable(state, order_no, "offer")
    check_range(arguments.price_fen, 1, receivable.face_fen, "price_fen")
    if last_day < context.day:
        raise Refused("offer-over", f"the offer would have ended with {last_day}; today is {context.day}")
    _check_not_barred(state, f"supplier/{context.member}", account_of(bank))
    offered = msgspec.structs.replace(
        receivable, stage=stage, bank=bank, price_fen=arguments.price_fen, last_day=last_day
    )
    state.put(RECEIVABLES, order_no, offered)
    fields: dict[str, int | str] = {"order_no": order_no, "bank": bank, "face_fen": receivable.face_fen}
    return [Event("receivable-offered", fields | {"price_fen": arguments.price_fen, "last_day": last_day})]


def _end_offer(state: State, order_no: str, operation: str, kind: str) -> list[Event]:
    receivable = get_receivable(state, order_no)
    _check_not_factored(order_no, receivable)
    stage = LIFE.move(operation, receivable.stage, f"the receivable of order {order_no}")
    state.put(RECEIVABLES, order_no, Receivable(receivable.face_fen, stage))
    return [Event(kind, {"order_no": order_no, "bank": receivable.bank})]


def _withdraw(state: State, arguments: OfReceivable, _context: Context) -> list[Event]:
    return _end_offer(state, arguments.order_no, "withdraw", "receivable-withdrawn")


def _decline(state: State, arguments: OfReceivable, _context: Context) -> list[Event]:
    return _end_offer(state, arguments.order_no, "decline", "receivable-declined")


def _accept(state: State, arguments: Accept, context: Context) -> list[Event]:
    """Pay the supplier and become the payee, at once or not at all."""
    order_no = arguments.order_no
    receivable, stage = check_sellable(state, order_no, "accept")
    if arguments.price_fen != receivable.price_fen:
        raise Refused("offer-differs", f"order {order_no} is offered for {receivable.price_fen} fen")
    if context.day > receivable.last_day:
        raise Refused("offer-over", f"the offer of order {order_no} ended with {receivable.last_day}")
    order, account = get_order(state, order_no), account_of(receivable.bank)
    _check_not_barred(state, order.payee, account)
    funds.open_account(state, account)
    events: list[Event] = []
    funds.move(state, funds.EXTERNAL, order.payee, receivable.price_fen, f"receivable/{order_no}", events)
    state.put(ORDERS, order_no, msgspec.structs.replace(order, payee=account))
    state.put(RECEIVABLES, order_no, msgspec.structs.replace(receivable, stage=stage))
    fields: dict[str, int | str] = {"order_no": order_no, "bank": receivable.bank, "supplier": order.supplier}
    events.append(Event("receivable-factored", fields | {"price_fen": receivable.price_fen}))
    return events


def _recover(state: State, arguments: OfReceivable, _context: Context) -> list[Event]:
    """Recourse: the bank gets back from the supplier what goods cost that went back. It passes every hold, for it gives
    money back. Refuses `nothing-to-recover`, `account-short`."""
    order_no = arguments.order_no
    receivable = get_receivable(state, order_no)
    stage = LIFE.move("recover", receivable.stage, f"the receivable of order {order_no}")
    order = get_order(state, order_no)
    owed_fen = compute_recourse_fen(receivable, order)
    if not owed_fen:
        raise Refused("nothing-to-recover", f"nothing of order {order_no} went back that was not made good")
    events: list[Event] = []
    source, target = f"supplier/{order.supplier}", account_of(receivable.bank)
    funds.move(state, source, target, owed_fen, f"recourse/{order_no}", events, is_return=True)
    recovered_fen = receivable.recovered_fen + owed_fen
    state.put(RECEIVABLES, order_no, msgspec.structs.replace(receivable, stage=stage, recovered_fen=recovered_fen))
    fields: dict[str, int | str] = {"order_no": order_no, "bank": receivable.bank, "supplier": order.supplier}
    events.append(Event("receivable-recovered", fields | {"amount_fen": owed_fen}))
    return events


def _bar(state: State, arguments: Bar, context: Context) -> list[Event]:
    """Barred twice for one record, it is barred once."""
    funds.check_account(arguments.account, PAYEE_KINDS)
    check_reference(arguments.record, "record")
    if len(hold.get_holds(state, arguments.account)) >= hold.HOLDS_MAX:
        raise Refused("too-many-holds", f"{arguments.account} is barred often enough")
    events: list[Event] = []
    hold.place_by_rule(state, arguments.account, hold.INQUIRY, arguments.record, context, events)
    return events


def find_bank(state: StateReader, order_no: str) -> tuple[str, ...]:
    """The bank that is offered a receivable, or has it; none where nobody is."""
    receivable = state.get(RECEIVABLES, order_no)
    return (receivable.bank,) if receivable is not None and receivable.bank else ()


def _find_sides(state: StateReader, asked: OfReceivable) -> Collection[str]:
    if state.get(RECEIVABLES, asked.order_no) is None:
        return ()
    order_no = asked.order_no
    return (*find_buyer(state, order_no), *find_supplier(state, order_no), *find_bank(state, order_no))


def _receivable(state: StateReader, asked: OfReceivable, _reader: Reader) -> Receivable:
    return get_receivable(state, asked.order_no)


OF_BANK = Whose(lambda state, arguments: find_bank(state, arguments.order_no), owner="who is offered it")
OF_SIDES = Whose(_find_sides, SUPERVISORS, "who owes it, who sells it, who is offered it")

CONTRACT = Contract(
    "receivable",
    1,
    (
        Operation("confirm", OfReceivable, BY_PROVIDERS, _confirm, OF_BUYER),
        Operation("offer", Offer, among(SUPPLIER), _offer, OF_SUPPLIER),
        Operation("withdraw", OfReceivable, among(SUPPLIER), _withdraw, OF_SUPPLIER),
        Operation("decline", OfReceivable, among(BANK), _decline, OF_BANK),
        Operation("accept", Accept, among(BANK), _accept, OF_BANK),
        Operation("recover", OfReceivable, among(BANK), _recover, OF_BANK),
        Operation("bar", Bar, among(REGULATOR), _bar),
    ),
    (
        Query(
            "of_order",
            OfReceivable,
            BY_PROVIDERS | SUPERVISORS | {SUPPLIER, BANK},
            _receivable,
            OF_SIDES,
            RowOf(RECEIVABLES, lambda asked: asked.order_no, OfReceivable),
        ),
    ),
    lives=(LIFE,),
    founding=0,
)
