"""The OpenAPI document against a gateway: what it allows is answered as it says, and nothing is our mistake."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks as judged

from nodes.gateway.openapi import document
from nodes.gateway.settings import GatewaySettings
from tests.gateway_kit import bearer, make_folder, over_http
from tests.sampling import examples, sampled

SCHEMA = schemathesis.openapi.from_dict(msgspec.json.decode(msgspec.json.encode(document())))
OPERATIONS = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (found.ok() for found in SCHEMA.get_all_operations())
    if operation.path != "/v1/events"  # a stream has no end
}
CHECKS = [
    judged.not_a_server_error,
    judged.status_code_conformance,
    judged.content_type_conformance,
    judged.response_headers_conformance,
    judged.response_schema_conformance,
]
PATIENCE_S = 90.0  # a request may say `timeout_s` up to 60, and a busy machine takes it
ALWAYS = ("POST /v1/settlement/issue_and_claim", "POST /v1/transactions", "GET /v1/bills/{id}", "GET /v1/blocks")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    patient = GatewaySettings(plain_http=True, answer_s=60.0, lag_ms_max=60_000)  # a busy machine is no defect
    with over_http(make_folder(tmp_path_factory.mktemp("schema") / "run"), patient) as served_at:
        yield served_at


def test_an_answer_that_the_document_does_not_know_is_found(address: str) -> None:
    told = deepcopy(SCHEMA.raw_schema)
    told["paths"]["/v1/members"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "null"}
    operation = schemathesis.openapi.from_dict(told)["/v1/members"]["GET"]
    response = operation.Case().call(base_url=address, headers=bearer())
    with pytest.raises(BaseExceptionGroup):
        operation.Case().validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("name", sampled(sorted(OPERATIONS), 10, always=ALWAYS))
def test_what_the_document_allows_is_answered_as_it_says(name: str, address: str) -> None:
    @given(case=OPERATIONS[name].as_strategy())
    @settings(max_examples=examples(24), suppress_health_check=list(HealthCheck))
    def holds(case: Any) -> None:
        response = case.call(base_url=address, headers={**case.headers, **bearer()}, timeout=PATIENCE_S)
        case.validate_response(response, checks=CHECKS)
        assert b"contract-failed" not in response.content

    holds()
