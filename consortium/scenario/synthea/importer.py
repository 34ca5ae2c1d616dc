"""Synthea CSV in, our records out: each row becomes the resource of FHIR that says the same, and is judged as one.

docs/mapping.md 10 names tables and columns. Amounts are dollars. A charge of nothing is no line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from consortium.scenario.fhir import source
from consortium.scenario.fhir.intake import Intake
from consortium.scenario.fhir.records import RATES_FEN_PER_10K, Imported
from consortium.scenario.importing.book import Book, Ends
from consortium.scenario.importing.csv_file import Row, decimal_of, others_of, read_table

COLUMNS = {
    "patients": ("Id", "BIRTHDATE", "DEATHDATE", "GENDER"),
    "organizations": ("Id", "NAME"),
    "providers": ("Id", "ORGANIZATION"),
    "payers": ("Id", "NAME"),
    "payer_transitions": ("PATIENT", "START_YEAR", "END_YEAR", "PAYER"),
    "medications": ("START", "PATIENT", "ENCOUNTER", "CODE"),
    "immunizations": ("CODE",),
    "claims_transactions": ("CLAIMID", "TYPE", "AMOUNT", "PROCEDURECODE", "UNITS"),
    "claims": ("Id", "PATIENTID", "PROVIDERID", "PRIMARYPATIENTINSURANCEID", "APPOINTMENTID", "SERVICEDATE"),
}
OPTIONAL = ("medications", "immunizations")
PUBLIC = ("Medicare", "Medicaid", "Dual Eligible")
NO_INSURANCE = "NO_INSURANCE"
_GENDERS = {"M": "male", "F": "female"}
_SNOMED = "http://snomed.info/sct"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_CVX = "http://hl7.org/fhir/sid/cvx"
Resources = Iterator[tuple[str, Any, Row]]


class _Tables:
    """What rows of one table say about those of another."""

    def __init__(self, folder: Path, book: Book) -> None:
        self._folder = folder
        self._book = book
        self._payers = {row.text("Id"): row.text("NAME") for row in self.rows("payers")}
        self._homes = {row.text("Id"): row.text("ORGANIZATION") for row in self.rows("providers")}
        self._systems = {row.text("CODE"): _CVX for row in self.rows("immunizations")}
        self._systems |= {row.text("CODE"): _RXNORM for row in self.rows("medications")}
        self._charges: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows("claims_transactions"):
            if row.text("TYPE") == "CHARGE":
                self._charges[row.text("CLAIMID")].append(row)
            else:
                book.skip("not-a-charge")

    def rows(self, name: str) -> Iterator[Row]:
        return read_table(self._folder, name, COLUMNS[name], self._book, is_needed=name not in OPTIONAL)

    # --- resources --------------------------------------------------------------------------------------------------

    def resources(self) -> Resources:
        yield from (("Patient", _patient(row), row) for row in self.rows("patients"))
        yield from (("Organization", _organization(row), row) for row in self.rows("organizations"))
        for number, row in enumerate(self.rows("payer_transitions")):
            if self._payers.get(row.text("PAYER")) == NO_INSURANCE:
                self._book.skip("no-insurance")
            else:
                yield "Coverage", self._coverage(number, row), row
        yield from (("Claim", self._claim(row), row) for row in self.rows("claims"))
        for number, row in enumerate(self.rows("medications")):
            yield "MedicationRequest", _order(number, row), row

    def _coverage(self, number: int, row: Row) -> source.CoverageSource:
        payer = row.text("PAYER")
        kind = "PUBLICPOL" if self._payers.get(payer) in PUBLIC else "HIP"
        return source.CoverageSource(
            id=f"transition-{number}",
            beneficiary=source.Reference(row.text("PATIENT")),
            period=source.Period(row.text("START_YEAR"), row.text("END_YEAR")),
            status="active",
            type=source.Concept((source.Coding("", kind),)),
            payor=(source.Reference(display=payer),),
        )

    def _claim(self, row: Row) -> source.Claim:
        payer = row.text("PRIMARYPATIENTINSURANCEID")
        is_insured = payer not in ("", "0") and self._payers.get(payer) != NO_INSURANCE
        encounter = source.Reference(row.text("APPOINTMENTID"))
        items = tuple(self._item(charge, encounter) for charge in self._charges[row.text("Id")] if self._costs(charge))
        return source.Claim(
            id=row.text("Id"),
            patient=source.Reference(row.text("PATIENTID")),
            provider=source.Reference(self._homes.get(row.text("PROVIDERID"), "")),
            created=row.text("SERVICEDATE"),
            status="active",
            use="claim",
            item=items,
            insurance=(source.Insurance(source.Reference(display=payer)),) if is_insured else (),
        )

    def _costs(self, charge: Row) -> bool:
        if decimal_of(charge.text("AMOUNT")) == 0:
            self._book.skip("charge-of-nothing")
            return False
        return True

    def _item(self, charge: Row, encounter: source.Reference) -> source.ClaimItem:
        code, amount = charge.text("PROCEDURECODE"), decimal_of(charge.text("AMOUNT"))
        units = decimal_of(charge.text("UNITS") or "1")
        return source.ClaimItem(
            product_or_service=source.Concept((source.Coding(self._systems.get(code, _SNOMED), code),)),
            quantity=None if units is None else source.Quantity(units),
            net=None if amount is None else source.Money(amount, "USD"),
            encounter=(encounter,),
        )


def _patient(row: Row) -> source.Patient:
    marks = ("SSN", "DRIVERS", "PASSPORT")
    return source.Patient(
        id=row.text("Id"),
        birth_date=row.text("BIRTHDATE"),
        gender=_GENDERS.get(row.text("GENDER"), "unknown"),
        deceased_date_time=row.text("DEATHDATE"),
        identifier=tuple(source.Identifier(mark, row.text(mark)) for mark in marks if row.text(mark)),
    )


def _organization(row: Row) -> source.Organization:
    """A hospital by its name is of level 3, as one by its identifier is in FHIR."""
    level = "hospital-" if "HOSPITAL" in row.text("NAME").upper() else "other-"
    kind = source.Concept((source.Coding("", "prov"),))
    return source.Organization(id=row.text("Id"), type=(kind,), identifier=(source.Identifier("", level),))


def _order(number: int, row: Row) -> source.MedicationRequest:
    return source.MedicationRequest(
        id=f"medication-{number}",
        subject=source.Reference(row.text("PATIENT")),
        authored_on=row.text("START"),
        medication_codeable_concept=source.Concept((source.Coding(_RXNORM, row.text("CODE")),)),
        intent="order",
        status="active",
        encounter=source.Reference(row.text("ENCOUNTER")),
    )


def import_synthea(
    folder: Path,
    key: bytes,
    *,
    ends: Ends = "never",
    rates_fen_per_10k: Mapping[str, int] = RATES_FEN_PER_10K,
    kept: dict[str, bytes] | None = None,
) -> Imported:
    """The tables of `COLUMNS` in a folder. Raises ImportFault."""
    intake = Intake(key, rates_fen_per_10k, ends, kept)
    for kind, resource, row in _Tables(folder, intake.book).resources():
        intake.take(kind, resource, row.place, row.bytes)
    return intake.result(others_of(folder, COLUMNS))
