"""Drug procurement 集中带量采购: tender → sub-contract → order → shipment → scanned receipt → payment → volume
progress.

A step may be amended before the next one, never skipped or undone: a tender until its first sub-contract, a
sub-contract until its first order, an order until its prepayment or shipment, a shipment until its receipt; a
scanned receipt is a fact. Short delivery and failed inspection raise notices (events "notice") as they happen; late
payment, a late refund and unmet volume when they become due (`oversight/due.py`).
"""

from __future__ import annotations

from consortium.contracts.medicines import deliveries, orders, returns, tenders
from consortium.contracts.medicines.procurement_queries import QUERIES
from consortium.contracts.medicines.procurement_records import ORDER_LIFE, TENDER_LIFE
from consortium.core.contract import Contract

CONTRACT = Contract(
    "procurement",
    1,
    (*tenders.OPERATIONS, *orders.OPERATIONS, *deliveries.OPERATIONS, *returns.OPERATIONS),
    QUERIES,
    lives=(TENDER_LIFE, ORDER_LIFE),
)
