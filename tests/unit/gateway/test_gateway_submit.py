"""Handing in through a gateway, one condition at a time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from consortium.core.calendar import DAY_US, compute_day
from consortium.core.requests import request_number
from consortium.core.transaction import encode_transaction, sign_bundle
from consortium.scenario.workloads.settlement_load import claim_of, person_of
from nodes.gateway.requests import make_request
from nodes.gateway.settings import GatewayFolder, GatewaySettings
from tests.gateway_kit import (
    GENESIS,
    START_US,
    SUITE,
    TOKENS,
    Served,
    StandIn,
    application_secret,
    bearer,
    claim,
    make_folder,
    served,
)


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(make_folder(tmp_path / "run")) as made:
        yield made


async def test_one_operation_is_executed_and_found_by_its_id(at: Served) -> None:
    answer = await at.claim(1, "first")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["code"], told["height"], told["index"]) == ("ok", 1, 0)
    assert [event["kind"] for event in told["events"]][:2] == ["bill-issued", "movement"]
    assert answer.headers["idempotency-key"] == "first"
    found = await at.client.get(answer.headers["location"], headers={"Authorization": "Bearer token-of-desk"})
    assert found.status_code == 200
    assert {key: found.json()[key] for key in ("transaction", "code", "events", "height")} == {
        key: told[key] for key in ("transaction", "code", "events", "height")
    }
    assert found.json()["member"] == "hospital-1"


async def test_a_retry_with_the_same_key_is_the_same_transaction(at: Served) -> None:
    first, again = await at.claim(1, "first"), await at.claim(1, "first")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json() | {"acknowledged_by": again.json()["acknowledged_by"]}
    assert at.node.submitted == 1


def _hand_in(at: Served, *serials: int) -> None:
    """Without HTTP, so that nothing happens in between."""
    gateway = at.gateway
    desk = gateway.application(bearer()["Authorization"])
    calls = [claim_of(0, serial, person_of(0, serial % 2)) for serial in serials]
    keys = [f"key-{serial}" for serial in serials]
    gateway.submitter.hand_in(
        [make_request(GENESIS.chain, gateway.day, desk, call, key) for call, key in zip(calls, keys, strict=True)]
    )


@pytest.mark.parametrize(
    ("usual_s", "more", "sizes"),
    [(0.4, range(2, 8), [1, 6]), (0.0, range(2, 4), [1, 1, 1]), (1_000.0, range(2, 102), [1, 100])],
)
async def test_what_comes_while_transactions_take_long_goes_together(
    at: Served, usual_s: float, more: range, sizes: list[int]
) -> None:
    """A first one waits for nobody; those behind it gather for a fifth of what one takes anyhow, or fill a round."""
    found: list[int] = []
    at.gateway.submitter.on_round = found.append
    at.gateway.waiting.usual_s = usual_s
    if sizes[-1] == 100:
        _hand_in(at, 1)
        _hand_in(at, *more)
    else:
        for serial in (1, *more):
            _hand_in(at, serial)
    await at.until(lambda: at.node.ledger.head_height == len(sizes))
    assert found == sizes
    await at.until(lambda: at.gateway.waiting.usual_s != usual_s)  # it follows what transactions take of late


async def test_a_key_with_other_content_is_refused(at: Served) -> None:
    await at.claim(1, "first")
    answer = await at.claim(2, "first")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-used")
    assert answer.headers["content-type"] == "application/problem+json"
    assert at.node.submitted == 1


async def test_a_refusal_by_the_contract_is_an_answer(at: Served) -> None:
    await at.claim(1, "first")
    answer = await at.claim(1, "second")  # the same bill once more
    assert (answer.status_code, answer.json()["code"]) == (200, "bill-exists")
    assert answer.json()["sentence"] and answer.json()["events"] == []


async def test_without_a_key_each_request_is_a_transaction(at: Served) -> None:
    first, second = await at.claim(1), await at.claim(1)
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]
    assert first.json()["transaction"] != second.json()["transaction"]


async def test_what_is_not_awaited_is_taken(at: Served) -> None:
    answer = await at.claim(1, "first", "?wait=none")
    assert answer.status_code == 202 and list(answer.json()) == ["transaction"]
    await at.until(lambda: at.node.ledger.head_height == 1)
    assert (await at.claim(1, "first")).json()["transaction"] == answer.json()["transaction"]


async def test_what_is_not_there_in_time_is_taken(at: Served) -> None:
    at.node.is_holding = True
    answer = await at.claim(1, "first", "?timeout_s=0.05")
    assert answer.status_code == 202
    at.node.release()
    assert (await at.claim(1, "first")).status_code == 200
    assert at.node.submitted == 1


async def test_one_member_alone_does_not_acknowledge(at: Served) -> None:
    """f+1 are asked for; the block is in the ledger of this node, and nobody else has said so."""
    at.node.replies, at.node.does_seal = GENESIS.first_epoch.weak - 1, False
    answer = await at.claim(1, "first", "?timeout_s=0.2")
    assert answer.status_code == 202 and at.node.ledger.head_height == 1
    at.node.seal()
    answer = await at.claim(1, "first")
    assert answer.status_code == 200 and answer.json()["is_sealed"] and answer.json()["acknowledged_by"] == []


async def test_a_node_that_makes_replies_up_convinces_nobody(at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def forged(height: int, names: Iterable[str]) -> dict[str, bytes]:
        mine = StandIn.signed(at.node, height, ["hospital-1"])
        return dict.fromkeys(GENESIS.first_epoch.validators, mine["hospital-1"])

    monkeypatch.setattr(at.node, "signed", forged)
    at.node.does_seal = False
    assert (await at.claim(1, "first", "?timeout_s=0.2")).status_code == 202
    monkeypatch.undo()
    at.node._tell(1)
    assert (await at.claim(1, "first")).status_code == 200


async def test_acknowledged_is_not_sealed(at: Served) -> None:
    at.node.does_seal = False
    answer = await at.claim(1, "first")
    assert answer.status_code == 200 and not answer.json()["is_sealed"]
    assert len(answer.json()["acknowledged_by"]) == GENESIS.first_epoch.weak
    assert (await at.claim(1, "first", "?wait=sealed&timeout_s=0.1")).status_code == 202
    at.node.seal()
    assert (await at.claim(1, "first", "?wait=sealed")).json()["is_sealed"]


async def test_requests_that_come_together_go_together(at: Served) -> None:
    answers = await asyncio.gather(*(at.claim(serial) for serial in range(1, 21)))
    assert {answer.json()["code"] for answer in answers} == {"ok"}
    assert at.node.submitted < 20
    assert len({answer.json()["transaction"] for answer in answers}) == 20


async def test_the_same_request_twice_at_once_is_one_transaction(at: Served) -> None:
    first, second = await asyncio.gather(at.claim(1, "same"), at.claim(1, "same"))
    assert first.json() == second.json() and at.node.submitted == 1


async def test_a_busy_node_is_too_many_requests_and_nothing_was_taken(at: Served) -> None:
    at.node.busy_s = 2.4
    answer = await at.claim(1, "first")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    at.node.busy_s = 0.0
    assert (await at.claim(1, "first")).status_code == 200


async def test_more_than_may_be_in_flight_is_too_many(tmp_path: Path) -> None:
    settings = GatewaySettings(plain_http=True, in_flight_max=2)
    async with served(make_folder(tmp_path / "run"), settings=settings) as at:
        at.node.is_holding = True
        held = [await at.claim(serial, f"key-{serial}", "?wait=none") for serial in (1, 2)]
        assert [answer.status_code for answer in held] == [202, 202]
        assert (await at.claim(3, "key-3")).status_code == 429
        at.node.release()
        await at.until(lambda: not len(at.gateway.waiting))
        assert (await at.claim(3, "key-3")).status_code == 200


async def test_a_node_that_dies_is_503_at_once_and_the_same_key_finds_the_same(at: Served) -> None:
    at.node.is_holding = True
    waiting = asyncio.create_task(at.claim(1, "first"))
    await at.until(lambda: at.node.submitted == 1)
    await at.node.close()
    answer = await waiting
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    transaction = answer.json()["transaction"]
    refused = await at.claim(1, "first")
    assert (refused.status_code, refused.json()["code"]) == (503, "node-away")
    assert (await at.client.get("/health")).status_code == 200
    assert (await at.client.get("/ready")).status_code == 503
    at.node.release()
    await at.node.open()
    await at.until_ready()
    again = await at.claim(1, "first")
    assert again.status_code == 200 and again.json()["transaction"] == transaction
    assert at.node.submitted == 1


async def test_a_gateway_that_starts_anew_knows_what_was_done(tmp_path: Path) -> None:
    node = make_folder(tmp_path / "run")
    stand = StandIn(node)
    await stand.open()
    async with served(node, stand) as at:
        first = (await at.claim(1, "first")).json()
    async with served(node, stand) as at:
        again = (await at.claim(1, "first")).json()
        assert again["transaction"] == first["transaction"] and again["height"] == first["height"]
        assert stand.submitted == 1
    GatewayFolder(node).index.unlink()  # it is made again
    async with served(node, stand) as at:
        assert (await at.claim(1, "first")).json()["height"] == first["height"]
    await stand.close()
    stand.rows.close()


async def test_a_retry_after_midnight_is_the_same_transaction(tmp_path: Path) -> None:
    node = make_folder(tmp_path / "run")
    async with served(node) as at:
        first = (await at.claim(1, "first")).json()
        at.gateway.wall_us = lambda: START_US + DAY_US
        again = (await at.claim(1, "first")).json()
        assert again["transaction"] == first["transaction"] and at.node.submitted == 1
        assert (await at.claim(2, "first")).status_code == 422


async def test_many_are_handed_in_under_one_signature(at: Served) -> None:
    items = [_item(serial) for serial in range(1, 101)]
    answer = await at.client.post("/v1/transactions", json={"items": items}, headers=bearer())
    assert answer.status_code == 200
    assert [item["code"] for item in answer.json()["items"]] == ["ok"] * 100
    assert at.node.submitted == 1 and at.node.ledger.head_height == 1


async def test_of_many_one_that_is_wrong_keeps_all_back(at: Served) -> None:
    items = [_item(1), {**_item(2), "operation": "lend"}]
    answer = await at.client.post("/v1/transactions", json={"items": items}, headers=bearer())
    assert (answer.status_code, answer.json()["item"]) == (422, 1)
    assert at.node.submitted == 0


async def test_a_client_that_signs_itself_needs_no_key_here(at: Served) -> None:
    bundle = sign(1, 7)
    told = base64.b64encode(bundle).decode()
    answer = await at.client.post("/v1/transactions", json={"bundles": [told]}, headers=bearer("other"))
    assert answer.status_code == 200 and answer.json()["items"][0]["code"] == "ok"
    again = await at.client.post("/v1/transactions", json={"bundles": [told]}, headers=bearer("other"))
    assert again.json()["items"][0]["height"] == 1
    assert (await at.claim(2, "mine", Authorization=f"Bearer {TOKENS['other']}")).json()["code"] == "no-key-here"


async def test_a_bundle_of_another_member_is_refused(at: Served) -> None:
    bundle = base64.b64encode(sign(1, 7, "hospital-2")).decode()
    answer = await at.client.post("/v1/transactions", json={"bundles": [bundle]}, headers=bearer("other"))
    assert (answer.status_code, answer.json()["code"]) == (403, "not-yours") and at.node.submitted == 0


def _item(serial: int) -> dict[str, Any]:
    return {"contract": "settlement", "operation": "issue_and_claim", "arguments": claim(serial)}


def sign(serial: int, token: int, member: str = "hospital-1") -> bytes:
    call = claim_of(0, serial, person_of(0, serial % 2))
    number = request_number(compute_day(START_US, 480), token)
    secret = application_secret(member, "other")
    return sign_bundle(GENESIS.chain, SUITE, secret, member, [encode_transaction(number, *call)])
