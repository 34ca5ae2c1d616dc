"""Coverage: each period of a person's cover, by the pseudonym of its year."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance.enrolment import EMPLOYEE, PERSONS, Period, Person
from consortium.core.calendar import compute_day_after
from consortium.exports.fhir.resource import (
    BUREAU,
    CODES,
    HL7,
    Kind,
    Resource,
    coding,
    concept,
    id_of,
    identifier,
    organisation,
    patient,
    period,
)
from consortium.exports.source import Source

SCHEMES = f"{CODES}:insutype"


def coverage_id(psn_no: str, cover: Period) -> str:
    return id_of(f"{psn_no}/{cover.from_day}")


def last_day(person: Person, cover: Period) -> int:
    """The last day that is covered, FOREVER where it is open: a death ends it."""
    last = FOREVER if cover.to_day == FOREVER else compute_day_after(cover.to_day, -1)
    return min(last, person.died_on) if person.died_on >= cover.from_day else last


def make(source: Source, psn_no: str, person: Person) -> Iterator[Resource]:
    for cover in person.periods:
        flags = [word for word, holds in (("retired", cover.retired), ("assisted", cover.assisted)) if holds]
        yield {
            "resourceType": "Coverage",
            "id": coverage_id(psn_no, cover),
            "identifier": [identifier("coverage", f"{psn_no}/{cover.from_day}")],
            "status": "active",
            "type": concept(
                coding(f"{HL7}/v3-ActCode", "EHCPOL" if cover.insutype == EMPLOYEE else "PUBLICPOL"),
                *(coding(SCHEMES, word) for word in (cover.insutype, *flags)),
            ),
            "beneficiary": patient(psn_no),
            "relationship": concept(coding(f"{HL7}/subscriber-relationship", "self")),
            "period": period(cover.from_day, last_day(person, cover)),
            "payor": [organisation("member", BUREAU)],
        }


RESOURCE = Kind("Coverage", PERSONS, make)
