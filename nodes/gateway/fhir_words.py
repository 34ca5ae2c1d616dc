"""What every answer of the FHIR door shares: its kind of content, and how a problem is told."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from consortium.exports.fhir.resource import CODES
from nodes.gateway.errors import Problem

FHIR = "application/fhir+json"
ISSUES = {400: "structure", 401: "login", 403: "forbidden", 404: "not-found", 422: "value", 429: "throttled"}


def outcome_of_problem(problem: Problem) -> Response:
    """An OperationOutcome, with the path of the element that is wrong where the problem names one."""
    response = problem.response()
    document = _outcome(problem, str(problem.more.get("element", "")))
    headers = {name: value for name, value in response.headers.items() if name.startswith(("retry", "www"))}
    return Response(msgspec.json.encode(document), problem.status, headers, FHIR)


def _outcome(problem: Problem, element: str) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "error",
        "code": ISSUES.get(problem.status, "transient" if problem.status == 503 else "processing"),
        "details": {"coding": [{"system": CODES, "code": problem.code}]},
        "diagnostics": problem.detail,
    }
    return {"resourceType": "OperationOutcome", "issue": [{**issue, "expression": [element]} if element else issue]}
