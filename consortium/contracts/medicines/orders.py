"""Orders and the money for them: placed within a sub-contract, prepaid before shipment, paid after receipt."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_BUREAU, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import (
    BASIS_POINTS,
    check_choice,
    check_identifier,
    check_positive_amount,
    check_range,
)
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.drg import divide_half_up
from consortium.contracts.insurance.institution import check_open, get_institution
from consortium.contracts.medicines.procurement_records import (
    CHECK_OVERDUE,
    CLOSED,
    OF_BUYER,
    OF_ORDERER,
    ORDER_LIFE,
    ORDERS,
    PREPAYMENT_MIN_BP,
    QUANTITY_MAX,
    SUBCONTRACTS,
    Order,
    Pay,
    PlaceOrder,
    Prepay,
    get_order,
    get_subcontract,
    get_tender,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after, compute_days_between
from consortium.core.contract import Context, Event, Operation, Refused, State

_FUND, _BUYER = "fund", "buyer"


def _place_order(state: State, arguments: PlaceOrder, context: Context) -> list[Event]:
    """Also amends an order that is neither prepaid nor shipped."""
    code, contract_no, order_no = arguments.fixmedins_code, arguments.contract_no, arguments.order_no
    check_identifier(order_no, "order_no")
    institution = get_institution(state, code)
    today = context.day
    check_open(institution, code, today)
    tender = get_tender(state, contract_no)
    subcontract = get_subcontract(state, contract_no, code)
    check_range(arguments.quantity, 1, QUANTITY_MAX, "quantity")
    check_positive_amount(arguments.quantity * tender.price_fen, "the order's amount")
    known = state.get(ORDERS, order_no)
    stage = ORDER_LIFE.move("place_order", ORDER_LIFE.stage_of(known), f"order {order_no}")
    before = 0
    if known is not None:
        if known.contract_no != contract_no:
            raise Refused("order-exists", f"order {order_no} is one of {known.contract_no}")
        before = known.quantity
    elif tender.stage == CLOSED:
        raise Refused("step-closed", f"tender contract {contract_no} is closed")
    elif not tender.from_day <= today < tender.to_day:
        raise Refused("tender-not-running", f"{contract_no} runs from {tender.from_day} until {tender.to_day}")
    ordered = subcontract.ordered + arguments.quantity - before
    state.put(SUBCONTRACTS, f"{contract_no}/{code}", msgspec.structs.replace(subcontract, ordered=ordered))
    order = Order(
        contract_no=contract_no,
        fixmedins_code=code,
        supplier=tender.supplier,
        quantity=arguments.quantity,
        amount_fen=arguments.quantity * tender.price_fen,
        stage=stage,
        payee=f"supplier/{tender.supplier}",
    )
    state.put(ORDERS, order_no, order)
    kind = "order-placed" if known is None else "order-amended"
    return [Event(kind, {"order_no": order_no, "fixmedins_code": code, "amount_fen": order.amount_fen})]


def _prepay(state: State, arguments: Prepay, context: Context) -> list[Event]:
    order = get_order(state, arguments.order_no)
    check_choice(arguments.payer, (_FUND, _BUYER), "payer")
    least_bp = max(PREPAYMENT_MIN_BP, get_tender(state, order.contract_no).prepay_bp)
    check_range(arguments.share_bp, least_bp, BASIS_POINTS, "share_bp")
    stage = ORDER_LIFE.move("prepay", order.stage, f"order {arguments.order_no}")
    amount_fen = divide_half_up(order.amount_fen * arguments.share_bp, BASIS_POINTS)
    events: list[Event] = []
    paid = _pay_from(state, order, arguments, amount_fen, "prepayment", context, events)
    state.put(ORDERS, arguments.order_no, msgspec.structs.replace(paid, stage=stage))
    events.append(Event("order-prepaid", {"order_no": arguments.order_no, "amount_fen": amount_fen}))
    return events


def _pay_from(
    state: State, order: Order, told: Prepay | Pay, amount_fen: int, cause: str, context: Context, events: list[Event]
) -> Order:
    """The bureau pays from the procurement fund, the buyer from what it was paid. The order as paid."""
    is_fund = told.payer == _FUND
    if is_fund != (context.role == BUREAU):
        raise Refused(
            "not-permitted", f"a {context.role} may not pay from the {told.payer}: the bureau pays from the fund"
        )
    source = funds.PROCUREMENT if is_fund else f"paid/{order.fixmedins_code}"
    funds.move(state, source, order.payee, amount_fen, f"{cause}/{told.order_no}", events)
    buyer_fen = order.buyer_paid_fen + (0 if is_fund else amount_fen)
    return msgspec.structs.replace(order, paid_fen=order.paid_fen + amount_fen, buyer_paid_fen=buyer_fen)


def _pay(state: State, arguments: Pay, context: Context) -> list[Event]:
    """Pay what is open; nothing is where a prepayment covered it."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    check_choice(arguments.payer, (_FUND, _BUYER), "payer")
    stage = ORDER_LIFE.move("pay", order.stage, f"order {order_no}")
    open_fen = max(0, order.amount_fen - order.paid_fen)
    events: list[Event] = []
    paid = _pay_from(state, order, arguments, open_fen, "order", context, events)
    state.put(ORDERS, order_no, msgspec.structs.replace(paid, stage=stage))
    due.clear(state, compute_day_after(order.due_day, 1), CHECK_OVERDUE, order_no)
    late_days = max(0, compute_days_between(order.due_day, context.day))
    fields: dict[str, int | str] = {
        "order_no": order_no,
        "amount_fen": open_fen,
        "payee": order.payee,
        "late_days": late_days,
    }
    events.append(Event("order-paid", fields))
    return events


def _check_overdue(state: State, arguments: Ring, context: Context) -> list[Event]:
    """Rung on the first day on which the payment for what was received is late."""
    if not due.take(state, arguments, CHECK_OVERDUE, context):
        return []
    order = get_order(state, arguments.key)
    days, open_fen = compute_days_between(order.due_day, context.day), order.amount_fen - order.paid_fen
    return [notice("payment-overdue", f"order/{arguments.key}", due=arguments.day, days=days, amount_fen=open_fen)]


_BY_PAYERS = BY_PROVIDERS | BY_BUREAU

OPERATIONS = (
    Operation("place_order", PlaceOrder, BY_PROVIDERS, _place_order, OF_ORDERER),
    Operation("prepay", Prepay, _BY_PAYERS, _prepay, OF_BUYER.or_of(BUREAU)),
    Operation("pay", Pay, _BY_PAYERS, _pay, OF_BUYER.or_of(BUREAU)),
    Operation("check_overdue", Ring, SUPERVISORS, _check_overdue),
)
