"""What the state tells of calls whose receipts a snapshot took the place of: whether their effect is there.

Also where blocks that a node lacks left a bill, an order or a change: what roles otherwise learn from receipts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import enrolment, policy
from consortium.contracts.medicines import procurement_records as procurement
from consortium.core.contract import Refused, StateReader

Key = tuple[str, str, bytes]
END = "~"
_NOT_VERIFIED = (bills.NUMBERED, bills.ISSUED, bills.DELIVERED)
_SAID = tuple(name for name in bills.Issue.__struct_fields__ if name != "bill_no")


def is_held(state: StateReader, key: Key) -> bool:
    """Whether the state holds what this call does. False for calls that nobody acts upon: a claim, a payment."""
    contract, operation, arguments = key
    known = _EFFECTS.get((contract, operation))
    if known is None:
        return False
    kind, holds = known
    try:
        return holds(state, msgspec.msgpack.decode(arguments, type=kind))
    except (msgspec.MsgspecError, Refused):
        return False


def is_decided(state: StateReader, number: str) -> bool:
    """Whether the first claim on a bill was decided, or is about to be: it is claimed on once it is verified."""
    bill = state.get(bills.BILLS, number)
    return bill is not None and (bill.settlement != "" or bill.stage not in _NOT_VERIFIED)


def closed_through(state: StateReader) -> int:
    """The newest insurance year of which the books are closed; 0 where none is."""
    return policy.get_calendar(state).closed_through


def is_changed(state: StateReader, psn_no: str, change_id: str) -> bool:
    """Whether an enrolment change was endorsed: it is not pending, and the person is not as at first."""
    person = state.get(enrolment.PERSONS, psn_no)
    return person is not None and person.revision > 1 and state.get(enrolment.CHANGES, f"{psn_no}/{change_id}") is None


def _is_issued(state: StateReader, issue: bills.Issue) -> bool:
    bill = state.get(bills.BILLS, bills.normalise(issue.bill_no))
    return bill is not None and all(getattr(bill, name) == getattr(issue, name) for name in _SAID)


def _is_delivered(state: StateReader, step: bills.Step) -> bool:
    bill = state.get(bills.BILLS, bills.normalise(step.bill_no))
    return bill is not None and bill.stage not in (bills.NUMBERED, bills.ISSUED)


def _is_agreed(state: StateReader, agree: procurement.SignSubcontract) -> bool:
    found = state.get(procurement.SUBCONTRACTS, f"{agree.contract_no}/{agree.fixmedins_code}")
    return found is not None and found.volume == agree.volume


def _is_ordered(state: StateReader, place: procurement.PlaceOrder) -> bool:
    order = state.get(procurement.ORDERS, place.order_no)
    return order is not None and (order.contract_no, order.fixmedins_code, order.quantity) == (
        place.contract_no,
        place.fixmedins_code,
        place.quantity,
    )


def _is_received(state: StateReader, receive: procurement.Receive) -> bool:
    order = state.get(procurement.ORDERS, receive.order_no)
    judged = (procurement.RECEIVED, procurement.PAID, procurement.REJECTED, procurement.RETURNED)
    return order is not None and order.stage in judged


def _is_prepaid(state: StateReader, prepay: procurement.Prepay) -> bool:
    order = state.get(procurement.ORDERS, prepay.order_no)
    return order is not None and order.stage != procurement.ORDERED


def _is_sent_back(state: StateReader, back: procurement.SendBack) -> bool:
    order = state.get(procurement.ORDERS, back.order_no)
    return order is not None and order.stage == procurement.RETURNED


def _is_refunded(state: StateReader, refund: procurement.Refund) -> bool:
    order = state.get(procurement.ORDERS, refund.order_no)
    return order is not None and order.sent_back > 0 and not order.owed_back_fen


_EFFECTS: Mapping[tuple[str, str], tuple[Any, Callable[[StateReader, Any], bool]]] = {
    ("bill", "issue"): (bills.Issue, _is_issued),
    ("bill", "deliver"): (bills.Step, _is_delivered),
    ("procurement", "sign_subcontract"): (procurement.SignSubcontract, _is_agreed),
    ("procurement", "place_order"): (procurement.PlaceOrder, _is_ordered),
    ("procurement", "receive"): (procurement.Receive, _is_received),
    ("procurement", "prepay"): (procurement.Prepay, _is_prepaid),
    ("procurement", "send_back"): (procurement.SendBack, _is_sent_back),
    ("procurement", "refund"): (procurement.Refund, _is_refunded),
}
