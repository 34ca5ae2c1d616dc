"""Consent: what a person allows whom, of which class of records, for what, and until when."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.access import SUPERVISORS
from consortium.contracts.records.consents import CONSENTS, GRANTED, ROLE, Consent
from consortium.core.calendar import compute_day_after
from consortium.exports.fhir.resource import (
    CODES,
    HL7,
    Kind,
    Resource,
    coding,
    concept,
    day,
    id_of,
    identifier,
    organisation,
    patient,
)
from consortium.exports.source import Source


def make(source: Source, key: str, consent: Consent) -> Iterator[Resource]:
    person, record_class, recipient, purpose = key.split("/", 3)
    name = "role" if recipient.startswith(ROLE) else "member"
    recipient_role = concept(coding(f"{HL7}/v3-ParticipationType", "IRCP"))
    yield {
        "resourceType": "Consent",
        "id": id_of(key),
        "identifier": [identifier("consent", key)],
        "status": "active" if consent.stage == GRANTED else "inactive",
        "scope": concept(coding(f"{HL7}/consentscope", "patient-privacy")),
        "category": [concept(coding(f"{CODES}:consent", consent.stage))],
        "patient": patient(person),
        "policyRule": concept(coding(f"{HL7}/v3-ActCode", "OPTIN")),
        "provision": {
            "type": "permit",
            "period": {"end": day(compute_day_after(consent.to_day, -1))},
            "actor": [{"role": recipient_role, "reference": organisation(name, recipient.removeprefix(ROLE))}],
            "purpose": [coding(f"{CODES}:purpose", purpose)],
            "class": [coding(f"{CODES}:record-class", record_class)],
        },
    }


RESOURCE = Kind("Consent", CONSENTS, make, SUPERVISORS)
