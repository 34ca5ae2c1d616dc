"""Claims about the FHIR importer: exact money, no personal data, refusals counted with their place."""

from __future__ import annotations

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.scenario.fhir.importer import Source, day_of, import_fhir, import_lines
from consortium.scenario.fhir.records import FOREVER, Imported, ImportFault, Pseudonyms, Unfit, fen_of
from consortium.scenario.importing.book import Ends
from tests.optional import FHIR_VARIABLE, needs

KEY = b"a test key of at least 16 bytes"
SAMPLE = Path(__file__).parents[2] / "scenarios" / "data" / "synthea_40"

PATIENT = {
    "resourceType": "Patient",
    "id": "anna",
    "gender": "female",
    "birthDate": "1990-05-17",
    "name": [{"family": "Musterfrau", "given": ["Annabella"]}],
    "telecom": [{"system": "phone", "value": "555-0199"}],
    "address": [{"line": ["12 Secret Lane"], "city": "Boston"}],
}
HOSPITAL = {
    "resourceType": "Organization",
    "id": "general",
    "type": [{"coding": [{"code": "prov"}]}],
    "identifier": [{"value": "hospital-1"}],
}
COVERAGE = {
    "resourceType": "Coverage",
    "id": "cover",
    "status": "active",
    "beneficiary": {"reference": "urn:uuid:anna"},
    "period": {"start": "1990-05-17T01:02:03+00:00"},
    "type": {"coding": [{"code": "HIP"}]},
}
CLAIM = {
    "resourceType": "Claim",
    "id": "visit",
    "status": "active",
    "use": "claim",
    "patient": {"reference": "urn:uuid:anna"},
    "provider": {"reference": "Organization/general"},
    "created": "2024-02-29T23:59:59-05:00",
    "item": [
        {
            "sequence": 1,
            "productOrService": {"coding": [{"system": "http://snomed.info/sct", "code": "162673000"}]},
            "net": {"value": 125.0, "currency": "USD"},
        }
    ],
    "total": {"value": 125.0, "currency": "USD"},
    "insurance": [{"coverage": {"reference": "Coverage/cover"}}],
}


def lines_of(*resources: Any) -> list[bytes]:
    return [resource if isinstance(resource, bytes) else json.dumps(resource).encode() for resource in resources]


def read(*claims: Any, ends: Ends = "never", patient: Any = PATIENT) -> Imported:
    sources = {
        "Patient": Source("Patient.ndjson", lines_of(patient)),
        "Organization": Source("Organization.ndjson", lines_of(HOSPITAL)),
        "Coverage": Source("Coverage.ndjson", lines_of(COVERAGE)),
        "Claim": Source("Claim.ndjson", lines_of(*claims)),
    }
    return import_lines(sources, KEY, ends=ends)


def reasons(imported: Imported) -> dict[str, tuple[int, str]]:
    return {refusal.reason: (refusal.count, refusal.first) for refusal in imported.refused}


def test_a_claim_becomes_fen_days_and_pseudonyms() -> None:
    imported = read(CLAIM)
    (claim,) = imported.claims
    assert (claim.served_on, claim.setting, claim.total_fen) == (20240229, "outpatient", 90_000)
    assert claim.lines[0].code == "sct-162673000"
    assert claim.person == imported.persons[0].person == Pseudonyms(KEY).of("p", "anna")
    assert imported.providers[0].level == 3
    assert imported.refused == ()


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0.1", 72), ("0.00069", 0), ("0.000694444444444444", 0), ("0.000694444444444445", 1), ("125.00", 90_000)],
)
def test_money_is_converted_from_its_decimal_text_half_up(text: str, fen: int) -> None:
    assert fen_of(Decimal(text), "USD", {"USD": 7_200_000}) == fen


def test_an_amount_that_a_float_cannot_hold_is_exact() -> None:
    """The nearest double of this decimal is another number of fen at this rate."""
    text = json.dumps(CLAIM).replace("125.0", "900719925.4740993500001")
    (claim,) = read(text.encode()).claims
    assert claim.total_fen == (9007199254740993500001 * 720 * 2 + 10**13) // (2 * 10**13)


@given(st.integers(0, 10**15), st.integers(0, 10))
def test_conversion_at_rate_one_is_rounding_half_up(digits: int, places: int) -> None:
    exact = Decimal(digits).scaleb(-places)
    expected = (digits * 100 * 2 + 10**places) // (2 * 10**places)
    if expected >= 10**12:
        with pytest.raises(Unfit):
            fen_of(exact, "CNY", {"CNY": 1_000_000})
    else:
        assert fen_of(exact, "CNY", {"CNY": 1_000_000}) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"use": "preauthorization"}, "not-a-claim"),
        ({"status": "cancelled"}, "not-active"),
        ({"patient": {"reference": "urn:uuid:bert"}}, "unknown-patient"),
        ({"provider": {"reference": "urn:uuid:cigna"}}, "unknown-provider"),
        ({"insurance": []}, "no-insurance"),
        ({"insurance": [{"coverage": {"reference": "0"}}]}, "no-insurance"),
        ({"insurance": [{"coverage": {"reference": "Coverage/lost"}}]}, "unknown-coverage"),
        ({"created": "2024-02-30"}, "bad-date"),
        ({"created": ""}, "no-date"),
        ({"patient": {"reference": "Group/anna"}}, "other-kind"),
        ({"created": "1989-12-31"}, "before-birth"),
        ({"item": []}, "no-lines"),
        ({"total": {"value": 125.01, "currency": "USD"}}, "total-mismatch"),
        ({"item": [{**CLAIM["item"][0], "net": {"value": -1, "currency": "USD"}}]}, "bad-amount"),  # type: ignore[index]
        ({"item": [{**CLAIM["item"][0], "net": {"value": 1, "currency": "EUR"}}]}, "unknown-currency"),  # type: ignore[index]
        ({"item": [{**CLAIM["item"][0], "quantity": {"value": 0.5}}]}, "bad-quantity"),  # type: ignore[index]
        ({"item": [{**CLAIM["item"][0], "productOrService": {}}]}, "no-code"),  # type: ignore[index]
        ({"id": 7}, "wrong-shape"),
        ({"resourceType": "Invoice"}, "wrong-resource-type"),
    ],
)
def test_what_cannot_be_used_is_counted_with_its_place(change: dict[str, Any], reason: str) -> None:
    imported = read(CLAIM, {**CLAIM, "id": "second", **change})
    assert reasons(imported) == {reason: (1, "Claim.ndjson:2")}
    assert len(imported.claims) == 1


def test_a_second_claim_of_one_id_is_refused_and_counted() -> None:
    assert reasons(read(CLAIM, CLAIM, CLAIM)) == {"duplicate-id": (2, "Claim.ndjson:2")}


@pytest.mark.parametrize("line", [b'{"resourceType":"Claim",', b"\xff\xfe", b"[" * 100_000, b'{"id":"' + b"x" * 10**6])
def test_a_broken_line_is_counted_or_in_strict_mode_an_error_naming_it(line: bytes) -> None:
    imported = read(CLAIM, line)
    assert sum(refusal.count for refusal in imported.refused) == 1
    assert imported.refused[0].first == "Claim.ndjson:2"
    with pytest.raises(ImportFault, match=r"Claim\.ndjson:2: this line"):
        read(CLAIM, line, ends="unreadable")


def test_no_name_phone_address_or_birth_date_leaves_the_importer() -> None:
    text = msgspec.json.encode(read(CLAIM)).decode()
    for secret in ("Musterfrau", "Annabella", "555-0199", "Secret Lane", "Boston", "1990-05-17", "19900517", "anna"):
        assert secret not in text
    assert "p-" in text  # the control: the text does hold the person


def test_coverage_is_whole_years_and_an_adult_with_private_cover_is_an_employee() -> None:
    covers = [(cover.scheme, cover.is_retired, cover.from_day, cover.to_day) for cover in read(CLAIM).coverages]
    assert covers == [
        ("resident", False, 19900101, 20080101),
        ("employee", False, 20080101, 20500101),
        ("employee", True, 20500101, FOREVER),
    ]


def test_a_death_certification_is_of_the_day_of_death_and_another_claim_is_not() -> None:
    dead = {**PATIENT, "deceasedDateTime": "2024-02-22T10:00:00Z"}
    service = {"coding": [{"system": "http://snomed.info/sct", "code": "308646001"}]}
    certificate = {**CLAIM, "id": "death", "item": [{**CLAIM["item"][0], "productOrService": service}]}  # type: ignore[index]
    days = {claim.lines[0].code: claim.served_on for claim in read(CLAIM, certificate, patient=dead).claims}
    assert days == {"sct-308646001": 20240222, "sct-162673000": 20240229}


def test_another_key_gives_other_pseudonyms_and_a_short_key_is_an_error() -> None:
    assert Pseudonyms(KEY).of("p", "anna") != Pseudonyms(KEY + b"!").of("p", "anna")
    with pytest.raises(ImportFault, match="16 bytes"):
        Pseudonyms(b"short")


@pytest.mark.parametrize("text", ["", "2024", "2024-1-01", "2024-13-01", "2023-02-29", "٢٠٢٤-01-01", "20240101xx"])
def test_a_day_that_is_none_is_unfit(text: str) -> None:
    with pytest.raises(Unfit, match="bad-date"):
        day_of(text)


def test_a_missing_file_a_double_file_and_a_torn_gzip_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFault, match=r"Patient\.ndjson"):
        import_fhir(tmp_path, KEY)
    for path in SAMPLE.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    import_fhir(tmp_path, KEY, ends="refused")
    whole = (tmp_path / "Claim.ndjson.gz").read_bytes()
    (tmp_path / "Claim.ndjson.gz").write_bytes(whole[:-100])
    with pytest.raises(ImportFault, match=r"Claim\.ndjson\.gz: not a whole gzip file"):
        import_fhir(tmp_path, KEY)
    (tmp_path / "Claim.ndjson").write_bytes(gzip.decompress(whole))
    with pytest.raises(ImportFault, match="remove one"):
        import_fhir(tmp_path, KEY)


def test_the_sample_is_read_whole_and_alike_each_time() -> None:
    first, second = (import_fhir(SAMPLE, KEY, ends="refused") for _ in range(2))
    assert first == second
    assert (len(first.claims), len(first.prescriptions), first.refused) == (668, 161, ())
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 1_000_000


@needs("fhir of twenty")
def test_twenty_whole_patients_are_read_clean() -> None:
    imported = import_fhir(Path(os.environ[FHIR_VARIABLE]), KEY, ends="refused")
    assert (len(imported.claims), len(imported.persons), len(imported.prescriptions)) == (2_288, 20, 579)
    assert imported.refused == () and imported.skipped == {"not-a-provider": 8}
    assert sum(claim.total_fen for claim in imported.claims) == 2_288 * 90_000


@needs("fhir.resources")
def test_an_independent_reader_finds_the_same_days_amounts_and_codes() -> None:
    """`fhir.resources` (R4B models, pydantic) reads the same lines; trimmed elements aside, it agrees."""
    from fhir.resources.R4B.claim import Claim

    by_name = {claim.claim: claim for claim in import_fhir(SAMPLE, KEY).claims}
    lines = gzip.decompress((SAMPLE / "Claim.ndjson.gz").read_bytes()).splitlines()
    for line in lines[::97]:
        theirs = Claim.model_validate_json(line)
        ours = by_name[Pseudonyms(KEY).of("c", theirs.id)]  # type: ignore[arg-type]
        assert ours.served_on == int(theirs.created.strftime("%Y%m%d"))
        assert ours.total_fen == int(theirs.total.value * 720)  # type: ignore[operator]
        assert ours.lines[0].code == f"sct-{theirs.item[0].productOrService.coding[0].code}"  # type: ignore[index]
