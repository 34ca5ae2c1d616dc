"""What goes back: goods that failed inspection, packs of recalled lots, and the money for them.

A rejected order goes back whole; of a received one the unsold packs of recalled lots do. Then the supplier was paid too
much, as it was where less came than was prepaid: that is owed back within the term of the tender, to the fund first and
then to the buyer. A refund passes every hold, for it gives money back.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_BUREAU, BY_PROVIDERS, SUPERVISORS, SUPPLIER
from consortium.contracts.checks import check_count
from consortium.contracts.insurance import funds
from consortium.contracts.medicines import packs
from consortium.contracts.medicines.procurement_records import (
    CHECK_OVERDUE,
    CHECK_REFUND,
    OF_BUYER,
    OF_SUPPLIER,
    ORDER_CODES_MAX,
    ORDER_LIFE,
    ORDERS,
    REJECTED,
    Order,
    Refund,
    SendBack,
    Tender,
    get_order,
    get_tender,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after, compute_days_between
from consortium.core.contract import Context, Event, Operation, Refused, State


def owe_refund(
    state: State, order_no: str, order: Order, tender: Tender, context: Context, events: list[Event]
) -> Order:
    """The order, with the day since which what is owed back is late; a notice tells that something is."""
    if not order.owed_back_fen or order.refund_day:
        return order
    late = compute_day_after(context.day, tender.term_days + 1)
    due.put(state, late, CHECK_REFUND, order_no, context)
    events.append(notice("overpaid", f"order/{order_no}", amount_fen=order.owed_back_fen))
    return msgspec.structs.replace(order, refund_day=late)


def _send_back(state: State, arguments: SendBack, context: Context) -> list[Event]:
    order_no, codes = arguments.order_no, arguments.codes
    order = get_order(state, order_no)
    stage = ORDER_LIFE.move("send_back", order.stage, f"order {order_no}")
    if order.stage == REJECTED:
        check_count(len(codes), 0, "codes of a rejected order, which were never scanned into stock", 0)
        count = order.quantity
    else:
        check_count(len(codes), ORDER_CODES_MAX, "codes")
        _hand_back(state, order, codes)
        count = len(codes)
    events = [Event("goods-sent-back", {"order_no": order_no, "supplier": order.supplier, "packs": count})]
    tender = get_tender(state, order.contract_no)
    left_fen = order.amount_fen - len(codes) * tender.price_fen
    if left_fen <= order.paid_fen and order.due_day:
        due.clear(state, compute_day_after(order.due_day, 1), CHECK_OVERDUE, order_no)
    back = msgspec.structs.replace(order, stage=stage, sent_back=order.sent_back + count, amount_fen=left_fen)
    state.put(ORDERS, order_no, owe_refund(state, order_no, back, tender, context, events))
    return events


def _hand_back(state: State, order: Order, codes: tuple[str, ...]) -> None:
    """Refuses `code-not-shipped`, `more-than-received`, `not-recalled`, `trace-code-…`."""
    if order.sent_back + len(codes) > order.received:  # a pack that was shipped may have come by another way
        raise Refused("more-than-received", f"{order.received} packs were received, and {order.sent_back} sent back")
    shipped = frozenset(order.codes)
    source = packs.holder_of_institution(order.fixmedins_code)
    for code in codes:
        if code not in shipped:
            raise Refused("code-not-shipped", "a code that is sent back was not shipped with this order")
        packs.send_back(state, code, source, packs.holder_of_supplier(order.supplier))


def _refund(state: State, arguments: Refund, _context: Context) -> list[Event]:
    """Refuses `nothing-to-refund`, `account-short`."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    ORDER_LIFE.move("refund", order.stage, f"order {order_no}")
    owed_fen = order.owed_back_fen
    if not owed_fen:
        raise Refused("nothing-to-refund", f"{order.supplier} was paid no more for order {order_no} than it earned")
    fund_fen = min(owed_fen, order.paid_fen - order.buyer_paid_fen)
    buyer_fen = owed_fen - fund_fen
    events: list[Event] = []
    movements = (
        (order.payee, funds.PROCUREMENT, fund_fen),
        (order.payee, f"paid/{order.fixmedins_code}", buyer_fen),
    )
    funds.move_all(state, movements, f"refund/{order_no}", events, is_return=True)
    due.clear(state, order.refund_day, CHECK_REFUND, order_no)
    refunded = msgspec.structs.replace(
        order,
        paid_fen=order.paid_fen - owed_fen,
        buyer_paid_fen=order.buyer_paid_fen - buyer_fen,
        refund_day=0,
    )
    state.put(ORDERS, order_no, refunded)
    events.append(Event("order-refunded", {"order_no": order_no, "fund_fen": fund_fen, "buyer_fen": buyer_fen}))
    return events


def _check_refund(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung on the first day on which what is owed back is late."""
    if not due.take(state, arguments, CHECK_REFUND, context):
        return []
    order = get_order(state, arguments.key)
    days = compute_days_between(order.refund_day, context.day) + 1
    return [
        notice("refund-overdue", f"order/{arguments.key}", due=arguments.day, days=days, amount_fen=order.owed_back_fen)
    ]


OPERATIONS = (
    Operation("send_back", SendBack, BY_PROVIDERS, _send_back, OF_BUYER),
    Operation("refund", Refund, BY_BUREAU | {SUPPLIER}, _refund, OF_SUPPLIER.or_of(BUREAU)),
    Operation("check_refund", Ring, SUPERVISORS, _check_refund),
)
