"""The records and arguments of `procurement`: tender, sub-contract, order, invoice."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import NOBODY
from consortium.contracts.checks import check_identifier
from consortium.contracts.insurance.institution import find_acting
from consortium.core.contract import Life, Move, Refused, StateReader, Table, Whose

OPEN, EFFECTIVE, CLOSED = "open", "effective", "closed"
ORDERED, PREPAID, SHIPPED, RECEIVED = "ordered", "prepaid", "shipped", "received"
PAID, REJECTED, RETURNED = "paid", "rejected", "returned"

CLOSE_TENDER, CHECK_VOLUME = "procurement.close_tender", "procurement.check_volume"
CHECK_OVERDUE, CHECK_REFUND = "procurement.check_overdue", "procurement.check_refund"
QUANTITY_MAX = 10**9
ORDER_CODES_MAX = 200
PREPAYMENT_MIN_BP = 3_000


class Tender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `contract_no`. Volumes in packs, price per pack in fen; `agreed` sums the sub-contracts. `prepay_bp`:
    the share of an order that is paid before it is shipped, 0 = none has to be."""

    med_list_codg: str
    producer: str
    supplier: str
    price_fen: int
    volume: int
    from_day: int
    to_day: int
    term_days: int
    prepay_bp: int = 0
    agreed: int = 0
    stage: str = OPEN


class Subcontract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """约定采购量, keyed "contract_no/fixmedins_code", in packs."""

    volume: int
    ordered: int = 0
    received: int = 0


class Invoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sale on the way of a batch: hash of the invoice, who sold to whom."""

    seller: str
    buyer: str
    digest: bytes  # 32 bytes


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by `order_no`. After receipt `amount_fen` is that of the packs received and not sent back, 0 if they were
    rejected. `payee` is an account; of `paid_fen` the buyer paid `buyer_paid_fen` and the fund the rest. `refund_day`:
    since when what was paid too much is late, 0 = nothing is."""

    contract_no: str
    fixmedins_code: str
    supplier: str
    quantity: int
    amount_fen: int
    stage: str
    payee: str
    paid_fen: int = 0
    buyer_paid_fen: int = 0
    invoices: tuple[Invoice, ...] = ()
    inspection_report: bytes = b""
    codes: tuple[str, ...] = ()
    received: int = 0
    sent_back: int = 0
    received_day: int = 0
    due_day: int = 0
    refund_day: int = 0

    @property
    def owed_back_fen(self) -> int:
        """What the supplier was paid and has not earned, once that is known."""
        return max(0, self.paid_fen - self.amount_fen) if self.stage in (RECEIVED, PAID, REJECTED, RETURNED) else 0


class InvoiceUse(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the invoice's digest in hexadecimal: the order that it was used for."""

    order_no: str


TENDERS: Table[Tender] = Table("tender", Tender, told_as="tender")
SUBCONTRACTS: Table[Subcontract] = Table("subcontract", Subcontract)
ORDERS: Table[Order] = Table("drug_order", Order, told_as="order")
INVOICES: Table[InvoiceUse] = Table("invoice", InvoiceUse)

TENDER_LIFE = Life(
    TENDERS,
    (
        Move("", "award_tender", OPEN),
        Move(OPEN, "amend_tender", OPEN),
        Move(OPEN, "sign_subcontract", EFFECTIVE),
        Move(EFFECTIVE, "sign_subcontract", EFFECTIVE),
        Move(OPEN, "close_tender", CLOSED),
        Move(EFFECTIVE, "close_tender", CLOSED),
    ),
    code="step-closed",
)
ORDER_LIFE = Life(
    ORDERS,
    (
        Move("", "place_order", ORDERED),
        Move(ORDERED, "place_order", ORDERED),
        Move(ORDERED, "prepay", PREPAID),
        Move(ORDERED, "ship", SHIPPED),
        Move(PREPAID, "ship", SHIPPED),
        Move(SHIPPED, "ship", SHIPPED),
        Move(SHIPPED, "receive", RECEIVED),
        Move(SHIPPED, "receive", REJECTED),
        Move(RECEIVED, "pay", PAID),
        Move(REJECTED, "send_back", RETURNED),
        Move(RECEIVED, "send_back", RECEIVED),
        Move(PAID, "send_back", PAID),
        Move(REJECTED, "refund", REJECTED),
        Move(RETURNED, "refund", RETURNED),
        Move(RECEIVED, "refund", RECEIVED),
        Move(PAID, "refund", PAID),
    ),
)


class AwardTender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Award a tender contract, or amend one without sub-contracts."""

    contract_no: str
    med_list_codg: str
    producer: str
    supplier: str  # the member that ships and is paid
    price_fen: int  # per pack
    volume: int  # packs
    from_day: int
    to_day: int
    term_days: int = 30
    prepay_bp: int = 0  # 0, or at least 3,000


class SignSubcontract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Agree a volume of a tender for an institution, or amend it before the first order."""

    contract_no: str
    fixmedins_code: str
    volume: int


class PlaceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Order packs, or amend an order that is neither prepaid nor shipped."""

    order_no: str
    contract_no: str
    fixmedins_code: str
    quantity: int


class Prepay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay at least 30 %, and what the tender asks for, before shipment. `payer`: "fund" (bureau) or "buyer" (from its
    paid account)."""

    order_no: str
    payer: str
    share_bp: int


class Ship(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ship an order: codes in ascending order (none for code-free goods), invoices along the way, inspection."""

    order_no: str
    codes: tuple[str, ...]
    invoices: tuple[Invoice, ...]
    inspection_report: bytes  # a commitment to the report, which lies in the supplier's vault: 32 bytes
    inspection_passed: bool


class Receive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scan `codes` (or count `quantity` code-free packs) into stock; a failed inspection rejects the order."""

    order_no: str
    codes: tuple[str, ...]
    quantity: int
    inspection_passed: bool


class Pay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pay what is open of a received order. `payer`: "fund" or "buyer"."""

    order_no: str
    payer: str


class SendBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Send goods back to the supplier: all of a rejected order (`codes` empty), or received packs of recalled lots."""

    order_no: str
    codes: tuple[str, ...]


class Refund(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Give back what was paid for goods that were rejected, sent back or never came."""

    order_no: str


def get_tender(state: StateReader, contract_no: str) -> Tender:
    """Refuses `bad-identifier`, `unknown-tender`."""
    check_identifier(contract_no, "contract_no")
    tender = state.get(TENDERS, contract_no)
    if tender is None:
        raise Refused("unknown-tender", f"there is no tender contract {contract_no}")
    return tender


def get_subcontract(state: StateReader, contract_no: str, fixmedins_code: str) -> Subcontract:
    """Of checked identifiers. Refuses `unknown-subcontract`: no order without one."""
    subcontract = state.get(SUBCONTRACTS, f"{contract_no}/{fixmedins_code}")
    if subcontract is None:
        raise Refused("unknown-subcontract", f"{fixmedins_code} has no sub-contract of {contract_no}")
    return subcontract


def get_order(state: StateReader, order_no: str) -> Order:
    """Refuses `bad-identifier`, `unknown-order`."""
    check_identifier(order_no, "order_no")
    order = state.get(ORDERS, order_no)
    if order is None:
        raise Refused("unknown-order", f"there is no order {order_no}")
    return order


def find_buyer(state: StateReader, order_no: str) -> tuple[str, ...]:
    """The member that acts for the institution that ordered; none where there is no such order."""
    order = state.get(ORDERS, order_no)
    return NOBODY if order is None else find_acting(state, order.fixmedins_code)


def find_supplier(state: StateReader, order_no: str) -> tuple[str, ...]:
    """The member that ships an order and is paid; none where there is no such order."""
    order = state.get(ORDERS, order_no)
    return NOBODY if order is None else (order.supplier,)


def _find_orderer(state: StateReader, arguments: PlaceOrder) -> tuple[str, ...]:
    """Who may place an order, or amend it: nobody orders under the number of another's."""
    order = state.get(ORDERS, arguments.order_no)
    if order is not None and order.fixmedins_code != arguments.fixmedins_code:
        return NOBODY
    return find_acting(state, arguments.fixmedins_code)


OF_ORDERER = Whose(_find_orderer, owner="who acts for the institution")
OF_BUYER = Whose(lambda state, arguments: find_buyer(state, arguments.order_no), owner="who placed the order")
OF_SUPPLIER = Whose(lambda state, arguments: find_supplier(state, arguments.order_no), owner="who supplies the order")
