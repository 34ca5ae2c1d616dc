"""What the OpenAPI document says of the FHIR door: FHIR's own documents describe the resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from consortium.exports.fhir.resource import load_kinds
from nodes.gateway.errors import TITLES
from nodes.gateway.fhir_words import FHIR

STATUSES = (400, 401, 403, 408, 413, 415, 422, 429, 503)
READ_STATUSES = (400, 401, 403, 404, 429, 503)
_RETRY = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
SAMPLE: dict[str, Any] = {
    "resourceType": "Claim",
    "status": "active",
    "use": "claim",
    "identifier": [{"value": "H65010200000-F0000001"}],
    "type": {"coding": [{"code": "professional"}]},
    "patient": {"identifier": {"value": "650102000000000000000000000001"}},
    "provider": {"identifier": {"value": "H65010200000"}},
    "billablePeriod": {"start": "2026-03-02", "end": "2026-03-02"},
    "item": [
        {
            "sequence": 1,
            "productOrService": {"coding": [{"code": "XA02BCA007E001010100000"}]},
            "quantity": {"value": 2},
            "unitPrice": {"value": 15.00, "currency": "CNY"},
        }
    ],
    "total": {"value": 30.00, "currency": "CNY"},
}


def fhir_paths(waiting: list[dict[str, Any]], key: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """`waiting`, `key`: the parameters of every submission."""
    told = {
        "200": _resource("ClaimResponse", "Executed: complete, or an error with the contract's code."),
        "202": _resource("ClaimResponse", "Queued: the node says it until it is executed."),
        **{str(status): _resource("OperationOutcome", TITLES[status]) for status in STATUSES},
    }
    for status in ("429", "503"):
        told[status]["headers"] = _RETRY
    claim = {
        "operationId": "fhir.claim",
        "tags": ["fhir"],
        "summary": "Bill and claim by a FHIR R4 Claim.",
        "parameters": [*waiting, key],
        "requestBody": {
            "required": True,
            "content": {FHIR: {"schema": _schema("Claim"), "examples": {"usual": {"value": SAMPLE}}}},
        },
        "responses": told,
    }
    yield "/fhir/Claim", {"post": claim}
    metadata = {
        "operationId": "fhir.metadata",
        "tags": ["fhir"],
        "summary": "What of FHIR is spoken here.",
        "parameters": [],
        "security": [],
        "responses": {"200": _resource("CapabilityStatement", "Always the same.")},
    }
    yield "/fhir/metadata", {"get": metadata}
    for name in load_kinds():
        yield f"/fhir/{name}/{{id}}", {"get": _reading(name)}


def _reading(name: str) -> dict[str, Any]:
    """Of a resource that is made of a row of the ledger."""
    identity = {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}
    told = {
        "200": _resource(name, "As the ledger has it now."),
        **{str(status): _resource("OperationOutcome", TITLES[status]) for status in READ_STATUSES},
    }
    for status in ("429", "503"):
        told[status]["headers"] = _RETRY
    return {
        "operationId": f"fhir.read.{name}",
        "tags": ["fhir"],
        "summary": f"A {name} that may be read, by its id.",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": identity}],
        "responses": told,
    }


def _resource(name: str, what: str) -> dict[str, Any]:
    return {"description": what, "content": {FHIR: {"schema": _schema(name)}}}


def _schema(name: str) -> dict[str, Any]:
    return {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"const": name}}}
