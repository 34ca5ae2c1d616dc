"""The report of an inspection lies with the supplier that ships; who buys, bureau and regulator may have it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.contracts.medicines.procurement_records import ORDERS
from consortium.contracts.records.catalogue import END
from consortium.core.contract import StateReader
from consortium.core.registry import newest_epoch
from consortium.core.vault import Entry, RecordKind

INSPECTION = "inspection"  # a handle is `inspection/<order_no>`


class Inspection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The private record: what was looked at before an order was shipped, and what was found. `lot_no` is empty for
    goods without trace codes."""

    order_no: str
    lot_no: str
    med_list_codg: str
    packs: int
    passed: bool


def _find(state: StateReader, order_no: str) -> Entry | None:
    order = state.get(ORDERS, order_no)
    if order is None or not order.inspection_report:
        return None
    buyer = state.get(INSTITUTIONS, order.fixmedins_code)
    epoch = newest_epoch(state)
    supervisors = () if epoch is None else tuple(one.name for one in epoch.members if one.role in SUPERVISORS)
    readers = supervisors if buyer is None else (buyer.member, *supervisors)
    return Entry(order.inspection_report, (order.supplier,), readers)


def _held_by(state: StateReader, member: str) -> Iterator[str]:
    return (no for no, order in state.range(ORDERS, "", END) if order.supplier == member and order.inspection_report)


PRIVATE = RecordKind(INSPECTION, _find, _held_by)
