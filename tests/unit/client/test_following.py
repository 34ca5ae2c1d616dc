"""Events, from the gateway's ledger to the client: each once, proven, and only those that the reader may see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.client import BadRequest, Client, GatewayLied, Happening, NotAllowed, Unavailable
from consortium.scenario.workloads.settlement_load import person_of
from nodes.gateway import events
from nodes.gateway.events import follow
from nodes.gateway.reading import Moment
from tests.client_kit import Before, Streaming, client_of
from tests.gateway_kit import Served, StandIn, claim, make_folder, served

CALL = ("settlement", "issue_and_claim")
BEARER = "Bearer token-of-desk"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(make_folder(tmp_path / "run")) as made:
        yield made


async def fill(at: Served, *serials: int) -> None:
    """A block for each claim."""
    async with client_of(Before(at)) as client:
        for serial in serials:
            assert (await client.submit(*CALL, claim(serial), wait="sealed")).is_ok


async def taken(client: Client, count: int, *from_height: int, **words: Any) -> list[Happening]:
    found: list[Happening] = []
    stream = client.events(*from_height, **words)
    assert isinstance(stream, AsyncGenerator)
    async for each in stream:
        found.append(each)
        if len(found) == count:
            await stream.aclose()
            return found
    raise AssertionError("the stream ended")


async def test_the_past_is_told_in_order_and_then_what_comes(at: Served) -> None:
    await fill(at, 1, 2)
    async with client_of(Streaming(at)) as client:
        waits = asyncio.create_task(taken(client, 3, 0, kind="bill-issued"))
        await asyncio.sleep(0.1)
        assert not waits.done()
        await fill(at, 3)
        found = await waits
    assert [(each.height, each.kind, each.operation) for each in found] == [
        (height, "bill-issued", "issue_and_claim") for height in (1, 2, 3)
    ]
    assert found[0].fields["bill_no"] == claim(1)["bill_no"].lower() and found[0].member == "hospital-1"


async def test_without_a_height_it_begins_with_what_comes(at: Served) -> None:
    await fill(at, 1)
    async with client_of(Streaming(at)) as client:
        waits = asyncio.create_task(taken(client, 1, kind="bill-issued"))
        await at.until(lambda: bool(at.gateway.streams))
        await fill(at, 2)
        assert (await waits)[0].height == 2


async def test_a_connection_that_breaks_loses_and_repeats_nothing(at: Served) -> None:
    await fill(at, 1, 2, 3, 4)
    first, second = Streaming(at, cut_after=1), Streaming(at, cut_after=2)
    async with client_of(first, second) as client:
        found = await taken(client, 4, 0, kind="bill-issued")
    assert [each.height for each in found] == [1, 2, 3, 4]
    assert second.asked[0].headers["last-event-id"] == "1"


async def test_a_slice_of_many_blocks_is_followed_by_the_next(at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SLICE", 2)
    await fill(at, 1, 2, 3, 4, 5)
    async with client_of(Streaming(at)) as client:
        found = await taken(client, 5, 0, kind="bill-issued", contract="settlement")
    assert [each.height for each in found] == [1, 2, 3, 4, 5]


async def test_what_is_of_another_contract_or_kind_is_left_out(at: Served) -> None:
    await fill(at, 1)
    messages = follow(at.gateway, BEARER, 1, events.Wished(contract="bill"), heartbeat_s=0.05)
    assert [await anext(messages) for _ in range(2)] == [b": the stream begins\n\n", b"id: 1\n\n"]
    await messages.aclose()
    messages = follow(at.gateway, BEARER, 1, events.Wished(kind="nothing-of-the-kind"), heartbeat_s=0.05)
    assert [await anext(messages) for _ in range(2)][1] == b"id: 1\n\n"
    await messages.aclose()


async def test_a_stream_ends_with_its_token(at: Served) -> None:
    messages = follow(at.gateway, "Bearer nobody", 1, events.Wished())
    assert [each async for each in messages] == [b": the stream begins\n\n"]
    assert at.gateway.streams == set()


# --- who may see what -----------------------------------------------------------------------------------------------


async def seen(at: Served, name: str, member: str = "") -> list[int]:
    """Heights of which an application is told."""
    application = next(each for each in at.gateway.applications.all() if each.name == name)
    if member:
        application = msgspec.structs.replace(application, member=member)

    def read(moment: Moment) -> list[int]:
        part = events.read_events(moment, application, 1, events.Wished())
        return [int(message.split(b"\n")[0][4:]) for message in part.messages]

    return await at.gateway.readers.answer(read)


async def test_a_member_sees_its_own_and_a_supervisor_everybodys(at: Served) -> None:
    await fill(at, 1)
    assert await seen(at, "desk") == [1]
    assert await seen(at, "scanner") == [1]
    assert await seen(at, "desk", "hospital-2") == []
    assert await seen(at, "desk", "regulator") == [1]
    assert await seen(at, "desk", "bureau") == [1]
    assert await seen(at, "desk", "nobody") == []


async def test_a_member_sees_what_another_did_with_its_records(at: Served) -> None:
    """The bureau may reverse what a hospital was paid for: the hospital is told."""
    await fill(at, 1)
    at.node.execute(_of_bureau(("settlement", "reverse", _reverse())))
    await at.until(lambda: at.gateway.feed.height == 2)
    assert await seen(at, "desk") == [1, 2]
    assert await seen(at, "desk", "hospital-2") == []


def _reverse() -> Any:
    from consortium.contracts.insurance.settlement import CONTRACT
    from nodes.gateway.examples import example_of

    kind = CONTRACT.operations["reverse"].arguments
    return msgspec.convert({**example_of(kind), **_PAID}, kind)


_PAID = {"psn_no": person_of(0, 1), "year": 2026, "sequence": 1}


def _of_bureau(call: tuple[str, str, Any]) -> bytes:
    from consortium.core.transaction import encode_transaction, sign_bundle
    from tests.gateway_kit import GENESIS, SECRETS, SUITE

    return sign_bundle(GENESIS.chain, SUITE, SECRETS["bureau"]["submit"], "bureau", [encode_transaction(1, *call)])


# --- lies -----------------------------------------------------------------------------------------------------------


def _changed(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def alter(message: bytes) -> bytes:
        head, _, data = message.partition(b"data: ")
        if not data:
            return message
        told = msgspec.json.decode(data)
        change(told)
        return head + b"data: " + msgspec.json.encode(told) + b"\n\n"

    return alter


def _line(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    return _changed(lambda told: change(told["transactions"][0]))


LIES: dict[str, Callable[[bytes], bytes]] = {
    "height": _changed(lambda told: told.update(height=7)),
    "time_us": _changed(lambda told: told.update(time_us=7)),
    "id": lambda message: message.replace(b"id: 1\n", b"id: 2\n"),
    "no id": lambda message: message.replace(b"id: 1\n", b"id: one\n"),
    "no json": lambda message: b"id: 1\ndata: {\n\n",
    "nothing": _changed(lambda told: told.pop("transactions")),
    "twice": _changed(lambda told: told["transactions"].append(told["transactions"][0])),
    "index": _line(lambda line: line.update(index=1)),
    "transaction": _line(lambda line: line.update(transaction="00" * 32)),
    "member": _line(lambda line: line.update(member="hospital-2")),
    "operation": _line(lambda line: line.update(operation="claim")),
    "code": _line(lambda line: line.update(code="bill-exists")),
    "sentence": _line(lambda line: line.update(sentence="all is well")),
    "events": _line(lambda line: line["events"].pop()),
    "evidence": _line(lambda line: line.pop("evidence")),
    "said": _line(lambda line: line["evidence"].update(transaction="kA==")),
    "who": _line(lambda line: line["evidence"].update(member="hospital-2")),
    "proof": _line(lambda line: line["evidence"].update(proof="kA==")),
}


@pytest.mark.parametrize("field", LIES)
async def test_an_event_that_was_made_up_is_refused_and_the_next_is_asked(at: Served, field: str) -> None:
    await fill(at, 1)
    async with client_of(Streaming(at, alter=LIES[field])) as client:
        with pytest.raises(GatewayLied):
            await taken(client, 1, 0)
    async with client_of(Streaming(at, alter=LIES[field]), Streaming(at)) as client:
        (found,) = await taken(client, 1, 0)
        assert found.height == 1 and "gateway-0" in client.lies


async def test_a_block_that_is_told_again_is_a_lie(at: Served) -> None:
    await fill(at, 1, 2)
    first: list[bytes] = []

    def again(message: bytes) -> bytes:
        first.append(message)
        return first[0]

    async with client_of(Streaming(at, alter=again)) as client:
        with pytest.raises(GatewayLied, match="told before"):
            await taken(client, 20, 0, kind="bill-issued")


# --- refusals -------------------------------------------------------------------------------------------------------


async def test_whoever_may_not_follow_is_told(at: Served) -> None:
    async with client_of(Streaming(at), token="nobody's") as client:
        with pytest.raises(NotAllowed):
            await taken(client, 1, 0)
    async with client_of(Streaming(at)) as client:
        with pytest.raises(BadRequest):
            await taken(client, 1, 1 << 70)


@pytest.mark.parametrize("headers", [{"Last-Event-ID": "one"}, {"Last-Event-ID": "-1"}])
async def test_an_id_that_is_no_height_is_refused(at: Served, headers: dict[str, str]) -> None:
    answer = await at.client.get("/v1/events", headers={"Authorization": BEARER, **headers})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-parameter")


async def test_so_many_follow_and_no_more(at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAMS_MAX", 0)
    answer = await at.client.get("/v1/events", headers={"Authorization": BEARER})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    async with client_of(Streaming(at), within_s=0.5) as client:
        with pytest.raises(Unavailable, match="readers follow here"):
            await taken(client, 1, 0)


async def test_a_reader_that_takes_nothing_is_cut_off(at: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SEND_S", 0.05)

    async def hangs(message: Any) -> None:
        await asyncio.sleep(60)

    stream = events._Stream(follow(at.gateway, BEARER, 1, events.Wished()), media_type=events.KIND)
    with pytest.raises(TimeoutError):
        await stream.stream_response(hangs)


async def test_a_gateway_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    node = make_folder(tmp_path / "run")
    stand = StandIn(node)
    await stand.open()
    async with served(node, stand) as at:
        await fill(at, 1, 2)
        async with client_of(Streaming(at)) as client:
            found = await taken(client, 1, 0, kind="bill-issued")
    async with served(node, stand) as at:
        await fill(at, 3)
        async with client_of(Streaming(at)) as client:
            found += await taken(client, 2, found[-1].height + 1, kind="bill-issued")
    await stand.close()
    stand.rows.close()
    assert [each.height for each in found] == [1, 2, 3]
