"""The client library, one condition at a time: what holds is told, what does not is refused, who is away is left."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from consortium.client import BadRequest, BlockingClient, Client, GatewayLied, NotAllowed, Stage, Unavailable
from consortium.contracts.insurance.bill import Bill, OfBill
from consortium.contracts.insurance.claim import IssueAndClaim
from consortium.core.plain_json import from_json
from tests.client_kit import URL, Before, Later, client_of
from tests.gateway_kit import GENESIS, START_US, Served, StandIn, application_secret, claim, make_folder, served


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(make_folder(tmp_path / "run")) as made:
        yield made


def typed_claim(serial: int) -> Any:
    return from_json(claim(serial), IssueAndClaim)


CALL = ("settlement", "issue_and_claim")


async def test_an_operation_is_executed_and_its_receipt_is_typed(at: Served) -> None:
    at.node.does_seal = False
    async with client_of(Before(at)) as client:
        outcome = await client.submit(*CALL, typed_claim(1), key="first")
    assert outcome.is_ok and outcome.stage == Stage.EXECUTED and (outcome.height, outcome.index) == (1, 0)
    assert len(outcome.acknowledged_by) == GENESIS.first_epoch.weak and outcome.key == "first"
    assert outcome.event("bill-issued")["bill_no"] == claim(1)["bill_no"].lower()
    with pytest.raises(KeyError):
        outcome.event("nothing-of-the-kind")


async def test_a_dict_does_as_well_and_a_seal_is_waited_for(at: Served) -> None:
    async with client_of(Before(at)) as client:
        outcome = await client.submit(*CALL, claim(1), wait="sealed")
    assert outcome.is_ok and outcome.stage == Stage.SEALED


async def test_what_a_contract_refuses_is_an_outcome_with_its_code(at: Served) -> None:
    async with client_of(Before(at)) as client:
        await client.submit(*CALL, claim(1))
        outcome = await client.submit(*CALL, claim(1))
    assert (outcome.is_ok, outcome.code) == (False, "bill-exists")


async def test_the_same_key_is_one_transaction(at: Served) -> None:
    async with client_of(Before(at)) as client:
        first = await client.submit(*CALL, claim(1), key="once")
        again = await client.submit(*CALL, claim(1), key="once")
    assert again.transaction == first.transaction and again.is_ok
    assert at.node.submitted == 1


async def test_many_are_handed_in_by_the_hundred_and_told_in_their_order(at: Served) -> None:
    before = Before(at)
    async with client_of(before, within_s=60.0) as client:
        outcomes = await client.submit_many([(*CALL, claim(serial)) for serial in range(1, 131)])
    sent = {request.content for request in before.asked if request.url.path == "/v1/transactions"}
    assert len(sent) == 2, "on a busy machine one may be sent again, and is the same then"
    for serial, outcome in enumerate(outcomes, 1):
        assert not isinstance(outcome, BadRequest)
        assert outcome.event("bill-issued")["bill_no"] == claim(serial)["bill_no"].lower()


async def test_a_client_may_keep_the_key_to_itself(at: Served) -> None:
    secret = application_secret("hospital-1", "other")
    async with client_of(Before(at), token="token-of-other", key=secret) as client:
        outcome = await client.submit(*CALL, claim(1), key="mine")
    assert outcome.is_ok


async def test_a_key_that_was_used_for_something_else_is_told(at: Served) -> None:
    async with client_of(Before(at)) as client:
        await client.submit(*CALL, claim(1), key="once")
        with pytest.raises(BadRequest, match="idempotency-key-used"):
            await client.submit(*CALL, claim(2), key="once")


async def test_mistakes_in_arguments_are_told_before_anything_is_sent(at: Served) -> None:
    before = Before(at)
    async with client_of(before) as client:
        with pytest.raises(BadRequest, match="bill_no"):
            await client.submit(*CALL, {**claim(1), "bill_no": 7})
        with pytest.raises(BadRequest, match="takes IssueAndClaim"):
            await client.submit(*CALL, OfBill("B1"))
        with pytest.raises(BadRequest, match="no operation"):
            await client.submit("settlement", "nothing", {})
        with pytest.raises(BadRequest, match="no query"):
            await client.query("settlement", "nothing")
        with pytest.raises(ValueError, match="wait"):
            await client.submit(*CALL, claim(1), wait="forever")
        with pytest.raises(ValueError, match="known words"):
            await client.get("nothings", "1")
    assert before.asked == []


async def test_a_token_that_nobody_knows_and_one_for_something_else(at: Served) -> None:
    async with client_of(Before(at), token="nobody's") as client:
        with pytest.raises(NotAllowed, match="unknown-token"):
            await client.submit(*CALL, claim(1))
    async with client_of(Before(at), token="token-of-scanner") as client:
        with pytest.raises(NotAllowed, match="out-of-scope"):
            await client.submit("bill", "issue", {key: value for key, value in claim(1).items() if key in ISSUE})


ISSUE = ("fixmedins_code", "bill_no", "patient", "med_type", "begndate", "enddate", "sums", "sold", "lines")


# --- records and queries --------------------------------------------------------------------------------------------


async def test_a_record_is_proven_and_typed(at: Served) -> None:
    async with client_of(Before(at)) as client:
        await client.submit(*CALL, claim(1))
        found = await client.get("bills", claim(1)["bill_no"])
        asked = await client.query("bill", "get", OfBill(claim(1)["bill_no"]))
    assert isinstance(found.value, Bill) and found.is_proven and found.value.settlement
    assert asked.value == found.value and asked.is_proven


async def test_a_query_that_is_no_record_is_one_nodes_word(at: Served) -> None:
    async with client_of(Before(at)) as client:
        found = await client.query("application", "list", {"member": "hospital-1"})
    assert not found.is_proven and found.value


async def test_what_is_not_ones_own_is_not_allowed(at: Served) -> None:
    async with client_of(Before(at)) as client:
        with pytest.raises(NotAllowed, match="not-permitted"):
            await client.query("settlement", "used", {"psn_no": "P1", "year": 2026})


RECORD_LIES: dict[str, Any] = {
    "answer": lambda told: told["answer"].update(stage="reversed"),
    "height": lambda told: told.update(height=told["height"] + 1),
    "proof": lambda told: told.pop("proof"),
    "base64": lambda told: told.update(proof="?"),
    "damaged": lambda told: told.update(proof=_flipped(told["proof"])),
    "array": lambda told: [told],
}


@pytest.mark.parametrize("field", RECORD_LIES)
async def test_a_record_that_was_made_up_is_refused(at: Served, field: str) -> None:
    before = Before(at)
    async with client_of(before) as client:
        await client.submit(*CALL, claim(1))
        before.alter = RECORD_LIES[field]
        with pytest.raises(GatewayLied):
            await client.get("bills", claim(1)["bill_no"])


async def test_the_proof_of_another_record_is_refused(at: Served) -> None:
    before = Before(at)
    async with client_of(before) as client:
        await client.submit_many([(*CALL, claim(1)), (*CALL, claim(2))])
        other: list[Any] = []
        before.alter = other.append
        await client.get("bills", claim(2)["bill_no"])
        before.alter = lambda told: other[0]
        with pytest.raises(GatewayLied, match="another record"):
            await client.get("bills", claim(1)["bill_no"])


async def test_a_record_is_never_older_than_what_was_seen(at: Served) -> None:
    before = Before(at)
    old: list[Any] = []
    async with client_of(before, within_s=1.0) as client:
        await client.submit(*CALL, claim(1))
        before.alter = old.append
        await client.get("bills", claim(1)["bill_no"])
        before.alter = None
        await client.submit(*CALL, claim(2))
        before.alter = lambda told: old[0]
        with pytest.raises(Unavailable, match="was seen"):
            await client.get("bills", claim(1)["bill_no"])


# --- lies about outcomes --------------------------------------------------------------------------------------------


def _flipped(text: str) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[len(raw) // 2] ^= 1
    return base64.b64encode(bytes(raw)).decode()


def _item(change: Any) -> Any:
    return lambda told: change(told["items"][0])


def _held(change: Any) -> Any:
    return lambda told: change(told["items"][0]["evidence"]["acknowledged"])


def _flip(name: str) -> Any:
    return lambda held: held.update({name: _flipped(held[name])})


def _one_more(told: Any) -> None:
    replies = told["evidence"]["acknowledged"]["replies"]
    told["acknowledged_by"].append("regulator")
    replies["regulator"] = replies[min(replies)]


LIES: dict[str, Any] = {
    "transaction": _item(lambda told: told.update(transaction="00" * 32)),
    "height": _item(lambda told: told.update(height=7)),
    "index": _item(lambda told: told.update(index=1)),
    "time_us": _item(lambda told: told.update(time_us=told["time_us"] + 1)),
    "code": _item(lambda told: told.update(code="bill-exists")),
    "sentence": _item(lambda told: told.update(sentence="all is well")),
    "events": _item(lambda told: told["events"].pop()),
    "amount": _item(lambda told: told["events"][1]["fields"].update(fen=1)),
    "acknowledged_by": _item(lambda told: told["acknowledged_by"].append("hospital-2")),
    "is_sealed": _item(lambda told: told.update(is_sealed=True)),
    "evidence": _item(lambda told: told.pop("evidence")),
    "member": _item(lambda told: told["evidence"].update(member="hospital-2")),
    "said": _item(lambda told: _flip("transaction")(told["evidence"])),
    "neither": _item(lambda told: told["evidence"].pop("acknowledged")),
    "header": _held(_flip("header")),
    "receipt": _held(_flip("receipt")),
    "place": _held(lambda held: held.update(index=1)),
    "size": _held(lambda held: held.update(size=2)),
    "path": _held(lambda held: held.update(path=[base64.b64encode(bytes(32)).decode()])),
    "one reply": _held(lambda held: held["replies"].popitem()),
    "signature": _held(lambda held: _flip(min(held["replies"]))(held["replies"])),
    "signer": _held(lambda held: held["replies"].update({"hospital-9": held["replies"].popitem()[1]})),
    "a signer more": _item(lambda told: _one_more(told)),
    "none": lambda told: told["items"].clear(),
    "two": lambda told: told["items"].append(told["items"][0]),
    "text": lambda told: "all is well",
    "number": lambda told: {"items": [1]},
}


@pytest.mark.parametrize("field", LIES)
async def test_an_outcome_that_was_made_up_is_refused(at: Served, field: str) -> None:
    at.node.does_seal = False
    async with client_of(Before(at, LIES[field])) as client:
        with pytest.raises(GatewayLied) as told:
            await client.submit(*CALL, claim(1), key="first")
        assert "http://gateway-0: " in str(told.value) and client.lies == str(told.value)


SEALED_LIES: dict[str, Any] = {
    "proof": _item(lambda told: _flip("proof")(told["evidence"])),
    "is_sealed": _item(lambda told: told.update(is_sealed=False)),
    "index": _item(lambda told: told.update(index=1)),
}


@pytest.mark.parametrize("field", SEALED_LIES)
async def test_so_is_one_under_a_seal(at: Served, field: str) -> None:
    async with client_of(Before(at, SEALED_LIES[field])) as client:
        with pytest.raises(GatewayLied):
            await client.submit(*CALL, claim(1), wait="sealed")


async def test_the_outcome_of_an_earlier_and_equal_request_is_refused(at: Served) -> None:
    """It was executed, and says what was asked; but it is not what is asked now."""
    before = Before(at)
    told: list[Any] = []
    async with client_of(before) as client:
        before.alter = told.append
        await client.submit(*CALL, claim(1), key="first")
        before.alter = lambda document: told[0]
        with pytest.raises(GatewayLied, match="idempotency key"):
            await client.submit(*CALL, claim(1), key="second")


async def test_the_outcome_of_another_request_is_refused(at: Served) -> None:
    before = Before(at)
    told: list[Any] = []
    async with client_of(before) as client:
        before.alter = told.append
        await client.submit(*CALL, claim(1), key="first")
        before.alter = None
        before.answers = [httpx.Response(200, json=told[0])]
        with pytest.raises(GatewayLied, match="other arguments"):
            await client.submit(*CALL, claim(2), key="first")


async def test_whoever_lied_is_left_and_the_next_is_asked(at: Served) -> None:
    at.node.does_seal = False
    liar, honest = Before(at, LIES["code"]), Before(at)
    async with client_of(liar, honest) as client:
        first = await client.submit(*CALL, claim(1), key="first")
        asked = len(liar.asked)
        second = await client.submit(*CALL, claim(2))
        assert client.lies.startswith("http://gateway-0: code is not")
    assert first.is_ok and second.is_ok and at.node.submitted == 2
    assert len(liar.asked) == asked


# --- gateways that are away -----------------------------------------------------------------------------------------


def _problem(status: int, retry_after: str = "0") -> httpx.Response:
    document = {"code": "node-away", "detail": "the node does not answer"}
    return httpx.Response(status, json=document, headers={"Retry-After": retry_after})


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), _problem(503, "30")])
async def test_the_next_is_asked_and_the_caller_told_nothing(at: Served, failure: Any) -> None:
    away, here = Before(at), Before(at)
    away.answers = [failure]
    async with client_of(away, here, application="hospital-1/desk") as client:
        outcome = await client.submit(*CALL, claim(1))
        assert outcome.is_ok
        await client.submit(*CALL, claim(2))
    assert (len(away.asked), len(here.asked)) == (1, 2)


async def test_one_that_has_too_much_to_do_is_left_alone_for_as_long_as_it_says(at: Served) -> None:
    first, second = Before(at), Before(at)
    first.answers = [_problem(429, "0.3")]
    async with client_of(first, second, application="hospital-1/desk") as client:
        began_s = client._carrier.now_s()
        assert (await client.submit(*CALL, claim(1))).is_ok
        assert client._carrier.now_s() - began_s >= 0.3
    assert (len(first.asked), len(second.asked)) == (1, 1)


async def test_a_wait_that_is_longer_than_the_time_ends_it(at: Served) -> None:
    before = Before(at)
    before.answers = [_problem(503, "30")]
    async with client_of(before, application="hospital-1/desk") as client:
        with pytest.raises(Unavailable, match="the node does not answer") as told:
            await client.submit(*CALL, claim(1), key="later")
        assert told.value.key == "later"


async def test_what_is_taken_and_not_executed_is_asked_for_again(at: Served) -> None:
    at.node.is_holding = True
    before = Before(at)
    async with client_of(before, within_s=1.5) as client:
        with pytest.raises(Unavailable, match="not executed yet"):
            await client.submit(*CALL, claim(1), key="once")
        taken = await client.submit(*CALL, claim(1), key="once", wait="none")
        assert taken.stage == Stage.TAKEN and not taken.is_ok and taken.height == -1
        at.node.release()
        found = await client.submit(*CALL, claim(1), key="once", within_s=5.0)
    assert found.is_ok and found.transaction == taken.transaction and at.node.submitted == 1


async def test_a_gateway_that_sends_no_json_lies(at: Served) -> None:
    before = Before(at)
    before.answers = [httpx.Response(200, text="<html>")]
    async with client_of(before, application="hospital-1/desk") as client:
        with pytest.raises(GatewayLied, match="no JSON"):
            await client.submit(*CALL, claim(1))


# --- without an event loop ------------------------------------------------------------------------------------------


def test_a_program_without_a_loop_uses_it_too(tmp_path: Path) -> None:
    """The gateway serves on the client's own loop."""
    node = make_folder(tmp_path / "run")
    stand, stack, before = StandIn(node), AsyncExitStack(), Later()
    words = {"token": "token-of-desk", "genesis": tmp_path / "run" / "genesis.json", "wall_us": lambda: START_US}

    async def begin() -> None:
        await stand.open()
        before.inner = Before(await stack.enter_async_context(served(node, stand)))

    with BlockingClient([URL], mounts={URL: before}, **words) as client:
        client._run(begin())
        outcome = client.submit(*CALL, claim(1))
        (many,) = client.submit_many([(*CALL, claim(2))])
        record = client.get("bills", claim(1)["bill_no"])
        asked = client.query("application", "list", {"member": "hospital-1"})
        client._run(stack.aclose())
        client._run(stand.close())
    stand.rows.close()
    assert outcome.is_ok and record.is_proven and client.lies == "" and asked.value
    assert not isinstance(many, BadRequest) and many.is_ok


async def test_a_client_says_what_is_wrong_with_its_settings() -> None:
    with pytest.raises(ValueError, match="at least one gateway"):
        Client([], token="", genesis=GENESIS)
    with pytest.raises(ValueError, match="MEMBER/NAME"):
        Client(["http://one"], token="", genesis=GENESIS, application="desk")
