"""Reading in FHIR: the worked cases go in as Claims and come out as ExplanationOfBenefit, to the fen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from consortium.exports.fhir.resource import load_kinds
from nodes.gateway.fhir_words import FHIR
from tests.gateway_kit import Served, StandIn, bearer, make_folder, served
from tests.optional import needs
from tests.worked_cases_kit import CASES, amounts_of, claim_of, worked_genesis

GENESIS = worked_genesis()


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    node = make_folder(tmp_path / "run", genesis=GENESIS)
    stand = StandIn(node, GENESIS)
    await stand.open()
    async with served(node, stand) as made:
        yield made
    await stand.close()
    stand.rows.close()


async def claim(at: Served, document: bytes) -> Any:
    answer = await at.client.post("/fhir/Claim", content=document, headers={**bearer(), "Content-Type": FHIR})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(at: Served, path: str, token: str = "desk") -> httpx.Response:
    return await at.client.get(f"/fhir/{path}", headers=bearer(token))


async def test_the_worked_cases_go_in_as_claims_and_come_out_to_the_fen(at: Served) -> None:
    for case in CASES:
        told = await claim(at, claim_of(case))
        assert told["outcome"] == "complete", (case.name, told)
        answer = await read(at, f"ExplanationOfBenefit/{told['id']}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, FHIR)
        found = amounts_of(answer.json())
        assert {name: found.get(name) for name in case.right} == case.right, case.name


async def test_what_is_told_adds_up_and_is_the_response_of_the_door(at: Served) -> None:
    response = await claim(at, claim_of(CASES[0]))
    benefit = (await read(at, f"ExplanationOfBenefit/{response['id']}")).json()
    found = {name: round(100 * float(yuan)) for name, yuan in amounts_of(benefit).items()}
    assert found["submitted"] == found["eligible"] + found["noncovered"]
    assert found["eligible"] == found["deductible"] + found["coinsurance"] + found["benefit"]
    assert found["memberliability"] == found["paidbypatientother"] + found["paidbypatientcash"]
    again = (await read(at, f"ClaimResponse/{response['id']}")).json()
    for name in ("id", "status", "created", "outcome", "payment", "use"):
        assert again[name] == response[name], name
    told = {each["category"]["coding"][0]["code"]: each["amount"] for each in again["total"]}
    assert all(told[each["category"]["coding"][0]["code"]] == each["amount"] for each in response["total"])


async def test_a_bill_and_what_it_sold_are_read_by_their_ids_and_the_read_is_in_the_audit(at: Served) -> None:
    await claim(at, claim_of(CASES[0]))
    answer = await read(at, "Invoice/h30003-a")
    assert answer.json()["totalGross"] == {"value": 60000.0, "currency": "CNY"}
    assert answer.json()["status"] == "balanced"
    assert at.node.reads[-1][1] == "fhir.Invoice h30003-a"


async def test_what_is_anothers_and_what_is_not_there_are_answered_alike(at: Served) -> None:
    nothing = await read(at, "Invoice/h30003-nobody")
    assert nothing.status_code == 404 and nothing.json()["resourceType"] == "OperationOutcome"
    persons = await read(at, "Coverage/case-a..20260101")
    assert persons.status_code == 404, "a hospital may not ask for a person's periods"
    assert (await read(at, f"ExplanationOfBenefit/{'0' * 64}")).content == nothing.content
    assert (await read(at, "Patient/1")).status_code == 404
    assert (await read(at, "Invoice/h30003-a", "scanner")).status_code == 403, "its token is for one operation"
    assert (await at.client.get("/fhir/Invoice/h30003-a")).status_code == 401


@needs("fhir.resources")
async def test_the_models_of_r4b_take_every_kind_that_is_read(at: Served) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    response = await claim(at, claim_of(CASES[0]))
    for path in (f"ExplanationOfBenefit/{response['id']}", f"ClaimResponse/{response['id']}", "Invoice/h30003-a"):
        answer = await read(at, path)
        model: Any = get_fhir_model_class(path.partition("/")[0])
        model.model_validate_json(answer.content)
    model = get_fhir_model_class("ClaimResponse")
    with pytest.raises(ValueError, match="outcome"):
        model.model_validate({**response, "outcome": None})
    told = (await at.client.get("/fhir/metadata")).json()["rest"][0]["resource"]
    assert {each["type"] for each in told} == {"Claim", *load_kinds()}
