"""Every refusal of the mapping is produced by an input: the places that refuse are read off the source, not listed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from consortium.core.discovery import modules_of
from consortium.scenario.fhir import records
from consortium.scenario.fhir.importer import Source, import_lines
from consortium.scenario.fhir.records import Unfit
from consortium.scenario.importing.book import MENDS
from tests.unit.test_fhir_import import CLAIM, COVERAGE, HOSPITAL, KEY, PATIENT, lines_of

ROOM = Path(records.__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
ITEM: dict[str, Any] = CLAIM["item"][0]  # type: ignore[index]
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "pills",
    "intent": "order",
    "status": "active",
    "subject": {"reference": "urn:uuid:anna"},
    "authoredOn": "2024-03-01",
    "medicationCodeableConcept": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "1"}]},
}
GOOD: dict[str, Any] = {
    "Patient": PATIENT,
    "Organization": HOSPITAL,
    "Coverage": COVERAGE,
    "Claim": CLAIM,
    "MedicationRequest": ORDER,
}
OTHER_PATIENT = {**PATIENT, "id": "bert"}
OTHER_COVERAGE = {**COVERAGE, "id": "his", "beneficiary": {"reference": "urn:uuid:bert"}}


class Place(NamedTuple):
    """Where a refusal is written, and its reason."""

    file: str
    line: int
    reason: str


def changed(kind: str, **change: Any) -> tuple[str, Any]:
    """A second resource of this kind, which must be refused."""
    return kind, {**GOOD[kind], "id": "second", **change}


def item(**change: Any) -> dict[str, Any]:
    return {"item": [{**ITEM, **change}]}


def amount(value: str, currency: str = "USD") -> dict[str, Any]:
    return item(net={"value": float(value), "currency": currency})


def code(text: str, system: str = "http://snomed.info/sct") -> dict[str, Any]:
    return item(productOrService={"coding": [{"system": system, "code": text}]})


BOTH_DEAD = {"identifier": [{"system": "urn:x", "value": "1"}]}
BILL = {"identifier": [{"system": "urn:bills", "value": "B 1"}]}
CASES = [
    ("unparsable-line", ("Claim", b'{"resourceType":"Claim",')),
    ("wrong-shape", ("Claim", {**CLAIM, "id": 7})),
    ("wrong-resource-type", ("Claim", {**CLAIM, "resourceType": "Invoice"})),
    *(("duplicate-id", (kind, resource)) for kind, resource in GOOD.items()),
    *(("bad-id", (kind, {**resource, "id": ""})) for kind, resource in GOOD.items()),
    ("bad-id", ("Claim", {**CLAIM, "id": "a/b"})),
    ("no-birth-date", changed("Patient", birthDate="")),
    ("death-day-unknown", changed("Patient", deceasedBoolean=True)),
    ("identity-conflict", changed("Patient", deceasedDateTime="2001-01-01", **BOTH_DEAD)),
    ("bad-date", changed("Patient", birthDate="1990-01-01Tomorrow")),
    ("bad-date", changed("Claim", created="2024-03-01T24:00:00Z")),
    ("bad-date", changed("Claim", created="2024-03-01T10:00:00")),
    ("bad-date", changed("Claim", created="2024-03-01T10:00:00+19:00")),
    ("no-date", changed("Claim", created="")),
    ("no-period", changed("Coverage", period={})),
    ("other-kind", changed("Claim", provider={"reference": "Practitioner/general"})),
    ("no-coverage", changed("Claim", insurance=[{"sequence": 1}])),
    ("no-insurance", changed("Claim", insurance=[{"coverage": {"reference": "0"}}])),
    ("no-code", changed("Claim", **item(productOrService={}))),
    ("no-amount", changed("Claim", total={"currency": "USD"})),
    ("same-number", changed("Claim", created="2024-03-01", **BILL)),
    ("death-before-birth", changed("Patient", deceasedDateTime="1980-01-01")),
    ("bad-date", changed("Patient", birthDate="1990")),
    ("bad-date", changed("Patient", birthDate="1990-02-30")),
    ("not-active", changed("Coverage", status="draft")),
    ("unknown-patient", changed("Coverage", beneficiary={"reference": "urn:uuid:nobody"})),
    ("bad-date", changed("Coverage", period={"start": "2001-01-01", "end": "2000-01-01"})),
    ("not-a-claim", changed("Claim", use="preauthorization")),
    ("not-active", changed("Claim", status="cancelled")),
    ("unknown-patient", changed("Claim", patient={"reference": "urn:uuid:nobody"})),
    ("unknown-provider", changed("Claim", provider={"reference": "urn:uuid:nobody"})),
    ("no-insurance", changed("Claim", insurance=[])),
    ("unknown-coverage", changed("Claim", insurance=[{"coverage": {"reference": "Coverage/lost"}}])),
    ("coverage-of-another", changed("Claim", insurance=[{"coverage": {"reference": "Coverage/his"}}])),
    ("before-birth", changed("Claim", created="1989-12-31")),
    ("no-lines", changed("Claim", item=[])),
    ("no-amount", changed("Claim", **item(net=None))),
    ("bad-quantity", changed("Claim", **item(quantity={"value": -1}))),
    ("unknown-currency", changed("Claim", total={"value": 125.0, "currency": "EUR"})),
    ("total-mismatch", changed("Claim", total={"value": 125.0, "currency": "CNY"})),
    ("bad-amount", changed("Claim", total=None, **amount("0"))),
    ("bad-amount", changed("Claim", **amount("-1"))),
    ("bad-amount", changed("Claim", **amount("1e12"))),
    ("unknown-currency", changed("Claim", **amount("1", "EUR"))),
    ("total-mismatch", changed("Claim", total={"value": 1, "currency": "USD"})),
    ("bad-quantity", changed("Claim", **item(quantity={"value": 0.5}))),
    ("bad-code", changed("Claim", **code("a b"))),
    ("unknown-code-system", changed("Claim", **code("1", "http://example.org"))),
    ("not-an-order", changed("MedicationRequest", intent="plan")),
]


def _in_source() -> Iterator[Place]:
    """Every `Unfit(…)` of the room; where its reason is a variable, with each word that the function gives it."""
    for path in sorted(ROOM.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Unfit":
                    for reason in _words(function, call.args[0]):
                        yield Place(path.name, call.lineno, reason)


def _words(function: ast.FunctionDef, value: ast.expr) -> list[str]:
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    assert isinstance(value, ast.Name), "a reason is a word, or a variable that is given one"
    assigned = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(ast.dump(to).startswith(f"Name(id='{value.id}'") for to in node.targets)
    ]
    ends = [end for each in assigned for end in ((each.body, each.orelse) if isinstance(each, ast.IfExp) else (each,))]
    words = [str(end.value) for end in ends if isinstance(end, ast.Constant)]
    assert words, f"no word for {value.id} in {function.name}"
    return words


def _refused(kind: str, resource: Any) -> dict[str, str]:
    """What an import refuses of a good set of resources with this one at its end: reason and place."""
    more = {"Patient": [OTHER_PATIENT], "Coverage": [OTHER_COVERAGE]}
    before = _before(kind, resource)
    sources = {
        name: Source(
            name, lines_of({**good, **before.get(name, {})}, *more.get(name, []), *([resource] if name == kind else []))
        )
        for name, good in GOOD.items()
    }
    return {refusal.reason: refusal.first for refusal in import_lines(sources, KEY).refused}


def _before(kind: str, resource: Any) -> dict[str, dict[str, Any]]:
    """What the first of its kind says more, where the case is about two of them."""
    identifier = resource.get("identifier") if isinstance(resource, dict) else None
    if kind == "Patient" and identifier == BOTH_DEAD["identifier"]:
        return {"Patient": {"deceasedDateTime": "2025-01-01", **BOTH_DEAD}}
    return {"Claim": BILL} if kind == "Claim" and identifier == BILL["identifier"] else {}


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> set[Place]:
    """The places that refused something while the test ran."""
    found: set[Place] = set()

    class Told(Unfit):
        def __init__(self, reason: str, element: str = "") -> None:
            super().__init__(reason, element)
            caller = sys._getframe(1)
            found.add(Place(Path(caller.f_code.co_filename).name, caller.f_lineno, reason))

    for module in (records, *(each for each in modules_of("consortium.scenario.fhir") if hasattr(each, "Unfit"))):
        monkeypatch.setattr(module, "Unfit", Told)
    return found


@pytest.mark.parametrize(("reason", "case"), CASES, ids=[f"{reason} {case[0]}" for reason, case in CASES])
def test_one_resource_that_cannot_be_used_is_refused_for_its_reason_and_no_other(
    reason: str, case: tuple[str, Any]
) -> None:
    kind, resource = case
    place = 3 if kind in ("Patient", "Coverage") else 2
    assert _refused(kind, resource) == {reason: f"{kind}:{place}"}


def test_every_place_that_refuses_is_reached_by_a_case(places: set[Place]) -> None:
    for _, (kind, resource) in CASES:
        _refused(kind, resource)
    lacking = sorted(set(_in_source()) - places)
    assert lacking == [], "add to CASES an input that is refused there"
    assert len(places) >= 25, "the source is read"


def test_the_page_names_every_reason_and_no_other() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| reason | meaning |")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = {reason for row in rows for reason in re.findall(r"`([a-z-]+)`", row)}
    assert told == set(MENDS), "and each has a word on how to mend it"
    assert {reason for reason, _ in CASES} == {place.reason for place in _in_source()} <= told


def test_a_good_set_is_refused_nowhere() -> None:
    assert _refused("Claim", {**CLAIM, "id": "second"}) == {}
