"""Resources, one after the other, become records of ours by docs/mapping.md; nothing is guessed.

Persons come before their covers, and all of them before claims. What cannot be used goes into the book with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consortium.contracts.insurance.bill import try_normalise
from consortium.scenario.fhir import source
from consortium.scenario.fhir.catalogue_rule import compute_item, compute_packs, is_inpatient
from consortium.scenario.fhir.coverage_rule import compute_coverages
from consortium.scenario.fhir.covers import Covers
from consortium.scenario.fhir.parts import check_id, code_of, instant_of, target_of
from consortium.scenario.fhir.persons import Persons
from consortium.scenario.fhir.prices import Price, price_lines
from consortium.scenario.fhir.records import (
    ClaimLine,
    ClaimRecord,
    Coverage,
    Imported,
    Item,
    Prescription,
    Provider,
    Pseudonyms,
    ReplicaContext,
    Unfit,
)
from consortium.scenario.importing.book import Book, Ends

DEATH_CERTIFICATION = "sct-308646001"
_LEVELS = {"hospital": 3, "longterm": 2}  # prefix of the source's identifier; anything else is level 1


class Intake:
    """One import under way. `kept`, if given, is filled with the lines of what was taken, by its pseudonym."""

    def __init__(
        self, key: bytes, rates_fen_per_10k: Mapping[str, int], ends: Ends, kept: dict[str, bytes] | None
    ) -> None:
        self.book = Book(ends)
        self.pseudonyms = Pseudonyms(key)
        self.persons = Persons(self.pseudonyms, self.book)
        self.covers = Covers(self.persons)
        self._rates = rates_fen_per_10k
        self._kept = kept
        self._line = b""
        self._place = ""
        self._providers: dict[str, Provider] = {}
        self._items: dict[str, Item] = {}
        self._claims: dict[str, tuple[int, ClaimRecord]] = {}
        self._prescriptions: dict[str, tuple[int, Prescription]] = {}
        self._told: dict[object, str] = {}  # where a claim of this content, or number, stands

    def take(self, kind: str, resource: Any, place: str, line: bytes) -> None:
        """One resource that stands at `place`; `line` as its source wrote it. Raises ImportFault as `Book.refuse`."""
        self._line, self._place = line, place
        try:
            getattr(self, f"_on_{kind.lower()}")(resource)
        except Unfit as unfit:
            self.book.refuse(unfit, place)

    def _keep(self, name: str, patient: str = "") -> None:
        """The line that is being read, as it stands, behind that of its patient, and of what else was told of it."""
        if self._kept is not None:
            self._kept[name] = self._kept.get(patient, b"") + self._line

    # --- who and where ----------------------------------------------------------------------------------------------

    def _on_patient(self, patient: source.Patient) -> None:
        person, is_new = self.persons.take(patient, self._place)
        self._keep(person.person, "" if is_new else person.person)

    def _on_organization(self, organization: source.Organization) -> None:
        check_id(organization.id)
        if organization.id in self._providers:
            raise Unfit("duplicate-id", "id")
        codes = [coding.code for concept in organization.type for coding in concept.coding]
        if "prov" not in codes:
            self.book.skip("not-a-provider")
            return
        prefix = organization.identifier[0].value.partition("-")[0] if organization.identifier else ""
        institution = self.pseudonyms.of("i", organization.id)
        self._providers[organization.id] = Provider(institution, _LEVELS.get(prefix, 1))

    def _on_coverage(self, coverage: source.CoverageSource) -> None:
        self.covers.take(coverage)

    # --- what was done ----------------------------------------------------------------------------------------------

    def _on_claim(self, claim: source.Claim) -> None:
        check_id(claim.id)
        if claim.id in self._claims:
            raise Unfit("duplicate-id", "id")
        if claim.use != "claim":
            raise Unfit("not-a-claim", "use")
        if claim.status != "active":
            raise Unfit("not-active", "status")
        patient = self.persons.find(claim.patient, "patient")
        provider = self._providers.get(target_of(claim.provider.reference, "Organization", "provider"))
        if provider is None:
            raise Unfit("unknown-provider", "provider")
        self.covers.check(claim, patient)
        moment = claim.billable_period.start or claim.created
        element = "billablePeriod.start" if claim.billable_period.start else "created"
        served_on = self.persons.day_in_life(moment, patient, element)
        if not claim.item:
            raise Unfit("no-lines", "item")
        priced = price_lines(claim, self._rates)
        lines = self._lines(claim, priced.prices)
        encounter = self._encounter(claim.item[0].encounter[0] if claim.item[0].encounter else source.Reference())
        if self._is_told_again(claim, patient, provider, moment, lines, encounter):
            return
        self._bill(claim, patient, provider, moment, served_on, lines, encounter)
        self._count(priced.prices, is_base_cost=priced.is_base_cost)

    def _bill(
        self,
        claim: source.Claim,
        patient: str,
        provider: Provider,
        moment: str,
        served_on: int,
        lines: tuple[ClaimLine, ...],
        encounter: str,
    ) -> None:
        person = self.persons.by_id[patient]
        if person.died_on and all(line.code == DEATH_CERTIFICATION for line in lines):
            served_on = min(served_on, person.died_on)
        setting: ReplicaContext = "inpatient" if any(is_inpatient(line.code) for line in lines) else "outpatient"
        for line in lines:
            self._add_item(line.code)
        name, total_fen = self.pseudonyms.of("c", claim.id), sum(line.amount_fen for line in lines)
        record = ClaimRecord(name, person.person, provider.institution, encounter, served_on, setting, lines, total_fen)
        self._claims[claim.id] = (instant_of(moment), record)
        self._keep(name, person.person)

    def _lines(self, claim: source.Claim, prices: tuple[Price, ...]) -> tuple[ClaimLine, ...]:
        codes = [code_of(item.product_or_service, f"item[{at}].productOrService") for at, item in enumerate(claim.item)]
        return tuple(ClaimLine(code, price.quantity, price.fen) for code, price in zip(codes, prices, strict=True))

    def _is_told_again(
        self,
        claim: source.Claim,
        patient: str,
        provider: Provider,
        moment: str,
        lines: tuple[ClaimLine, ...],
        encounter: str,
    ) -> bool:
        """Whether a claim before it says the same: of one patient, institution, moment and encounter, with the same
        lines. A moment without a time says too little, unless an encounter stands beside it."""
        content = (patient, provider.institution, moment, encounter, lines)
        typed = [(each.system, try_normalise(each.value)) for each in claim.identifier]
        if "T" in moment or encounter:
            if content in self._told:
                self.book.recognise("claim", "same-content", self._told[content], self._place)
                return True
            self._told[content] = self._place
        for number in (each for each in typed if each[1]):
            if number in self._told:
                raise Unfit("same-number", "identifier")
            self._told[number] = self._place
        return False

    def _count(self, prices: tuple[Price, ...], *, is_base_cost: bool) -> None:
        for price in prices:
            self.book.convert(f"amount-{price.currency}", price.fen)
        if is_base_cost:
            self.book.convert("total-is-base-cost")

    def _on_medicationrequest(self, request: source.MedicationRequest) -> None:
        check_id(request.id)
        if request.id in self._prescriptions:
            raise Unfit("duplicate-id", "id")
        if request.intent != "order" or request.status in ("cancelled", "draft", "entered-in-error"):
            raise Unfit("not-an-order", "intent")
        patient = self.persons.find(request.subject, "subject")
        code = code_of(_medication(request), "medication")
        written_on = self.persons.day_in_life(request.authored_on, patient, "authoredOn")
        packs = compute_packs(request.dispense_request.expected_supply_duration)
        name, person = self.pseudonyms.of("r", request.id), self.persons.by_id[patient].person
        self._items.setdefault(code, compute_item(code, "drug"))
        record = Prescription(name, person, self._encounter(request.encounter), code, written_on, packs)
        self._prescriptions[request.id] = (instant_of(request.authored_on), record)
        self._keep(name, person)

    def _encounter(self, reference: source.Reference) -> str:
        encounter = target_of(reference.reference, "Encounter", "encounter")
        return self.pseudonyms.of("e", encounter) if encounter else ""

    def _add_item(self, code: str) -> None:
        kind = "drug" if code.startswith(("rx-", "cvx-")) else "service"
        self._items.setdefault(code, compute_item(code, "drug" if kind == "drug" else "service"))

    # --- what came of it --------------------------------------------------------------------------------------------

    def result(self, left_out: tuple[str, ...] = ()) -> Imported:
        coverages: list[Coverage] = []
        for patient, covers in self.covers.by_patient.items():
            person, birth_year = self.persons.by_id[patient].person, self.persons.births[patient] // 10_000
            coverages += compute_coverages(person, birth_year, covers)
        claims = sorted(self._claims.values(), key=lambda pair: (pair[0], pair[1].claim))
        written = sorted(self._prescriptions.values(), key=lambda pair: (pair[0], pair[1].prescription))
        return Imported(
            persons=tuple(sorted(self.persons.by_id.values(), key=lambda person: person.person)),
            coverages=tuple(sorted(coverages, key=lambda cover: (cover.person, cover.from_day))),
            providers=tuple(sorted(self._providers.values(), key=lambda provider: provider.institution)),
            items=tuple(item for _, item in sorted(self._items.items())),
            claims=tuple(claim for _, claim in claims),
            prescriptions=tuple(record for _, record in written),
            refused=self.book.refused,
            read=self.book.read,
            skipped=self.book.skipped,
            same=self.book.same,
            converted=self.book.converted,
            left_out=left_out,
        )


def _medication(request: source.MedicationRequest) -> source.Concept:
    """Its code; of one that refers to a medication inside it, that one's."""
    reference = request.medication_reference.reference
    if not reference.startswith("#"):
        return request.medication_codeable_concept
    inside = [each.code for each in request.contained if each.id == reference[1:] and each.code is not None]
    return inside[0] if inside else source.Concept()
