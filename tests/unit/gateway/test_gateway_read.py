"""Asking a gateway, one condition at a time: who may read what, and what the audit keeps."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from consortium.core.proven import (
    Anchor,
    ProvenReceipt,
    ProvenState,
    ProvenTransaction,
    judge_from,
)
from nodes.gateway.errors import Problem
from nodes.gateway.reading import Moment
from nodes.gateway.settings import GatewaySettings
from nodes.process.notes import ALARMS
from tests.gateway_kit import GENESIS, Served, bearer, claim, make_folder, served

BILL = claim(1)["bill_no"]


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(make_folder(tmp_path / "run")) as made:
        assert (await made.claim(1, "first")).status_code == 200
        yield made


async def _get(at: Served, path: str, name: str = "desk") -> httpx.Response:
    return await at.client.get(path, headers=bearer(name))


async def _ask(at: Served, query: str, arguments: Any) -> httpx.Response:
    return await at.client.post(f"/v1/queries/{query}", json=arguments, headers=bearer())


async def test_a_query_is_answered_as_the_member_and_noted(at: Served) -> None:
    answer = await _ask(at, "bill/get", {"bill_no": BILL})
    assert answer.status_code == 200 and answer.json()["code"] == "ok"
    assert answer.json()["answer"]["fixmedins_code"] == claim(1)["fixmedins_code"]
    ((reader, handle, purpose),) = at.node.reads
    assert reader == "hospital-1/desk" and handle.startswith("bill.get") and BILL in handle and purpose


async def test_anothers_record_is_answered_like_nobodys_and_not_noted(tmp_path: Path) -> None:
    node = make_folder(tmp_path / "run", "hospital-2")
    async with served(node) as at:
        at.node.execute(_signed_by_the_other())
        await at.until(lambda: at.gateway.feed.height == 1)
        others = await _ask(at, "bill/get", {"bill_no": BILL})
        nobodys = await _ask(at, "bill/get", {"bill_no": BILL[:-1] + "9"})
        assert others.json() == nobodys.json() and others.json()["code"] == "not-yours"
        others, nobodys = await _get(at, f"/v1/bills/{BILL}"), await _get(at, f"/v1/bills/{BILL[:-1]}9")
        assert others.status_code == nobodys.status_code == 404 and others.json() == nobodys.json()
        assert at.node.reads == []
        transaction = at.node.ledger.receipted(1).outcomes[0].receipt.transaction.hex()
        at.gateway.applications.all()
        theirs = await at.client.get(f"/v1/transactions/{transaction}", headers=bearer("scanner"))
        unknown = await at.client.get(f"/v1/transactions/{'00' * 32}", headers=bearer("scanner"))
        assert theirs.status_code == unknown.status_code == 404 and theirs.json() == unknown.json()
        assert (await _get(at, f"/v1/transactions/{transaction}")).status_code == 200  # `*` holds ledger.blocks


async def test_a_role_that_may_not_ask_is_told_so(at: Served) -> None:
    answer = await _ask(at, "settlement/used", {"psn_no": "P1", "year": 2026})
    assert answer.json()["code"] == "not-permitted" and "answer" not in answer.json()
    assert (await _get(at, "/v1/persons/P1")).status_code == 403


async def test_a_record_comes_with_a_proof_that_convinces(at: Served) -> None:
    answer = await _get(at, f"/v1/bills/{BILL}?proof=true")
    assert answer.status_code == 200, answer.text
    proven = judge_from(Anchor.of(GENESIS), base64.b64decode(answer.json()["proof"]))
    assert isinstance(proven, ProvenState) and proven.table == "bill" and proven.value is not None
    plain = await _get(at, f"/v1/bills/{BILL}")
    assert plain.json()["answer"] == answer.json()["answer"] and "proof" not in plain.json()


@pytest.mark.parametrize("key", ["%0A", "a%0Ab", "a/%0A/b", "%0D%0A", "%00", "%E2%80%A8"])
async def test_a_key_with_what_cannot_be_printed_is_refused_as_one(at: Served, key: str) -> None:
    """Regression: with the end of a line in it no route was found, and the answer was 405."""
    for word in ("bills", "claims", "codes"):
        answer = await _get(at, f"/v1/{word}/{key}")
        assert (answer.status_code, answer.json()["code"]) == (422, "bad-arguments")


async def test_a_claim_is_found_by_the_key_that_a_person_writes(at: Served) -> None:
    psn_no = claim(1)["psn_no"]
    answer = await _get(at, f"/v1/claims/{psn_no}/2026/1")
    assert answer.status_code == 200 and answer.json()["answer"]["bill_no"] == BILL.lower()
    assert (await _get(at, f"/v1/claims/{psn_no}/2026")).status_code == 422


async def test_a_transaction_comes_with_proofs_that_convince(at: Served) -> None:
    transaction = (await at.claim(1, "first")).json()["transaction"]
    told = (await _get(at, f"/v1/transactions/{transaction}?proof=true")).json()
    proofs = {name: judge_from(Anchor.of(GENESIS), base64.b64decode(text)) for name, text in told["proofs"].items()}
    assert isinstance(proofs["transaction"], ProvenTransaction) and isinstance(proofs["receipt"], ProvenReceipt)
    assert proofs["transaction"].identity.hex() == proofs["receipt"].receipt.transaction.hex() == transaction


async def test_a_proof_waits_for_a_seal(tmp_path: Path) -> None:
    settings = GatewaySettings(plain_http=True, wait_s=0.2)
    async with served(make_folder(tmp_path / "run"), settings=settings) as at:
        at.node.does_seal = False
        await at.claim(1, "first")
        answer = await _get(at, f"/v1/bills/{BILL}?proof=true")
        assert (answer.status_code, answer.json()["code"]) == (503, "not-sealed")
        at.node.seal()
        assert (await _get(at, f"/v1/bills/{BILL}?proof=true")).status_code == 200


async def test_blocks_tell_headers_and_ones_own_transactions(at: Served) -> None:
    blocks = (await _get(at, "/v1/blocks")).json()
    assert [block["height"] for block in blocks["blocks"]] == [1, 0] and blocks["sealed"] == 1
    assert (await _get(at, "/v1/blocks?before=1&count=5")).json()["blocks"][0]["height"] == 0
    block = (await _get(at, "/v1/blocks/1")).json()
    assert block["size"] == 1 and block["transactions"][0]["operation"] == "issue_and_claim"
    assert (await _get(at, "/v1/blocks/2")).status_code == 404
    assert (await _get(at, "/v1/blocks/x")).status_code == 422


async def test_members_are_those_of_the_next_block(at: Served) -> None:
    members = (await _get(at, "/v1/members")).json()
    assert [member["name"] for member in members["members"]] == ["bureau", "hospital-1", "hospital-2", "regulator"]
    assert members["quorum"] == 3


async def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    def read_for_ever(moment: Moment) -> None:
        while True:
            moment.rows.get("meta", b"head")

    settings = GatewaySettings(plain_http=True, answer_s=0.2)
    async with served(make_folder(tmp_path / "run"), settings=settings) as at:
        with pytest.raises(Problem, match="took-too-long"):
            await at.gateway.readers.answer(read_for_ever)
        assert (await _get(at, "/v1/members")).status_code == 200


async def test_one_statement_that_takes_too_long_is_given_up_and_ranges_go_on(tmp_path: Path) -> None:
    def read_much(moment: Moment) -> None:
        moment.rows.range("state", b"account\x00", b"account\x01")  # puts keys in order, which is undone
        moment.rows._connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO temp.place SELECT i, i FROM n"
        )

    settings = GatewaySettings(plain_http=True, answer_s=0.2, readers=1)
    async with served(make_folder(tmp_path / "run"), settings=settings) as at:
        with pytest.raises((Problem, sqlite3.OperationalError)):
            await at.gateway.readers.answer(read_much)
        accounts = await at.gateway.readers.answer(
            lambda moment: len(moment.rows.range("state", b"account\x00", b"account\x01"))
        )
        assert accounts > 0


async def test_more_than_may_wait_for_an_answer_is_too_many(tmp_path: Path) -> None:
    settings = GatewaySettings(plain_http=True, waiting_max=1)
    async with served(make_folder(tmp_path / "run"), settings=settings) as at:
        at.gateway.readers.waiting = 1
        answer = await _get(at, "/v1/members")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        at.gateway.readers.waiting = 0
        assert (await _get(at, "/v1/members")).status_code == 200


async def test_metrics_tell_requests_and_the_node(at: Served) -> None:
    await _ask(at, "settlement/used", {"psn_no": "P1", "year": 2026})
    text = (await at.client.get("/metrics")).text
    assert 'consortium_gateway_requests_total{route="POST /v1/{contract}/{operation}",status="200"} 1.0' in text
    assert "consortium_gateway_node_is_up 1.0" in text and "consortium_node_height" in text
    assert 'consortium_gateway_refused_reads_total{code="not-permitted"}' in text
    for kind in ALARMS:
        assert f"consortium_node_alarms_{kind} " in text
    assert "token" not in text and BILL not in text


def _signed_by_the_other() -> bytes:
    from tests.unit.gateway.test_gateway_submit import sign

    return sign(1, 7, "hospital-1")
