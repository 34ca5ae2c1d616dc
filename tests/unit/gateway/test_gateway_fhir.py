"""The FHIR door: a Claim becomes a bill and is settled, and what is wrong is named by its element."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from consortium.contracts.insurance.lines import Lines
from nodes.gateway.fhir_openapi import SAMPLE
from nodes.gateway.fhir_words import FHIR
from tests.gateway_kit import Served, bearer, make_folder, served

NUMBER = "h65010200000-f0000001"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(make_folder(tmp_path / "run")) as made:
        yield made


async def claim(at: Served, document: Any = SAMPLE, words: str = "", **headers: str) -> httpx.Response:
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    given = {**bearer(), "Content-Type": FHIR, **headers}
    return await at.client.post(f"/fhir/Claim{words}", content=body, headers=given)


async def test_a_claim_is_settled_and_its_amounts_are_told(at: Served) -> None:
    answer = await claim(at)
    assert (answer.status_code, answer.headers["content-type"]) == (200, FHIR), answer.text
    told = answer.json()
    assert (told["resourceType"], told["outcome"]) == ("ClaimResponse", "complete")
    assert '""' not in answer.text, "a text in FHIR is never empty"
    assert told["request"]["identifier"] == {"value": "H65010200000-F0000001"} | told["request"]["identifier"]
    found = await at.client.get(f"/v1/transactions/{told['id']}", headers=bearer())
    settled = next(each["fields"] for each in found.json()["events"] if each["kind"] == "settled")
    amounts = {each["category"]["coding"][0]["code"]: each["amount"]["value"] for each in told["total"]}
    assert amounts["submitted"] == 30.0 and settled["medfee_sumamt"] == 3_000
    assert told["payment"]["amount"] == {"value": settled["fund_pay_sumamt"] / 100, "currency": "CNY"}
    assert round(100 * (amounts["benefit"] + amounts["memberliability"])) == 3_000


async def test_the_lines_stay_with_the_node_and_the_bill_commits_to_them(at: Served) -> None:
    await claim(at)
    (line,) = msgspec.msgpack.decode(at.node.kept[f"lines/{NUMBER}"], type=Lines).lines
    assert (line.cnt, line.pric) == (2, 1_500)
    bill = (await at.client.get(f"/v1/bills/{NUMBER}", headers=bearer())).json()["answer"]
    assert bill["sums"]["medfee_sumamt"] == 3_000 and len(bill["lines"]) == 64
    assert (bill["begndate"], bill["med_type"]) == (20260302, "outpatient")


async def test_what_is_sent_again_is_one_transaction(at: Served) -> None:
    first, again = (await claim(at), await claim(at))
    assert first.json()["id"] == again.json()["id"] and at.node.submitted == 1
    assert first.headers["idempotency-key"] == f"fhir:{NUMBER}"
    other = await claim(at, **{"Idempotency-Key": "another"})
    assert other.json()["outcome"] == "error"


async def test_what_the_contract_refuses_is_an_outcome_with_its_code(at: Served) -> None:
    document = deepcopy(SAMPLE)
    document["patient"]["identifier"]["value"] = "650102000000000000000000000999"
    told = (await claim(at, document)).json()
    assert told["outcome"] == "error" and "payment" not in told
    assert told["error"][0]["code"]["coding"][0]["code"] == "not-enrolled"
    assert told["error"][0]["code"]["text"] == told["disposition"]


async def test_what_is_not_executed_yet_is_queued(at: Served) -> None:
    at.node.is_holding = True
    answer = await claim(at, words="?timeout_s=0.05")
    assert (answer.status_code, answer.json()["outcome"]) == (202, "queued")
    at.node.release()
    assert (await claim(at)).json()["id"] == answer.json()["id"]


async def test_other_lines_under_the_same_number_are_refused(at: Served) -> None:
    await claim(at)
    document = deepcopy(SAMPLE)
    document["item"][0]["quantity"]["value"] = 1
    del document["total"]
    answer = await claim(at, document, **{"Idempotency-Key": "again"})
    assert (answer.status_code, _issue(answer)["expression"]) == (422, ["Claim.item"])


def _issue(answer: httpx.Response) -> Any:
    told = answer.json()
    assert told["resourceType"] == "OperationOutcome" and answer.headers["content-type"] == FHIR
    return told["issue"][0]


def _item(**words: Any) -> Callable[[Any], Any]:
    return lambda told: told["item"][0].update(words)


WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no type": (lambda told: told.pop("type"), "Claim"),
    "a patient": (lambda told: told.update(resourceType="Patient"), "Claim.resourceType"),
    "a draft": (lambda told: told.update(status="draft"), "Claim.status"),
    "a preauthorization": (lambda told: told.update(use="preauthorization"), "Claim.use"),
    "an element more": (lambda told: told.update(modifierExtension=[]), "Claim"),
    "no item": (lambda told: told.update(item=[]), "Claim.item"),
    "no number": (lambda told: told.update(identifier=[]), "Claim.identifier"),
    "a bad number": (lambda told: told["identifier"][0].update(value="-"), "Claim.identifier[0].value"),
    "another total": (lambda told: told["total"].update(value=30.01), "Claim.total"),
    "a total in dollars": (lambda told: told["total"].update(currency="USD"), "Claim.total.currency"),
    "no day": (lambda told: told["billablePeriod"].update(start="2026"), "Claim.billablePeriod.start"),
    "no such day": (lambda told: told["billablePeriod"].update(end="2026-02-30"), "Claim.billablePeriod.end"),
    "half a pack": (_item(quantity={"value": 0.5}), "Claim.item[0].quantity.value"),
    "no pack": (_item(quantity={"value": 0}), "Claim.item[0].quantity.value"),
    "part of a fen": (_item(unitPrice={"value": 1.234, "currency": "CNY"}), "Claim.item[0].unitPrice.value"),
    "less than nothing": (_item(unitPrice={"value": -1, "currency": "CNY"}), "Claim.item[0].unitPrice.value"),
    "another net": (_item(net={"value": 1, "currency": "CNY"}), "Claim.item[0].net"),
    "no price": (lambda told: told["item"][0].pop("unitPrice"), "Claim.item[0]"),
    "trace codes": (_item(udi=[{"identifier": {"value": "1"}}]), "Claim.item"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_an_element_that_cannot_be_used_is_named(at: Served, what: str) -> None:
    change, path = WRONG[what]
    document = deepcopy(SAMPLE)
    change(document)
    answer = await claim(at, document)
    assert (answer.status_code, _issue(answer).get("expression")) == (422, [path]), answer.text
    assert at.node.kept == {} and at.node.submitted == 0


async def test_other_refusals_are_outcomes_too(at: Served) -> None:
    assert _issue(await claim(at, b"{"))["code"] == "structure"
    assert (await claim(at, **{"Content-Type": "text/plain"})).status_code == 415
    answer = await claim(at, Authorization="Bearer nobody")
    assert (answer.status_code, _issue(answer)["code"], answer.headers["www-authenticate"]) == (401, "login", "Bearer")
    await at.node.close()
    await at.until(lambda: not at.gateway.link.is_up)
    answer = await claim(at)
    assert (answer.status_code, _issue(answer)["code"], answer.headers["retry-after"]) == (503, "transient", "1")


async def test_what_is_spoken_here_is_told_to_everybody(at: Served) -> None:
    told = (await at.client.get("/fhir/metadata")).json()
    assert (told["resourceType"], told["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert told["rest"][0]["resource"][0] == {"type": "Claim", "interaction": [{"code": "create"}]}


def test_the_page_shows_the_sample() -> None:
    page = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text(encoding="utf-8")
    assert msgspec.json.decode(page.partition("```json\n")[2].partition("```")[0]) == SAMPLE
