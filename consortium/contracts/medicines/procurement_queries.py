"""What of procurement may be read: an order by its two sides, a volume by who agreed it, tenders by everybody."""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_ALL, BY_HOLDERS, BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import check_identifier
from consortium.contracts.insurance.institution import OF_INSTITUTION
from consortium.contracts.medicines.procurement_records import (
    ORDERS,
    TENDERS,
    Order,
    Subcontract,
    Tender,
    find_buyer,
    find_supplier,
    get_order,
    get_subcontract,
    get_tender,
)
from consortium.core.contract import Query, Reader, RowOf, StateReader, Whose


class OfOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for an order."""

    order_no: str


class OfSubcontract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks how much of a tender an institution agreed, ordered and received."""

    contract_no: str
    fixmedins_code: str


class OfTender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a tender contract: awards are public."""

    contract_no: str


def _order(state: StateReader, asked: OfOrder, reader: Reader) -> Order:
    return get_order(state, asked.order_no)


def _subcontract(state: StateReader, asked: OfSubcontract, reader: Reader) -> Subcontract:
    get_tender(state, asked.contract_no)
    check_identifier(asked.fixmedins_code, "fixmedins_code")
    return get_subcontract(state, asked.contract_no, asked.fixmedins_code)


def _tender(state: StateReader, asked: OfTender, reader: Reader) -> Tender:
    return get_tender(state, asked.contract_no)


_OF_SIDES = Whose(
    lambda state, asked: (*find_buyer(state, asked.order_no), *find_supplier(state, asked.order_no)),
    SUPERVISORS,
    "who placed or supplies the order",
)

_ORDER = RowOf(ORDERS, lambda asked: asked.order_no, OfOrder)
_TENDER = RowOf(TENDERS, lambda asked: asked.contract_no, OfTender)

QUERIES = (
    Query("order", OfOrder, BY_HOLDERS | SUPERVISORS, _order, _OF_SIDES, _ORDER),
    Query("subcontract", OfSubcontract, BY_PROVIDERS | SUPERVISORS, _subcontract, OF_INSTITUTION.or_of(*SUPERVISORS)),
    Query("tender", OfTender, BY_ALL, _tender, row=_TENDER),
)
