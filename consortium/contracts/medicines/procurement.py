"""Drug procurement 集中带量采购: tender → sub-contract → order → shipment → scanned receipt → payment → volume
progress.

A step may be amended before the next one, never skipped or undone: a tender until its first sub-contract, a
sub-contract until its first order, an order until its prepayment or shipment, a shipment until its receipt; a
scanned receipt is a fact. Two invoices at most (两票制): producer → distributor → institution. Late payment,
unmet volume, short delivery and failed inspection raise notices (events "notice") by themselves.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, BY_BUREAU, BY_PROVIDERS, REGULATOR, SUPERVISORS, SUPPLIER, among
from consortium.contracts.checks import (
    BASIS_POINTS,
    check_choice,
    check_count,
    check_digest,
    check_identifier,
    check_period,
    check_positive_amount,
    check_range,
)
from consortium.contracts.insurance import funds, policy
from consortium.contracts.insurance.drg import divide_half_up
from consortium.contracts.insurance.institution import OF_INSTITUTION, check_open, get_institution
from consortium.contracts.medicines import trace_code
from consortium.contracts.medicines.procurement_records import (
    CLOSED,
    EFFECTIVE,
    INVOICES,
    OF_BUYER,
    OF_ORDERER,
    OF_SUPPLIER,
    OPEN,
    ORDERED,
    ORDERS,
    PAID,
    PREPAID,
    RECEIVED,
    REJECTED,
    SHIPPED,
    SUBCONTRACTS,
    TENDERS,
    AwardTender,
    CheckOverdue,
    CloseTender,
    Invoice,
    InvoiceUse,
    Order,
    Pay,
    PlaceOrder,
    Prepay,
    Receive,
    Ship,
    SignSubcontract,
    Subcontract,
    Tender,
    get_order,
    get_subcontract,
    get_tender,
)
from consortium.contracts.oversight import hold
from consortium.core.calendar import compute_day_after, compute_days_between
from consortium.core.contract import Context, Contract, Event, Operation, Refused, State

QUANTITY_MAX = 10**9
ORDER_CODES_MAX = 200
INVOICES_MAX = 2
TERM_DAYS_MAX = 365
PREPAYMENT_MIN_BP = 3_000
_FUND, _BUYER = "fund", "buyer"


def _notice(why: str, record: str, **fields: int | str) -> Event:
    return Event("notice", {"why": why, "record": record, **fields})


def _tender_of(arguments: AwardTender) -> Tender:
    check_identifier(arguments.contract_no, "contract_no")
    check_identifier(arguments.med_list_codg, "med_list_codg")
    check_identifier(arguments.producer, "producer")
    check_identifier(arguments.supplier, "supplier")
    check_positive_amount(arguments.price_fen, "price_fen")
    check_range(arguments.volume, 1, QUANTITY_MAX, "volume")
    check_period(arguments.from_day, arguments.to_day, "the tender's")
    check_range(arguments.term_days, 1, TERM_DAYS_MAX, "term_days")
    return Tender(
        med_list_codg=arguments.med_list_codg,
        producer=arguments.producer,
        supplier=arguments.supplier,
        price_fen=arguments.price_fen,
        volume=arguments.volume,
        from_day=arguments.from_day,
        to_day=arguments.to_day,
        term_days=arguments.term_days,
    )


def _award_tender(state: State, arguments: AwardTender, _context: Context) -> list[Event]:
    tender = _tender_of(arguments)
    if state.get(TENDERS, arguments.contract_no) is not None:
        raise Refused("tender-exists", f"tender contract {arguments.contract_no} is awarded already")
    state.put(TENDERS, arguments.contract_no, tender)
    funds.open_account(state, f"supplier/{tender.supplier}")
    return [Event("tender-awarded", {"contract_no": arguments.contract_no, "supplier": tender.supplier})]


def _amend_tender(state: State, arguments: AwardTender, _context: Context) -> list[Event]:
    tender = _tender_of(arguments)
    known = get_tender(state, arguments.contract_no)
    if known.stage != OPEN:
        raise Refused("step-closed", f"tender contract {arguments.contract_no} is {known.stage}: it never changes")
    state.put(TENDERS, arguments.contract_no, tender)
    funds.open_account(state, f"supplier/{tender.supplier}")
    return [Event("tender-amended", {"contract_no": arguments.contract_no, "supplier": tender.supplier})]


def _sign_subcontract(state: State, arguments: SignSubcontract, context: Context) -> list[Event]:
    code, contract_no = arguments.fixmedins_code, arguments.contract_no
    tender = get_tender(state, contract_no)
    check_range(arguments.volume, 1, QUANTITY_MAX, "volume")
    if tender.stage == CLOSED:
        raise Refused("step-closed", f"tender contract {contract_no} is closed")
    key = f"{contract_no}/{code}"
    known = state.get(SUBCONTRACTS, key)
    if known is not None and known.ordered:
        raise Refused("step-closed", f"sub-contract {key} has orders: it never changes")
    agreed = tender.agreed + arguments.volume - (known.volume if known is not None else 0)
    if agreed > tender.volume:
        raise Refused("volume-exceeded", f"{contract_no} has {tender.volume - tender.agreed} packs left to agree")
    state.put(TENDERS, contract_no, msgspec.structs.replace(tender, stage=EFFECTIVE, agreed=agreed))
    state.put(SUBCONTRACTS, key, Subcontract(arguments.volume))
    kind = "subcontract-signed" if known is None else "subcontract-amended"
    return [Event(kind, {"contract_no": contract_no, "fixmedins_code": code, "volume": arguments.volume})]


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
    before = 0
    if known is not None:
        if known.contract_no != contract_no:
            raise Refused("order-exists", f"order {order_no} is one of {known.contract_no}")
        if known.stage != ORDERED:
            raise Refused("step-closed", f"order {order_no} is {known.stage}: it cannot be amended")
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
        stage=ORDERED,
        payee=f"supplier/{tender.supplier}",
    )
    state.put(ORDERS, order_no, order)
    kind = "order-placed" if known is None else "order-amended"
    return [Event(kind, {"order_no": order_no, "fixmedins_code": code, "amount_fen": order.amount_fen})]


def _prepay(state: State, arguments: Prepay, context: Context) -> list[Event]:
    order = get_order(state, arguments.order_no)
    check_choice(arguments.payer, (_FUND, _BUYER), "payer")
    check_range(arguments.share_bp, PREPAYMENT_MIN_BP, BASIS_POINTS, "share_bp")
    if order.stage != ORDERED:
        raise Refused("wrong-stage", f"order {arguments.order_no} is {order.stage}: prepayment follows {ORDERED}")
    amount_fen = divide_half_up(order.amount_fen * arguments.share_bp, BASIS_POINTS)
    events: list[Event] = []
    source = _payer(state, order, arguments.payer, context)
    funds.move(state, source, order.payee, amount_fen, f"prepayment/{arguments.order_no}", events)
    state.put(ORDERS, arguments.order_no, msgspec.structs.replace(order, stage=PREPAID, paid_fen=amount_fen))
    events.append(Event("order-prepaid", {"order_no": arguments.order_no, "amount_fen": amount_fen}))
    return events


def _payer(state: State, order: Order, payer: str, context: Context) -> str:
    """The account that may pay: the bureau pays from the procurement fund, the buyer from what it was paid."""
    if payer == _FUND:
        if context.role != BUREAU:
            raise Refused("not-permitted", f"a {context.role} may not pay from the fund")
        source = funds.PROCUREMENT
    elif context.role == BUREAU:
        raise Refused("not-permitted", "the bureau pays from the fund, not from what the buyer was paid")
    else:
        source = f"paid/{order.fixmedins_code}"
    hold.check_payment(state, source, order.payee)
    return source


def _ship(state: State, arguments: Ship, context: Context) -> list[Event]:
    """Also amends a shipment that is not yet received."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    if order.stage not in (ORDERED, PREPAID, SHIPPED):
        raise Refused("wrong-stage", f"order {order_no} is {order.stage}: shipment follows {ORDERED}")
    tender = get_tender(state, order.contract_no)
    check_digest(arguments.inspection_report, "inspection_report")
    if not arguments.inspection_passed:
        raise Refused("inspection-failed", f"the goods of order {order_no} failed inspection: they must not be shipped")
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
        stage=SHIPPED,
        invoices=arguments.invoices,
        inspection_report=arguments.inspection_report,
        codes=arguments.codes,
    )
    state.put(ORDERS, order_no, shipped)
    kind = "shipment-amended" if order.stage == SHIPPED else "order-shipped"
    return [Event(kind, {"order_no": order_no, "packs": order.quantity, "invoices": len(arguments.invoices)})]


def _check_codes_shippable(state: State, codes: tuple[str, ...], med_list_codg: str, supplier: str) -> None:
    holder = trace_code.holder_of_supplier(supplier)
    before = ""
    for code in codes:
        if code <= before:
            raise Refused("codes-not-sorted", "codes must be in ascending order, each once")
        before = code
        pack = trace_code.get_pack(state, code)
        if pack.med_list_codg != med_list_codg:
            raise Refused("trace-code-item", f"{code} is a pack of {pack.med_list_codg}, not of {med_list_codg}")
        if pack.holder != holder:
            raise Refused("trace-code-elsewhere", f"{code} is held by {pack.holder}, not by {holder}")


def _check_invoices(invoices: tuple[Invoice, ...], tender: Tender, order: Order) -> None:
    """两票制: one invoice producer → institution, or two with one distributor between."""
    if not 1 <= len(invoices) <= INVOICES_MAX:
        raise Refused("two-invoice-rule", f"a batch has one or two invoices, got {len(invoices)}")
    for invoice in invoices:
        check_identifier(invoice.seller, "seller")
        check_identifier(invoice.buyer, "buyer")
        check_digest(invoice.digest, "the invoice's digest")
    chain = [invoices[0].seller, *(invoice.buyer for invoice in invoices)]
    is_linked = all(invoice.seller == seller for invoice, seller in zip(invoices, chain, strict=False))
    if not is_linked or chain[0] != tender.producer or chain[-1] != order.fixmedins_code:
        raise Refused(
            "two-invoice-rule",
            f"invoices must lead from {tender.producer} to {order.fixmedins_code}, with one distributor at most",
        )
    if len(invoices) == INVOICES_MAX and invoices[0].digest == invoices[1].digest:
        raise Refused("invoice-used", "one invoice stands for both sales")


def _receive(state: State, arguments: Receive, context: Context) -> list[Event]:
    """Scan the packs into stock; what was not scanned stays with the supplier and is not paid."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    code = order.fixmedins_code
    if order.stage != SHIPPED:
        raise Refused("wrong-stage", f"order {order_no} is {order.stage}: receipt follows {SHIPPED}")
    check_range(arguments.quantity, 0, order.quantity, "quantity")
    check_count(len(arguments.codes), ORDER_CODES_MAX, "codes", 0)
    if not arguments.inspection_passed:
        state.put(ORDERS, order_no, msgspec.structs.replace(order, stage=REJECTED))
        return [
            Event("order-rejected", {"order_no": order_no}),
            _notice("inspection-failed", order_no, supplier=order.supplier, paid_fen=order.paid_fen),
        ]
    if order.codes and len(arguments.codes) != arguments.quantity:
        raise Refused("trace-code-count", f"{len(arguments.codes)} codes for {arguments.quantity} packs")
    shipped = frozenset(order.codes)
    source, target = trace_code.holder_of_supplier(order.supplier), trace_code.holder_of_institution(code)
    for each in arguments.codes:
        if each not in shipped:
            raise Refused("code-not-shipped", f"a code of the receipt was not shipped with order {order_no}")
        trace_code.hand_over(state, each, source, target)
    tender = get_tender(state, order.contract_no)
    today = context.day
    received = msgspec.structs.replace(
        order,
        stage=RECEIVED,
        received=arguments.quantity,
        amount_fen=arguments.quantity * tender.price_fen,
        received_day=today,
        due_day=compute_day_after(today, tender.term_days),
    )
    state.put(ORDERS, order_no, received)
    return _progress(state, order, order_no, received)


def _progress(state: State, order: Order, order_no: str, received: Order) -> list[Event]:
    key = f"{order.contract_no}/{order.fixmedins_code}"
    subcontract = get_subcontract(state, order.contract_no, order.fixmedins_code)
    total = subcontract.received + received.received
    state.put(SUBCONTRACTS, key, msgspec.structs.replace(subcontract, received=total))
    events = [
        Event("order-received", {"order_no": order_no, "packs": received.received, "due_day": received.due_day}),
        Event("volume-progress", {"subcontract": key, "agreed": subcontract.volume, "received": total}),
    ]
    if received.received < order.quantity:
        events.append(_notice("short-delivery", order_no, missing=order.quantity - received.received))
    return events


def _pay(state: State, arguments: Pay, context: Context) -> list[Event]:
    """Pay what is open; a prepayment above the amount received stays with the supplier, and a notice says so."""
    order_no = arguments.order_no
    order = get_order(state, order_no)
    check_choice(arguments.payer, (_FUND, _BUYER), "payer")
    if order.stage != RECEIVED:
        raise Refused("wrong-stage", f"order {order_no} is {order.stage}: payment follows {RECEIVED}")
    open_fen = max(0, order.amount_fen - order.paid_fen)
    events: list[Event] = []
    source = _payer(state, order, arguments.payer, context)
    funds.move(state, source, order.payee, open_fen, f"order/{order_no}", events)
    paid = msgspec.structs.replace(order, stage=PAID, paid_fen=order.paid_fen + open_fen)
    state.put(ORDERS, order_no, paid)
    events.append(Event("order-paid", {"order_no": order_no, "amount_fen": open_fen, "payee": order.payee}))
    if order.paid_fen > order.amount_fen:
        events.append(_notice("overpaid", order_no, amount_fen=order.paid_fen - order.amount_fen))
    if context.day > order.due_day:
        events.append(_notice("payment-overdue", order_no, days=compute_days_between(order.due_day, context.day)))
    return events


def _check_overdue(state: State, arguments: CheckOverdue, context: Context) -> list[Event]:
    order = get_order(state, arguments.order_no)
    today = context.day
    if order.stage != RECEIVED or today <= order.due_day:
        raise Refused("not-overdue", f"order {arguments.order_no} is {order.stage}, due on {order.due_day}")
    days = compute_days_between(order.due_day, today)
    return [_notice("payment-overdue", arguments.order_no, days=days, amount_fen=order.amount_fen - order.paid_fen)]


def _close_tender(state: State, arguments: CloseTender, context: Context) -> list[Event]:
    """After its last day; a notice for each sub-contract whose agreed volume was not received."""
    contract_no = arguments.contract_no
    tender = get_tender(state, contract_no)
    if tender.stage == CLOSED:
        raise Refused("step-closed", f"tender contract {contract_no} is closed already")
    if context.day < tender.to_day:
        raise Refused("not-ended", f"tender contract {contract_no} runs until {tender.to_day}")
    state.put(TENDERS, contract_no, msgspec.structs.replace(tender, stage=CLOSED))
    events = [Event("tender-closed", {"contract_no": contract_no})]
    for key, subcontract in state.range(SUBCONTRACTS, f"{contract_no}/", f"{contract_no}0"):
        if subcontract.received < subcontract.volume:
            missing = subcontract.volume - subcontract.received
            events.append(_notice("volume-unmet", key, agreed=subcontract.volume, missing=missing))
    return events


_BY_PAYERS = BY_PROVIDERS | BY_BUREAU

CONTRACT = Contract(
    "procurement",
    1,
    (
        Operation("award_tender", AwardTender, BY_BUREAU, _award_tender),
        Operation("amend_tender", AwardTender, BY_BUREAU, _amend_tender),
        Operation("sign_subcontract", SignSubcontract, BY_PROVIDERS, _sign_subcontract, OF_INSTITUTION),
        Operation("place_order", PlaceOrder, BY_PROVIDERS, _place_order, OF_ORDERER),
        Operation("prepay", Prepay, _BY_PAYERS, _prepay, OF_BUYER.or_of(BUREAU)),
        Operation("ship", Ship, among(SUPPLIER), _ship, OF_SUPPLIER),
        Operation("receive", Receive, BY_PROVIDERS, _receive, OF_BUYER),
        Operation("pay", Pay, _BY_PAYERS, _pay, OF_BUYER.or_of(BUREAU)),
        Operation(
            "check_overdue",
            CheckOverdue,
            SUPERVISORS | {SUPPLIER},
            _check_overdue,
            OF_SUPPLIER.or_of(BUREAU, REGULATOR),
        ),
        Operation("close_tender", CloseTender, BY_BUREAU, _close_tender),
    ),
)
