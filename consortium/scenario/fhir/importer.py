"""FHIR R4 NDJSON in, our records out, by the mapping of docs/mapping.md. Bytes in, records out; nothing is guessed.

What cannot be used is counted by reason, with the place of the first example; it never stops an import, unless `strict`
asks that an unreadable line be an error (the command line does).
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.contracts.checks import check_day, check_identifier
from consortium.core.contract import Refused
from consortium.scenario.fhir import source as source
from consortium.scenario.fhir.catalogue_rule import compute_item, compute_packs, is_inpatient
from consortium.scenario.fhir.coverage_rule import compute_coverages
from consortium.scenario.fhir.records import (
    PLACES,
    RATES_FEN_PER_10K,
    ClaimLine,
    ClaimRecord,
    Coverage,
    Imported,
    ImportFault,
    Item,
    Person,
    Prescription,
    Provider,
    Pseudonyms,
    Refusal,
    ReplicaContext,
    Unfit,
    fen_of,
    scaled_of,
)

LINE_BYTES_MAX = 1_000_000
KINDS: dict[str, Any] = {  # in the order in which they are read
    "Patient": source.Patient,
    "Organization": source.Organization,
    "Coverage": source.CoverageSource,
    "Claim": source.Claim,
    "MedicationRequest": source.MedicationRequest,
}
REQUIRED = ("Patient", "Organization", "Coverage", "Claim")
DEATH_CERTIFICATION = "sct-308646001"
_LEVELS = {"hospital": 3, "longterm": 2}  # prefix of the source's identifier; anything else is level 1
_SYSTEMS = {
    "http://snomed.info/sct": "sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rx",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "http://www.ada.org/cdt": "cdt",
}
_read_day = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T.*)?", re.DOTALL).fullmatch


class Source(NamedTuple):
    """One file's lines. `name` as the user knows it, for places."""

    name: str
    lines: Iterable[bytes]


def day_of(text: str) -> int:
    """YYYYMMDD of an ISO date or dateTime, as written (no shift of zones). Raises Unfit."""
    found = _read_day(text)
    if found is None:
        raise Unfit("bad-date")
    day = int("".join(found.groups()))
    try:
        check_day(day, "day")
    except Refused:
        raise Unfit("bad-date") from None
    return day


def id_of(reference: str) -> str:
    """The id in `urn:uuid:ID`, `Kind/ID` or `ID`."""
    return reference.rpartition(":")[2].rpartition("/")[2]


def code_of(concept: source.Concept) -> str:
    """Our catalogue code `system-code` of the first coding whose system we know. Raises Unfit."""
    for coding in concept.coding:
        system = _SYSTEMS.get(coding.system)
        if system is None:
            continue
        code = f"{system}-{coding.code}"
        try:
            check_identifier(code, "code")
        except Refused:
            raise Unfit("bad-code") from None
        if coding.code:
            return code
    raise Unfit("unknown-code-system")


class _Import:
    """One import under way: what was read, by source id, and what was refused, by reason."""

    def __init__(
        self,
        key: bytes,
        rates_fen_per_10k: Mapping[str, int],
        is_strict: bool,
        kept: dict[str, bytes] | None,
    ) -> None:
        self.kept = kept
        self.line = b""  # that is being read
        self.pseudonyms = Pseudonyms(key)
        self.rates_fen_per_10k = rates_fen_per_10k
        self.is_strict = is_strict
        self.persons: dict[str, Person] = {}
        self.births: dict[str, int] = {}
        self.covers: dict[str, list[tuple[int, int, bool]]] = {}
        self.beneficiaries: dict[str, str] = {}
        self.providers: dict[str, Provider] = {}
        self.items: dict[str, Item] = {}
        self.claims: dict[str, tuple[str, ClaimRecord]] = {}
        self.prescriptions: dict[str, tuple[str, Prescription]] = {}
        self.refused: dict[str, Refusal] = {}
        self.read: dict[str, int] = {}
        self.skipped: dict[str, int] = {}

    def take(self, kind: str, file: Source) -> None:
        """Read all lines of one kind of resource."""
        decode = msgspec.json.Decoder(KINDS[kind]).decode
        accept: Callable[[Any], None] = getattr(self, f"_on_{kind.lower()}")
        self.read.setdefault(kind, 0)
        for number, line in enumerate(file.lines, 1):
            if not line.strip():
                continue
            self.read[kind] += 1
            self.line = line
            place = f"{file.name}:{number}"
            try:
                accept(self._decode(decode, kind, line, place))
            except Unfit as unfit:
                self._refuse(unfit.reason, place)

    def _decode(self, decode: Callable[[bytes], Any], kind: str, line: bytes, place: str) -> Any:
        try:
            if len(line) > LINE_BYTES_MAX:
                raise msgspec.DecodeError(f"a line of {len(line)} bytes, at most {LINE_BYTES_MAX}")
            resource = decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reason = "wrong-shape" if isinstance(error, msgspec.ValidationError) else "unparsable-line"
            if self.is_strict:
                what = f"is not a FHIR R4 {kind}" if reason == "wrong-shape" else "is not JSON"
                raise ImportFault(f"{place}: this line {what} ({error}); mend or remove it") from None
            raise Unfit(reason) from None
        if resource.resource_type != kind:
            if self.is_strict:
                found = resource.resource_type or "no resourceType"
                raise ImportFault(f"{place}: expected a {kind}, found {found[:40]!r}; is the file named rightly?")
            raise Unfit("wrong-resource-type")
        return resource

    def _keep(self, name: str, patient: str = "") -> None:
        """The line that is being read, as it stands, behind that of its patient."""
        if self.kept is not None:
            self.kept[name] = self.kept.get(patient, b"") + self.line

    def _refuse(self, reason: str, place: str) -> None:
        known = self.refused.get(reason)
        self.refused[reason] = (
            Refusal(reason, 1, place) if known is None else Refusal(reason, known.count + 1, known.first)
        )

    def _on_patient(self, patient: source.Patient) -> None:
        if patient.id in self.persons:
            raise Unfit("duplicate-id")
        born_on = day_of(patient.birth_date)
        died_on = day_of(patient.deceased_date_time) if patient.deceased_date_time else 0
        if died_on and died_on < born_on:
            raise Unfit("death-before-birth")
        sex = patient.gender if patient.gender in ("male", "female", "other") else "unknown"
        self.persons[patient.id] = Person(self.pseudonyms.of("p", patient.id), sex, died_on)
        self.births[patient.id] = born_on
        self._keep(self.persons[patient.id].person)

    def _on_organization(self, organization: source.Organization) -> None:
        if organization.id in self.providers:
            raise Unfit("duplicate-id")
        codes = [coding.code for concept in organization.type for coding in concept.coding]
        if "prov" not in codes:
            self.skipped["not-a-provider"] = self.skipped.get("not-a-provider", 0) + 1
            return
        prefix = organization.identifier[0].value.partition("-")[0] if organization.identifier else ""
        institution = self.pseudonyms.of("i", organization.id)
        self.providers[organization.id] = Provider(institution, _LEVELS.get(prefix, 1))

    def _on_coverage(self, coverage: source.CoverageSource) -> None:
        if coverage.id in self.beneficiaries:
            raise Unfit("duplicate-id")
        if coverage.status in ("draft", "entered-in-error"):
            raise Unfit("not-active")
        person = id_of(coverage.beneficiary.reference)
        if person not in self.persons:
            raise Unfit("unknown-patient")
        start = day_of(coverage.period.start)
        end = day_of(coverage.period.end) if coverage.period.end else 0
        if end and end < start:
            raise Unfit("bad-date")
        is_public = any(coding.code == "PUBLICPOL" for coding in coverage.type.coding)
        self.covers.setdefault(person, []).append((start, end, is_public))
        self.beneficiaries[coverage.id] = person

    def _on_claim(self, claim: source.Claim) -> None:
        if claim.id in self.claims:
            raise Unfit("duplicate-id")
        if claim.use != "claim":
            raise Unfit("not-a-claim")
        if claim.status != "active":
            raise Unfit("not-active")
        patient = id_of(claim.patient.reference)
        person = self._person(patient)
        provider = self.providers.get(id_of(claim.provider.reference))
        if provider is None:
            raise Unfit("unknown-provider")
        self._check_insurance(claim, patient)
        moment = claim.billable_period.start or claim.created
        served_on = self._day_in_life(moment, patient)
        lines = self._lines(claim)
        if person.died_on and all(line.code == DEATH_CERTIFICATION for line in lines):
            served_on = min(served_on, person.died_on)
        setting: ReplicaContext = "inpatient" if any(is_inpatient(line.code) for line in lines) else "outpatient"
        encounter = self._encounter(claim.item[0].encounter[0] if claim.item[0].encounter else source.Reference())
        total_fen = sum(line.amount_fen for line in lines)
        name = self.pseudonyms.of("c", claim.id)
        record = ClaimRecord(name, person.person, provider.institution, encounter, served_on, setting, lines, total_fen)
        self.claims[claim.id] = (moment, record)
        self._keep(name, person.person)

    def _on_medicationrequest(self, request: source.MedicationRequest) -> None:
        if request.id in self.prescriptions:
            raise Unfit("duplicate-id")
        if request.intent != "order" or request.status in ("cancelled", "draft", "entered-in-error"):
            raise Unfit("not-an-order")
        patient = id_of(request.subject.reference)
        person = self._person(patient)
        code = code_of(request.medication_codeable_concept)
        written_on = self._day_in_life(request.authored_on, patient)
        packs = compute_packs(request.dispense_request.expected_supply_duration)
        name = self.pseudonyms.of("r", request.id)
        encounter = self._encounter(request.encounter)
        self._add_item(code, "drug")
        record = Prescription(name, person.person, encounter, code, written_on, packs)
        self.prescriptions[request.id] = (request.authored_on, record)
        self._keep(name, person.person)

    def _person(self, patient: str) -> Person:
        person = self.persons.get(patient)
        if person is None:
            raise Unfit("unknown-patient")
        return person

    def _encounter(self, reference: source.Reference) -> str:
        encounter = id_of(reference.reference)
        return self.pseudonyms.of("e", encounter) if encounter else ""

    def _check_insurance(self, claim: source.Claim, patient: str) -> None:
        covers = [id_of(insurance.coverage.reference) for insurance in claim.insurance]
        if not covers or covers == ["0"]:
            raise Unfit("no-insurance")
        beneficiaries = [self.beneficiaries.get(cover) for cover in covers]
        if not any(beneficiaries):
            raise Unfit("unknown-coverage")
        if patient not in beneficiaries:
            raise Unfit("coverage-of-another")

    def _day_in_life(self, moment: str, patient: str) -> int:
        day = day_of(moment)
        if day < self.births[patient]:
            raise Unfit("before-birth")
        return day

    def _lines(self, claim: source.Claim) -> tuple[ClaimLine, ...]:
        """All lines, priced; the source's own total must be their sum, in its own currency, to the last digit."""
        if not claim.item:
            raise Unfit("no-lines")
        lines: list[ClaimLine] = []
        scaled_sum = 0
        for item in claim.item:
            if item.net is None:
                raise Unfit("bad-amount")
            amount_fen = fen_of(item.net.value, item.net.currency, self.rates_fen_per_10k)
            scaled_sum += scaled_of(item.net.value)
            lines.append(ClaimLine(code_of(item.product_or_service), self._quantity(item.quantity), amount_fen))
        if claim.total is not None and scaled_of(claim.total.value) != scaled_sum:
            raise Unfit("total-mismatch")
        if any(line.amount_fen == 0 for line in lines):
            raise Unfit("bad-amount")
        for line in lines:
            self._add_item(line.code, "drug" if line.code.startswith(("rx-", "cvx-")) else "service")
        return tuple(lines)

    def _quantity(self, quantity: source.Quantity | None) -> int:
        if quantity is None:
            return 1
        scaled = scaled_of(quantity.value)
        if scaled % 10**PLACES or not 1 <= scaled // 10**PLACES <= 10_000:
            raise Unfit("bad-quantity")
        return scaled // 10**PLACES

    def _add_item(self, code: str, kind: str) -> None:
        if code not in self.items:
            self.items[code] = compute_item(code, "drug" if kind == "drug" else "service")

    def result(self) -> Imported:
        coverages: list[Coverage] = []
        for patient, covers in self.covers.items():
            coverages += compute_coverages(self.persons[patient].person, self.births[patient] // 10_000, covers)
        return Imported(
            persons=tuple(sorted(self.persons.values(), key=lambda person: person.person)),
            coverages=tuple(sorted(coverages, key=lambda cover: (cover.person, cover.from_day))),
            providers=tuple(sorted(self.providers.values(), key=lambda provider: provider.institution)),
            items=tuple(item for _, item in sorted(self.items.items())),
            claims=tuple(claim for _, claim in sorted(self.claims.values(), key=lambda pair: (pair[0], pair[1].claim))),
            prescriptions=tuple(
                record
                for _, record in sorted(self.prescriptions.values(), key=lambda pair: (pair[0], pair[1].prescription))
            ),
            refused=tuple(refusal for _, refusal in sorted(self.refused.items())),
            read=self.read,
            skipped=self.skipped,
        )


def import_lines(
    sources: Mapping[str, Source],
    key: bytes,
    *,
    strict: bool = False,
    rates_fen_per_10k: Mapping[str, int] = RATES_FEN_PER_10K,
    kept: dict[str, bytes] | None = None,
) -> Imported:
    """Records of the resources in `sources` (by resource type). Deterministic: same bytes, key and rates, same records.

    `strict` makes a line that cannot be read an ImportFault naming file and line; otherwise it is counted. `kept`, if
    given, is filled: by the name of a person, claim or prescription its line as it stands, behind its patient's. That
    is what the organisation knows that brought it, names and all.
    """
    under_way = _Import(key, rates_fen_per_10k, strict, kept)
    for kind in KINDS:
        if kind in sources:
            under_way.take(kind, sources[kind])
    return under_way.result()


def import_fhir(
    folder: Path,
    key: bytes,
    *,
    strict: bool = False,
    rates_fen_per_10k: Mapping[str, int] = RATES_FEN_PER_10K,
    kept: dict[str, bytes] | None = None,
) -> Imported:
    """Import `Patient`, `Organization`, `Coverage`, `Claim` and (where there is one) `MedicationRequest` of a folder.

    Each is `KIND.ndjson` or `KIND.ndjson.gz`. Raises ImportFault, also where a file is missing or not gzip.
    """
    if not folder.is_dir():
        raise ImportFault(f"{folder}: no such folder; name one that holds Patient.ndjson.gz, Claim.ndjson.gz, …")
    sources: dict[str, Source] = {}
    for kind in KINDS:
        found = [path for ending in (".ndjson", ".ndjson.gz") if (path := folder / f"{kind}{ending}").is_file()]
        if len(found) > 1:
            raise ImportFault(f"{folder}: both {found[0].name} and {found[1].name} are there; remove one")
        if found:
            sources[kind] = Source(str(found[0]), _read_lines(found[0]))
        elif kind in REQUIRED:
            raise ImportFault(f"{folder}: {kind}.ndjson or {kind}.ndjson.gz is missing; export it beside the others")
    return import_lines(sources, key, strict=strict, rates_fen_per_10k=rates_fen_per_10k, kept=kept)


def _read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, unpacked as they are read; none is held longer than LINE_BYTES_MAX + 1."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while line := file.readline(LINE_BYTES_MAX + 1):
                yield line
                while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
                    line = file.readline(LINE_BYTES_MAX + 1)  # the rest of a line that is too long
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ImportFault(f"{path}: not a whole gzip file ({error}); copy or export it again") from None
    except OSError as error:
        raise ImportFault(f"{path}: cannot be read ({error.strerror})") from None
