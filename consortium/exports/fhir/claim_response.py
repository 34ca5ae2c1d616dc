"""ClaimResponse: what came of a claim, as a gateway answers it, of every settlement that the ledger holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement
from consortium.exports.fhir.amounts import TOTALS, totals_of
from consortium.exports.fhir.explanation_of_benefit import coverage_of, entry_id, payment_of, status_of, type_of
from consortium.exports.fhir.resource import BUREAU, Kind, Resource, created, identifier, organisation, patient
from consortium.exports.source import Origin, Source


def make(source: Source, key: str, entry: Settlement) -> Iterator[Resource]:
    """None of a reversal: nobody claimed it."""
    if entry.reverses:
        return
    origin = source.origin(key)
    amounts = {name: int(getattr(entry.amounts, name)) for name in TOTALS}
    yield {
        "resourceType": "ClaimResponse",
        "id": entry_id(key, origin),
        "identifier": [identifier("settlement", key)],
        "status": status_of(source, key, entry),
        "type": type_of(entry.med_type),
        "use": "claim",
        "patient": patient(key.partition("/")[0]),
        **created(origin.time_us if origin else None),
        "insurer": organisation("member", BUREAU),
        "requestor": organisation("fixmedins_code", entry.fixmedins_code),
        "request": {"type": "Claim", "identifier": identifier("bill_no", entry.bill_no)},
        "insurance": [{"sequence": 1, "focal": True, "coverage": coverage_of(source, key.partition("/")[0], entry)}],
        **outcome_of(amounts, origin),
    }


def outcome_of(amounts: Mapping[str, int], origin: Origin | None) -> Resource:
    """Of a claim that was settled: the amounts that are told of it, and what the funds pay."""
    made: Resource = {"outcome": "complete", "total": totals_of(amounts)}
    if "fund_pay_sumamt" in amounts:
        made["payment"] = payment_of(amounts["fund_pay_sumamt"], origin)
    return made


RESOURCE = Kind("ClaimResponse", SETTLEMENTS, make)
