"""Deliveries: shipped with at most two invoices (两票制), scanned into stock or rejected."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_PROVIDERS, SUPPLIER, among
from consortium.contracts.checks import check_count, check_digest, check_identifier, check_range
from consortium.contracts.insurance import policy
from consortium.contracts.medicines import packs
from consortium.contracts.medicines.procurement_records import (
    CHECK_OVERDUE,
    CHECK_VOLUME,
    INVOICES,
    OF_BUYER,
    OF_SUPPLIER,
    ORDER_CODES_MAX,
    ORDER_LIFE,
    ORDERED,
    ORDERS,
    RECEIVED,
    REJECTED,
    SUBCONTRACTS,
    Invoice,
    InvoiceUse,
    Order,
    Receive,
    Ship,
    Tender,
    get_order,
    get_subcontract,
    get_tender,
)
from consortium.contracts.medicines.returns import owe_refund
from consortium.contracts.oversight import due
from consortium.contracts.oversight.notice import notice
from consortium.core.calendar import compute_day_after
from consortium.core.contract import Context, Event, Operation, Refused, State

INVOICES_MAX = 2


def _ship(state: State, arguments: Ship, context: Context) -> list[Event]:
    """Also amends a shipment that is not yet received; its inspection report stays the one that was committed to."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    stage = ORDER_LIFE.move("ship", order.stage, f"order {order_no}")
    tender = get_tender(state, order.contract_no)
    if tender.prepay_bp and order.stage == ORDERED:
        raise Refused(
            "prepayment-missing", f"order {order_no} is shipped after {tender.prepay_bp} basis points are paid"
        )
    _check_report(order, arguments)
    check_count(len(arguments.codes), ORDER_CODES_MAX, "codes", 0)
    if arguments.codes:
        if len(arguments.codes) != order.quantity:
            raise Refused("trace-code-count", f"{len(arguments.codes)} codes for {order.quantity} packs")
        _check_codes_shippable(state, arguments.codes, tender.med_list_codg, context.member)
    else:
        item = policy.item_on(state, tender.med_list_codg, context.day)
        if item is not None and item.needs_trace_code:
            raise Refused("trace-code-missing", f"{tender.med_list_codg} is shipped with trace codes only")
    _check_invoices(arguments.invoices, tender, order)
    for invoice in order.invoices:
        state.delete(INVOICES, invoice.digest.hex())
    for invoice in arguments.invoices:
        used = state.get(INVOICES, invoice.digest.hex())
        if used is not None:
            raise Refused("invoice-used", f"the invoice was used for order {used.order_no} already")
        state.put(INVOICES, invoice.digest.hex(), InvoiceUse(order_no))
    shipped = msgspec.structs.replace(
        order,
        stage=stage,
        invoices=arguments.invoices,
        inspection_report=arguments.inspection_report,
        codes=arguments.codes,
    )
    state.put(ORDERS, order_no, shipped)
    kind = "shipment-amended" if order.stage == stage else "order-shipped"
    return [Event(kind, {"order_no": order_no, "packs": order.quantity, "invoices": len(arguments.invoices)})]


def _check_report(order: Order, arguments: Ship) -> None:
    order_no = arguments.order_no
    check_digest(arguments.inspection_report, "inspection_report")
    if order.inspection_report not in (b"", arguments.inspection_report):
        raise Refused("report-differs", f"the goods of order {order_no} have an inspection report already")
    if not arguments.inspection_passed:
        raise Refused("inspection-failed", f"the goods of order {order_no} failed inspection: they must not be shipped")


def _check_codes_shippable(state: State, codes: tuple[str, ...], med_list_codg: str, supplier: str) -> None:
    holder = packs.holder_of_supplier(supplier)
    before = ""
    for code in codes:
        if code <= before:
            raise Refused("codes-not-sorted", "codes must be in ascending order, each once")
        before = code
        pack = packs.get_pack(state, code)
        if pack.med_list_codg != med_list_codg:
            raise Refused("trace-code-item", f"{code} is a pack of {pack.med_list_codg}, not of {med_list_codg}")
        if pack.holder != holder:
            raise Refused("trace-code-elsewhere", f"{code} is not held by {holder}")


def _check_invoices(invoices: tuple[Invoice, ...], tender: Tender, order: Order) -> None:
    """两票制: one invoice of the producer to the institution where it ships itself, else two, of the producer to who
    ships and is paid, and of that one to the institution."""
    if not 1 <= len(invoices) <= INVOICES_MAX:
        raise Refused("two-invoice-rule", f"a batch has one or two invoices, got {len(invoices)}")
    for invoice in invoices:
        check_identifier(invoice.seller, "seller")
        check_identifier(invoice.buyer, "buyer")
        check_digest(invoice.digest, "the invoice's digest")
    parties = [(invoice.seller, invoice.buyer) for invoice in invoices]
    wanted = [(tender.producer, order.fixmedins_code)]
    if order.supplier != tender.producer:
        wanted = [(tender.producer, order.supplier), (order.supplier, order.fixmedins_code)]
    if parties != wanted:
        way = ", then ".join(f"{seller} to {buyer}" for seller, buyer in wanted)
        raise Refused(
            "two-invoice-rule", f"the invoices must be of {way}: who made it, who ships and is paid, who buys"
        )
    if len(invoices) == INVOICES_MAX and invoices[0].digest == invoices[1].digest:
        raise Refused("invoice-used", "one invoice stands for both sales")


def _receive(state: State, arguments: Receive, context: Context) -> list[Event]:
    """Scan the packs into stock; what was not scanned stays with the supplier and is not paid."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    code = order.fixmedins_code
    end = RECEIVED if arguments.inspection_passed else REJECTED
    stage = ORDER_LIFE.move("receive", order.stage, f"order {order_no}", end)
    check_range(arguments.quantity, 0, order.quantity, "quantity")
    check_count(len(arguments.codes), ORDER_CODES_MAX, "codes", 0)
    if stage == REJECTED:
        return _reject(state, order_no, order, context)
    if order.codes and len(arguments.codes) != arguments.quantity:
        raise Refused("trace-code-count", f"{len(arguments.codes)} codes for {arguments.quantity} packs")
    shipped = frozenset(order.codes)
    source, target = packs.holder_of_supplier(order.supplier), packs.holder_of_institution(code)
    for each in arguments.codes:
        if each not in shipped:
            raise Refused("code-not-shipped", f"a code of the receipt was not shipped with order {order_no}")
        packs.hand_over(state, each, source, target, context.day)
    tender = get_tender(state, order.contract_no)
    today = context.day
    received = msgspec.structs.replace(
        order,
        stage=stage,
        received=arguments.quantity,
        amount_fen=arguments.quantity * tender.price_fen,
        received_day=today,
        due_day=compute_day_after(today, tender.term_days),
    )
    events: list[Event] = []
    received = owe_refund(state, order_no, received, tender, context, events)
    state.put(ORDERS, order_no, received)
    if received.amount_fen > received.paid_fen:
        due.put(state, compute_day_after(received.due_day, 1), CHECK_OVERDUE, order_no, context)
    return [*_progress(state, order, order_no, received, tender.to_day), *events]


def _reject(state: State, order_no: str, order: Order, context: Context) -> list[Event]:
    """The goods failed inspection: nothing of them is owed, and what was paid is owed back."""
    events = [
        Event("order-rejected", {"order_no": order_no}),
        notice("inspection-failed", f"order/{order_no}", supplier=order.supplier, paid_fen=order.paid_fen),
    ]
    rejected = msgspec.structs.replace(order, stage=REJECTED, amount_fen=0)
    tender = get_tender(state, order.contract_no)
    state.put(ORDERS, order_no, owe_refund(state, order_no, rejected, tender, context, events))
    return events


def _progress(state: State, order: Order, order_no: str, received: Order, to_day: int) -> list[Event]:
    key = f"{order.contract_no}/{order.fixmedins_code}"
    subcontract = get_subcontract(state, order.contract_no, order.fixmedins_code)
    total = subcontract.received + received.received
    state.put(SUBCONTRACTS, key, msgspec.structs.replace(subcontract, received=total))
    if total >= subcontract.volume:
        due.clear(state, to_day, CHECK_VOLUME, key)
    events = [
        Event("order-received", {"order_no": order_no, "packs": received.received, "due_day": received.due_day}),
        Event("volume-progress", {"subcontract": key, "agreed": subcontract.volume, "received": total}),
    ]
    if received.received < order.quantity:
        events.append(notice("short-delivery", f"order/{order_no}", missing=order.quantity - received.received))
    return events


OPERATIONS = (
    Operation("ship", Ship, among(SUPPLIER), _ship, OF_SUPPLIER),
    Operation("receive", Receive, BY_PROVIDERS, _receive, OF_BUYER),
)
