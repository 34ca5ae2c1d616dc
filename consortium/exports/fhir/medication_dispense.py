"""MedicationDispense: what a bill sold by trace code, line by line; code-free drugs stand in its private lines."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.bill import BILLS, LIVE, Bill
from consortium.exports.fhir.resource import (
    CATALOGUE,
    CODES,
    Kind,
    Resource,
    coding,
    concept,
    day,
    id_of,
    identifier,
    organisation,
    patient,
    without_empty,
)
from consortium.exports.source import Source


def make(source: Source, number: str, bill: Bill) -> Iterator[Resource]:
    pseudonym = bill.patient or bill.settlement.partition("/")[0]
    for sold in bill.sold:
        codes = [identifier("drug_trac_codg", code) for code in sold.drug_trac_codg]
        yield without_empty(
            {
                "resourceType": "MedicationDispense",
                "id": id_of(f"{number}/{sold.feedetl_sn}"),
                "identifier": [identifier("feedetl_sn", f"{number}/{sold.feedetl_sn}"), *codes],
                "status": "completed" if bill.stage in LIVE else "cancelled",
                "medicationCodeableConcept": concept(coding(CATALOGUE, sold.med_list_codg)),
                "subject": patient(pseudonym) if pseudonym else None,
                "performer": [{"actor": organisation("fixmedins_code", bill.fixmedins_code)}],
                "quantity": _quantity(sold.cnt, is_split=sold.trdn_flag),
                "whenHandedOver": day(bill.begndate),
            }
        )


def _quantity(count: int, *, is_split: bool) -> Resource:
    """Packs, or minimal units of a pack that was split."""
    unit = "unit" if is_split else "pack"
    return {"value": count, "unit": unit, "system": f"{CODES}:unit", "code": unit}


RESOURCE = Kind("MedicationDispense", BILLS, make)
