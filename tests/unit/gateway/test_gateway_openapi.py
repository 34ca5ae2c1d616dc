"""The OpenAPI document: it is one, names everything, and its examples are what the operations take."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from consortium.contracts import load_contracts
from consortium.contracts.told import told_records
from nodes.gateway.app import ROUTES
from nodes.gateway.arguments import typed
from nodes.gateway.catalogue import contracts
from nodes.gateway.examples import example_of
from nodes.gateway.openapi import document

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document()))
VERBS = [
    (contract.name, verb)
    for contract in load_contracts().values()
    for verb in (*contract.operations.values(), *contract.queries.values())
]


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": DOCUMENT["components"]}


def test_every_operation_and_query_and_record_has_a_path() -> None:
    for contract in contracts().values():
        for name in contract.operations:
            assert f"/v1/{contract.name}/{name}" in DOCUMENT["paths"]
        for name in contract.queries:
            assert f"/v1/queries/{contract.name}/{name}" in DOCUMENT["paths"]
    assert {"claims", "bills", "accounts", "codes"} <= set(told_records())
    assert all(f"/v1/{word}/{{id}}" in DOCUMENT["paths"] for word in told_records())


def test_every_route_of_its_own_is_described() -> None:
    plain = {path for _, path, _ in ROUTES if "{" not in path.replace("{height}", "").replace("{id}", "")}
    assert plain - set(DOCUMENT["paths"]) == {"/metrics", "/openapi.json"}


def test_each_has_a_summary_a_name_of_its_own_and_says_what_goes_wrong() -> None:
    verbs = [verb for path in DOCUMENT["paths"].values() for verb in path.values()]
    assert len({verb["operationId"] for verb in verbs}) == len(verbs)
    for verb in verbs:
        assert verb["summary"].endswith(".") and len(verb["summary"]) < 400, verb["operationId"]
        assert {"200"} <= set(verb["responses"])
        if verb["operationId"] not in ("health", "ready", "fhir.metadata"):
            assert {"400", "401", "503"} <= set(verb["responses"])


@pytest.mark.parametrize(("contract", "verb"), VERBS, ids=lambda value: getattr(value, "name", value))
def test_the_example_is_what_the_operation_takes(contract: str, verb: Any) -> None:
    example = example_of(verb.arguments)
    assert typed(example, verb.arguments, verb.name) is not None
    path = f"/v1/{contract}/{verb.name}"
    told = DOCUMENT["paths"].get(path) or DOCUMENT["paths"][f"/v1/queries/{contract}/{verb.name}"]
    content = told["post"]["requestBody"]["content"]["application/json"]
    jsonschema.Draft202012Validator(_resolved(content["schema"])).validate(example)


def test_no_schema_speaks_of_base64_for_bytes() -> None:
    assert "contentEncoding" not in str(DOCUMENT)
    claim = DOCUMENT["components"]["schemas"]["IssueAndClaim"]["properties"]["commitment"]
    assert claim["pattern"] == "^([0-9a-f]{2})*$"
