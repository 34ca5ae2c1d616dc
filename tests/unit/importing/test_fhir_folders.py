"""Folders of FHIR that were read wrongly once, each by what is different in it, and what is right of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from consortium.scenario.fhir.records import FOREVER, Imported, ImportFault
from consortium.scenario.importing.formats import import_data
from tests.unit.test_fhir_import import KEY
from tests.unit.test_fhir_reasons import GOOD

BOM = "\ufeff".encode()
ITEM = GOOD["Claim"]["item"][0]
SECOND = {"id": "second", "created": "2024-03-01T10:00:00Z"}


def write(folder: Path, **more: Iterable[Any]) -> Path:
    """The good set; of some kinds other lines."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, good in GOOD.items():
        lines = [json.dumps(each) + "\n" for each in more.get(kind, [good])]
        (folder / f"{kind}.ndjson").write_text("".join(lines), encoding="utf-8")
    return folder


def counts(imported: Imported) -> tuple[int, int, int]:
    return len(imported.persons), len(imported.claims), len(imported.prescriptions)


def changed(kind: str, **more: Any) -> dict[str, Iterable[Any]]:
    """The one good resource of a kind, changed."""
    return {kind: [{**GOOD[kind], **more}]}


def added(kind: str, **more: Any) -> dict[str, Iterable[Any]]:
    return {kind: [GOOD[kind], {**GOOD[kind], **SECOND, **more}]}


class Case(NamedTuple):
    """`right`: persons, claims, prescriptions, and the reasons of what is refused."""

    lines: dict[str, Iterable[Any]]
    right: tuple[tuple[int, int, int], dict[str, int]]


USD = {"value": 1, "currency": "USD"}
CASES = {
    "as it should be": Case({}, ((1, 1, 1), {})),
    "a provider of another kind": Case(
        changed("Claim", provider={"reference": "Practitioner/general"}), ((1, 0, 1), {"other-kind": 1})
    ),
    "a subject of another kind": Case(
        changed("MedicationRequest", subject={"reference": "Group/anna"}), ((1, 1, 0), {"other-kind": 1})
    ),
    "a conditional reference": Case(
        changed("Claim", provider={"reference": "Organization?identifier=x|general"}),
        ((1, 0, 1), {"unknown-provider": 1}),
    ),
    "an address as reference": Case(
        changed("Claim", patient={"reference": "https://example.org/fhir/Patient/anna/_history/2"}), ((1, 1, 1), {})
    ),
    "dead on no day": Case(
        changed("Patient", deceasedBoolean=True), ((0, 0, 0), {"death-day-unknown": 1, "unknown-patient": 3})
    ),
    "two currencies under one total": Case(
        changed(
            "Claim",
            item=[
                {**ITEM, "net": {"value": 100, "currency": "CNY"}},
                {**ITEM, "net": {"value": 100, "currency": "USD"}},
            ],
            total={"value": 200, "currency": "CNY"},
        ),
        ((1, 0, 1), {"total-mismatch": 1}),
    ),
    "two currencies that add up": Case(
        changed(
            "Claim",
            item=[
                {**ITEM, "net": {"value": 100, "currency": "CNY"}},
                {**ITEM, "net": {"value": 100, "currency": "USD"}},
            ],
            total={"value": 820, "currency": "CNY"},
        ),
        ((1, 1, 1), {}),
    ),
    "nobody's birthday": Case(added("Patient", birthDate=""), ((1, 1, 1), {"no-birth-date": 1})),
    "a cover of no time": Case(added("Coverage", period={}), ((1, 1, 1), {"no-period": 1})),
    "an order of no day": Case(added("MedicationRequest", authoredOn=""), ((1, 1, 1), {"no-date": 1})),
    "a total of no value": Case(added("Claim", total={"currency": "USD"}), ((1, 1, 1), {"no-amount": 1})),
    "an insurance without a cover": Case(added("Claim", insurance=[{"focal": True}]), ((1, 1, 1), {"no-coverage": 1})),
    "a line of nothing": Case(
        added("Claim", item=[{"sequence": 1, "net": USD}], total=USD), ((1, 1, 1), {"no-code": 1})
    ),
    "words behind a day": Case(changed("Claim", created="2024-03-01Tomorrow"), ((1, 0, 1), {"bad-date": 1})),
    "a time that no clock shows": Case(changed("Claim", created="2024-03-01T24:99:99"), ((1, 0, 1), {"bad-date": 1})),
    "an empty id": Case(added("Patient", id=""), ((1, 1, 1), {"bad-id": 1})),
    "a medication inside its order": Case(
        added(
            "MedicationRequest",
            medicationCodeableConcept={},
            medicationReference={"reference": "#m"},
            contained=[
                {
                    "resourceType": "Medication",
                    "id": "m",
                    "code": GOOD["MedicationRequest"]["medicationCodeableConcept"],
                }
            ],
        ),
        ((1, 1, 2), {}),
    ),
    "unit prices alone": Case(
        changed(
            "Claim",
            item=[{**ITEM, "net": None, "quantity": {"value": 5}, "unitPrice": {"value": 25.0, "currency": "USD"}}],
        ),
        ((1, 1, 1), {}),
    ),
    "nothing at all": Case({kind: [] for kind in GOOD}, ((0, 0, 0), {})),
}


@pytest.mark.parametrize("name", CASES)
def test_a_folder_is_read_as_it_should_be(name: str, tmp_path: Path) -> None:
    imported = import_data(write(tmp_path / "data", **CASES[name].lines), KEY)
    assert (counts(imported), {each.reason: each.count for each in imported.refused}) == CASES[name].right


@pytest.mark.parametrize(
    ("end", "to_day"),
    [
        ("9999-12-31", FOREVER),
        ("292278994-08-17T07:12:55Z", FOREVER),
        ("2100-06-30", 21010101),
        ("2101-01-01", 21020101),
    ],
)
def test_a_cover_ends_as_it_says_and_never_where_no_calendar_reaches(end: str, to_day: int, tmp_path: Path) -> None:
    period = {"start": "2020-01-01", "end": end}
    assert import_data(write(tmp_path / "d", **changed("Coverage", period=period)), KEY).coverages[-1].to_day == to_day


def test_claims_come_in_the_order_of_time_whatever_their_zone(tmp_path: Path) -> None:
    first = {**GOOD["Claim"], "id": "first", "created": "2024-03-02T00:30:00+08:00"}
    later = {**GOOD["Claim"], "id": "later", "created": "2024-03-01T23:00:00-05:00"}
    days = [claim.served_on for claim in import_data(write(tmp_path / "d", Claim=[later, first]), KEY).claims]
    assert days == [20240302, 20240301], "the day is as written, the order is that of the instants"


def test_the_shape_of_mitres_synthea_is_read(tmp_path: Path) -> None:
    """Coverage by the name of its payer; the total is the price of the encounter, which has none of its own."""
    items = [
        {**ITEM, "net": None, "encounter": [{"reference": "Encounter/e1"}]},
        {**ITEM, "net": {"value": 140.1, "currency": "USD"}},
    ]
    claim = {
        **GOOD["Claim"],
        "insurance": [{"coverage": {"display": "Example Mutual"}}],
        "item": items,
        "total": {"value": 120.2, "currency": "USD"},
    }
    for name, payor, reasons in (
        ("named", [{"display": "Example Mutual"}], {}),
        ("nameless", [], {}),
        ("another", [{"display": "Other"}], {"unknown-coverage": 1}),
    ):
        covers = [{**GOOD["Coverage"], "payor": payor}]
        imported = import_data(write(tmp_path / name, Claim=[claim], Coverage=covers), KEY)
        assert {each.reason: each.count for each in imported.refused} == reasons
        if not reasons:
            assert [line.amount_fen for line in imported.claims[0].lines] == [86_544, 100_872]
            assert {each.rule: each.count for each in imported.converted} == {"amount-USD": 2, "total-is-base-cost": 1}


def packed(path: Path, name: str) -> None:
    path.with_name(name).write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def moved(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


@pytest.mark.parametrize(
    "act",
    [
        lambda path: path.write_bytes(BOM + path.read_bytes()),
        lambda path: packed(path, f"{path.stem}.NDJSON.GZ"),
        lambda path: moved(path, f"{path.stem}.NDJSON.GZ"),  # an ending that lies
        lambda path: moved(path, f"{path.stem}.000.ndjson"),
        lambda path: packed(path, f"{path.stem}-1.ndjson.gz"),
    ],
    ids=["a mark of byte order", "capitals", "not packed", "one part", "a packed part"],
)
def test_a_file_is_read_however_it_is_packed_and_named(act: Callable[[Path], Any], tmp_path: Path) -> None:
    for path in sorted(write(tmp_path / "data").iterdir()):
        act(path)
    assert counts(import_data(tmp_path / "data", KEY)) == (1, 1, 1)


def test_all_parts_are_read_in_their_order_and_other_files_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "data")
    for number in (2, 10):
        claim = {**GOOD["Claim"], "id": f"c{number}", "created": f"2024-03-{number:02d}T00:00:00Z"}
        (folder / f"Claim.{number}.ndjson").write_text(json.dumps(claim), encoding="utf-8")
    (folder / "Immunization.ndjson").write_text("{}", encoding="utf-8")
    imported = import_data(folder, KEY)
    assert len(imported.claims) == 3 and imported.read["Claim"] == 3
    assert imported.left_out == ("Immunization.ndjson",)


def test_one_person_under_two_ids_is_one_and_a_claim_told_twice_is_one(tmp_path: Path) -> None:
    mark = {"identifier": [{"system": "urn:id", "value": "650102197002030021"}]}
    persons = [
        {**GOOD["Patient"], **mark},
        {**GOOD["Patient"], **mark, "id": "anna-2", "deceasedDateTime": "2025-01-01"},
    ]
    claims = [
        GOOD["Claim"],
        {**GOOD["Claim"], "id": "typed-again", "patient": {"reference": "Patient/anna-2"}},
        {**GOOD["Claim"], "id": "another", "created": "2024-03-01T00:00:01Z"},
    ]
    imported = import_data(write(tmp_path / "data", Patient=persons, Claim=claims), KEY)
    assert counts(imported) == (1, 2, 1) and imported.refused == ()
    assert imported.persons[0].died_on == 20250101, "what either tells holds"
    assert [(each.kind, each.why, each.again.rpartition(":")[2]) for each in imported.same] == [
        ("patient", "same-identifier", "2"),
        ("claim", "same-content", "2"),
    ]


def test_twins_and_visits_of_one_day_are_not_the_same(tmp_path: Path) -> None:
    """Controls: an identifier alone is no person, and a day alone is no visit."""
    mark = {"identifier": [{"system": "urn:family", "value": "7"}]}
    persons = [{**GOOD["Patient"], **mark}, {**GOOD["Patient"], **mark, "id": "bert", "gender": "male"}]
    claims = [{**GOOD["Claim"], "id": name, "created": "2024-03-01"} for name in ("one", "two")]
    imported = import_data(write(tmp_path / "data", Patient=persons, Claim=claims), KEY)
    assert counts(imported) == (2, 2, 1) and imported.same == ()


def test_a_strict_import_ends_at_the_first_and_says_where_and_how_to_mend_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", **added("Patient", birthDate=""))
    with pytest.raises(ImportFault, match=r"Patient\.ndjson:2, birthDate: no-birth-date; give the birth date$"):
        import_data(folder, KEY, ends="refused")
    assert counts(import_data(folder, KEY, ends="unreadable")) == (1, 1, 1), "a workload goes on"
