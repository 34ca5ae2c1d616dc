"""Invoice: an e-bill, with its sums by class. Its lines are private and no part of it."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.bill import BILLS, NUMBERED, REVERSED, Bill
from consortium.exports.fhir.resource import (
    CODES,
    NHSA,
    Kind,
    Resource,
    coding,
    concept,
    day,
    id_of,
    identifier,
    money,
    organisation,
    patient,
    without_empty,
)
from consortium.exports.source import Source


def make(source: Source, number: str, bill: Bill) -> Iterator[Resource]:
    if bill.stage == NUMBERED:  # a number is no bill yet
        return
    total = money(bill.sums.medfee_sumamt)
    yield without_empty(
        {
            "resourceType": "Invoice",
            "id": id_of(number),
            "identifier": [identifier("bill_no", number), *_other_bill(bill)],
            "status": "cancelled" if bill.stage == REVERSED else "balanced" if bill.settlement else "issued",
            "type": concept(coding(f"{CODES}:bill-stage", bill.stage), coding(f"{CODES}:med_type", bill.med_type)),
            "subject": patient(bill.patient) if bill.patient else None,
            "date": day(bill.enddate),
            "issuer": organisation("fixmedins_code", bill.fixmedins_code),
            "totalPriceComponent": _parts(bill),
            "totalNet": total,
            "totalGross": total,
        }
    )


def _other_bill(bill: Bill) -> list[Resource]:
    """Of a reversed bill the red-letter bill, of a red-letter bill the one that it reverses."""
    return [identifier("red_letter", bill.red_letter)] if bill.red_letter else []


def _parts(bill: Bill) -> list[Resource]:
    names = ("inscp_amt", "preselfpay_amt", "overlmt_selfpay", "fulamt_ownpay_amt")
    return [
        {"type": "informational", "code": concept(coding(NHSA, name)), "amount": money(getattr(bill.sums, name))}
        for name in names
        if getattr(bill.sums, name)
    ]


RESOURCE = Kind("Invoice", BILLS, make)
