"""ExplanationOfBenefit: what an entry of a journal was adjudicated to, and who pays which part of it.

Its id is that of the transaction that made the entry, so that whoever has it can ask the ledger for a proof. An entry
that was reversed is `cancelled`; its reversal is an entry of its own, with the amounts negated.
"""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.insurance.bill import BILLS, INPATIENT
from consortium.contracts.insurance.enrolment import PERSONS, Person, cover
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement, settlement_key
from consortium.contracts.insurance.second_claims import PAID, SECOND_CLAIMS
from consortium.core.contract import Refused
from consortium.exports.fhir.amounts import adjudications, all_totals
from consortium.exports.fhir.coverage import SCHEMES, coverage_id
from consortium.exports.fhir.resource import (
    BUREAU,
    CODES,
    HL7,
    Kind,
    Resource,
    coding,
    concept,
    created,
    id_of,
    identifier,
    moment,
    money,
    organisation,
    patient,
    period,
    without_empty,
)
from consortium.exports.source import Origin, Source, may_read

SETTLEMENT = "settlement"


def make(source: Source, key: str, entry: Settlement) -> Iterator[Resource]:
    origin = source.origin(key)
    psn_no, year, _ = key.split("/")
    made = {
        "resourceType": "ExplanationOfBenefit",
        "id": entry_id(key, origin),
        "identifier": [identifier(SETTLEMENT, key)],
        "status": status_of(source, key, entry),
        "type": type_of(entry.med_type),
        "use": "claim",
        "patient": patient(psn_no),
        "billablePeriod": period(entry.begndate, entry.enddate),
        **created(origin.time_us if origin else None),
        "insurer": organisation("member", BUREAU),
        "provider": organisation("fixmedins_code", entry.fixmedins_code),
        "related": _related(psn_no, int(year), entry),
        "claim": {"type": "Claim", "identifier": identifier("bill_no", entry.bill_no)},
        "outcome": "complete",
        "disposition": f"reverses settlement {entry.reverses}" if entry.reverses else "",
        "insurance": [{"focal": True, "coverage": coverage_of(source, psn_no, entry)}],
        "adjudication": [*adjudications(entry.amounts), *_second_payer(source, key)],
        "total": all_totals(entry.amounts),
        "payment": payment_of(entry.amounts.fund_pay_sumamt, origin),
    }
    yield without_empty(made)


def entry_id(key: str, origin: Origin | None) -> str:
    """That of the transaction; of an entry whose block is not here, one made of its key."""
    return origin.transaction if origin else id_of(key)


def status_of(source: Source, key: str, entry: Settlement) -> str:
    """A settlement stands while its bill names it; a reversal always does."""
    if entry.reverses:
        return "active"
    bill = source.state.get(BILLS, entry.bill_no)
    return "active" if bill is not None and bill.settlement == key else "cancelled"


def type_of(med_type: str) -> Resource:
    code = "institutional" if med_type == INPATIENT else "professional"
    return concept(coding(f"{HL7}/claim-type", code), coding(f"{CODES}:med_type", med_type))


def coverage_of(source: Source, psn_no: str, entry: Settlement) -> Resource:
    """The Coverage of the last day of service, where the reader may have it; else the scheme."""
    person: Person | None = source.state.get(PERSONS, psn_no) if may_read(source, PERSONS, psn_no) else None
    if person is None:
        return {"type": "Coverage", "identifier": {"system": SCHEMES, "value": entry.insutype}}
    try:
        return {"reference": f"Coverage/{coverage_id(psn_no, cover(person, psn_no, entry.enddate))}"}
    except Refused:  # its cover was changed since
        return {"type": "Coverage", "identifier": {"system": SCHEMES, "value": entry.insutype}}


def payment_of(fen: int, origin: Origin | None) -> Resource:
    kind = concept(coding(f"{HL7}/ex-paymenttype", "complete"))
    return without_empty({"type": kind, "date": moment(origin.time_us)[:10] if origin else "", "amount": money(fen)})


def _related(psn_no: str, year: int, entry: Settlement) -> list[Resource]:
    if not entry.reverses:
        return []
    before = identifier(SETTLEMENT, settlement_key(psn_no, year, entry.reverses))
    relationship = concept(coding(f"{HL7}/ex-relatedclaimrelationship", "prior"))
    return [{"claim": {"identifier": before}, "relationship": relationship}]


def _second_payer(source: Source, key: str) -> list[Resource]:
    """What a commercial insurer paid the patient of what the public plans left."""
    claim = source.state.get(SECOND_CLAIMS, key)
    if claim is None or claim.stage != PAID or not may_read(source, SECOND_CLAIMS, key):
        return []
    return [{"category": concept(coding(CODES, "second-payer")), "amount": money(claim.benefit_fen)}]


RESOURCE = Kind("ExplanationOfBenefit", SETTLEMENTS, make)
