"""The covers of an import: whose they are, how long, and whether a claim names one of its patient."""

from __future__ import annotations

from consortium.scenario.fhir import source
from consortium.scenario.fhir.parts import check_id, day_of, end_of, target_of
from consortium.scenario.fhir.persons import Persons
from consortium.scenario.fhir.records import Unfit

NOBODY = "0"  # a reference that systems write where nobody insures


class Covers:
    """`by_patient`: (first day, last day or 0, is public) of each."""

    def __init__(self, persons: Persons) -> None:
        self._persons = persons
        self.by_patient: dict[str, list[tuple[int, int, bool]]] = {}
        self._patients: dict[str, str] = {}  # by the cover's id
        self._names: dict[str, list[str]] = {}  # of the payers of a patient's covers, "" of one without

    def take(self, coverage: source.CoverageSource) -> None:
        """Raises Unfit."""
        check_id(coverage.id)
        if coverage.id in self._patients:
            raise Unfit("duplicate-id", "id")
        if coverage.status in ("draft", "entered-in-error"):
            raise Unfit("not-active", "status")
        patient = self._persons.find(coverage.beneficiary, "beneficiary")
        if not coverage.period.start:
            raise Unfit("no-period", "period.start")
        start = day_of(coverage.period.start, "period.start")
        end = end_of(coverage.period.end, "period.end")
        if end and end < start:
            raise Unfit("bad-date", "period.end")
        is_public = any(coding.code == "PUBLICPOL" for coding in coverage.type.coding)
        self.by_patient.setdefault(patient, []).append((start, end, is_public))
        self._patients[coverage.id] = patient
        self._names.setdefault(patient, []).append(coverage.payor[0].display if coverage.payor else "")

    def check(self, claim: source.Claim, patient: str) -> None:
        """Whether the claim names a cover of its patient: by reference, or by the name of its payer where a cover of
        the patient bears that name, or the only one bears none. Raises Unfit."""
        if not claim.insurance:
            raise Unfit("no-insurance", "insurance")
        named = [each.coverage for each in claim.insurance if each.coverage.reference or each.coverage.display]
        if not named:
            raise Unfit("no-coverage", "insurance[0].coverage")
        ids = [target_of(each.reference, "Coverage", "insurance[0].coverage") for each in named if each.reference]
        if ids == [NOBODY]:
            raise Unfit("no-insurance", "insurance[0].coverage")
        patients = [self._patients.get(identity) for identity in ids]
        patients += [patient for each in named if not each.reference and self._bears(patient, each.display)]
        if not any(patients):
            raise Unfit("unknown-coverage", "insurance[0].coverage")
        if patient not in patients:
            raise Unfit("coverage-of-another", "insurance[0].coverage")

    def _bears(self, patient: str, name: str) -> bool:
        names = self._names.get(patient, [])
        return name in names or names == [""]
