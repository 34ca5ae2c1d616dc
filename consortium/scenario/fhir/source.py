"""The parts of FHIR R4 that the importer reads. Whatever is not named here is skipped by the decoder and never held.

Every element may be missing, as FHIR allows: what we need of them is asked for where it is used. Numbers are decoded as
`Decimal` from their text; a float never exists.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class Concept(msgspec.Struct, frozen=True):
    coding: tuple[Coding, ...] = ()


class Reference(msgspec.Struct, frozen=True):
    reference: str = ""
    display: str = ""


class Money(msgspec.Struct, frozen=True):
    value: Decimal | None = None
    currency: str = ""


class Quantity(msgspec.Struct, frozen=True):
    value: Decimal = Decimal(1)
    code: str = ""


class Period(msgspec.Struct, frozen=True):
    start: str = ""
    end: str = ""


class Identifier(msgspec.Struct, frozen=True):
    system: str = ""
    value: str = ""


class Patient(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    birth_date: str = ""
    resource_type: str = ""
    gender: str = "unknown"
    deceased_date_time: str = ""
    deceased_boolean: bool = False
    identifier: tuple[Identifier, ...] = ()


class Organization(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    resource_type: str = ""
    type: tuple[Concept, ...] = ()
    identifier: tuple[Identifier, ...] = ()


class CoverageSource(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    beneficiary: Reference = Reference()
    period: Period = Period()
    resource_type: str = ""
    status: str = ""
    type: Concept = Concept()
    payor: tuple[Reference, ...] = ()


class ClaimItem(msgspec.Struct, frozen=True, rename="camel"):
    product_or_service: Concept = Concept()
    quantity: Quantity | None = None
    net: Money | None = None
    unit_price: Money | None = None
    encounter: tuple[Reference, ...] = ()


class Insurance(msgspec.Struct, frozen=True):
    coverage: Reference = Reference()


class Claim(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    patient: Reference = Reference()
    provider: Reference = Reference()
    created: str = ""
    resource_type: str = ""
    status: str = ""
    use: str = ""
    type: Concept = Concept()
    billable_period: Period = Period()
    item: tuple[ClaimItem, ...] = ()
    total: Money | None = None
    insurance: tuple[Insurance, ...] = ()
    identifier: tuple[Identifier, ...] = ()


class DispenseRequest(msgspec.Struct, frozen=True, rename="camel"):
    expected_supply_duration: Quantity | None = None


class Contained(msgspec.Struct, frozen=True, rename="camel"):
    """A resource inside another: of a Medication its code."""

    id: str = ""
    resource_type: str = ""
    code: Concept | None = None


class MedicationRequest(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
    subject: Reference = Reference()
    authored_on: str = ""
    medication_codeable_concept: Concept = Concept()
    medication_reference: Reference = Reference()
    contained: tuple[Contained, ...] = ()
    resource_type: str = ""
    status: str = ""
    intent: str = ""
    encounter: Reference = Reference()
    dispense_request: DispenseRequest = DispenseRequest()
