"""What happened, block by block, as server-sent events: out of the ledger, from any height on, and then as it happens.

One message is one block, and its id is the height. So whoever comes again with the last id that it had (Last-Event-ID),
here or at another gateway, is told everything once. A message without data moves the id past blocks that hold nothing
for the reader, and shows that the stream lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Send

from consortium.contracts.access import SUPERVISORS
from consortium.core.contract import Receipt, Refused
from consortium.core.proven import ProofError
from consortium.core.transaction import decode_call
from consortium.ledger.proofs import prove_receipt
from consortium.ledger.prune import bodies_above
from nodes.gateway.applications import Application
from nodes.gateway.errors import Problem, too_many
from nodes.gateway.feed import read_block
from nodes.gateway.gateway import Gateway
from nodes.gateway.parameters import read_flag, read_number, read_words
from nodes.gateway.proofs import base64_text
from nodes.gateway.reading import Moment
from nodes.gateway.transactions import may_read, read_transactions, said_of

WORDS = ("from_height", "contract", "kind", "proof")
STREAMS_MAX = 256
SLICE = 64  # blocks that are looked through at once
HEARTBEAT_S = 10.0
SEND_S = 10.0  # a reader that takes nothing for so long is cut off
HEIGHT_MAX = 1 << 62
KIND = "text/event-stream"


class Wished(NamedTuple):
    """`contract`, `kind`: only those; empty: all. `is_proven`: only of sealed blocks, and with proofs."""

    contract: str = ""
    kind: str = ""
    is_proven: bool = False


class Part(NamedTuple):
    """Messages of some blocks, and the height up to which was looked."""

    messages: tuple[bytes, ...]
    upto: int


async def get_events(gateway: Gateway, request: Request) -> Response:
    """GET /v1/events"""
    authorization = request.headers.get("authorization")
    gateway.application(authorization)
    words = read_words(request, WORDS)
    wished = Wished(words.get("contract", ""), words.get("kind", ""), read_flag(words, "proof"))
    begin = read_number(words, "from_height", 0, HEIGHT_MAX)
    after = _last_id(request.headers.get("last-event-id"))
    if after is not None:
        begin = after + 1
    elif begin is None:
        begin = gateway.feed.height + 1
    if len(gateway.streams) >= STREAMS_MAX:
        raise too_many(f"{STREAMS_MAX} readers follow here already", 5.0)
    await gateway.readers.answer(lambda moment: _check_kept(moment, begin))
    return _Stream(follow(gateway, authorization, begin, wished), media_type=KIND)


def _last_id(text: str | None) -> int | None:
    """Raises Problem 400."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Problem(400, "bad-parameter", "Last-Event-ID: the height of the last event that you had")
    return int(text)


class _Stream(StreamingResponse):
    """Whoever does not read is cut off: what it misses it asks for by its last id."""

    async def stream_response(self, send: Send) -> None:
        async def in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_S):
                await send(message)

        await super().stream_response(in_time)


async def follow(
    gateway: Gateway, authorization: str | None, begin: int, wished: Wished, heartbeat_s: float = HEARTBEAT_S
) -> AsyncGenerator[bytes, None]:
    """Messages from the height on, until the reader goes or its token is good for nothing any more."""
    news = asyncio.Event()
    gateway.streams.add(news)
    try:
        yield b": the stream begins\n\n"
        while True:
            news.clear()
            try:
                application = gateway.application(authorization)
            except Problem:
                return
            try:
                part = await gateway.readers.answer(
                    lambda moment: read_events(moment, application, begin, wished),  # noqa: B023
                    is_ours=True,
                )
            except (Problem, ProofError):  # the ledger cannot be read now
                await asyncio.sleep(1.0)
                continue
            for message in part.messages:
                yield message
            is_more, begin = part.upto - begin + 1 >= SLICE, max(begin, part.upto + 1)
            if is_more:
                continue
            try:
                async with asyncio.timeout(heartbeat_s):
                    await news.wait()
            except TimeoutError:
                yield f"id: {begin - 1}\n\n".encode() if begin else b": alive\n\n"
    finally:
        gateway.streams.discard(news)


def _check_kept(moment: Moment, begin: int) -> None:
    """Raises Problem 404."""
    above = bodies_above(moment.rows)
    if above and begin <= above:
        why = f"this node holds blocks above height {above} alone: ask the gateway of an archive"
        raise Problem(404, "let-go", why)


def read_events(moment: Moment, application: Application, begin: int, wished: Wished) -> Part:
    """Of a slice of blocks. Raises Problem, Damaged."""
    top = min(moment.sealed if wished.is_proven else moment.head.height, begin + SLICE - 1)
    messages = []
    for height in range(begin, top + 1):
        found = _of_block(moment, application, height, wished)
        if found:
            document = {"height": height, "time_us": read_block(moment, height).time_us, "transactions": found}
            messages.append(b"id: %d\nevent: block\ndata: %b\n\n" % (height, msgspec.json.encode(document)))
    return Part(tuple(messages), top)


def _of_block(moment: Moment, application: Application, height: int, wished: Wished) -> list[dict[str, Any]]:
    receipts = read_block(moment, height).receipts
    found = []
    for index, (member, transaction) in enumerate(read_transactions(moment, height)[: len(receipts)]):
        receipt = receipts[index]
        said = said_of(member, transaction)
        events = [each for each in receipt.events if wished.kind in ("", each.kind)]
        if (wished.kind and not events) or wished.contract not in ("", said.contract):
            continue
        if not may_see(moment, application, member, transaction):
            continue
        told = _told(index, receipt, member, transaction)
        told["events"] = [{"kind": each.kind, "fields": each.fields} for each in events]
        if wished.is_proven:
            proof = prove_receipt(moment.rows, height, index)
            told["evidence"] = {
                "member": member,
                "transaction": base64_text(transaction),
                "proof": base64_text(proof),
            }
        found.append(told)
    return found


def _told(index: int, receipt: Receipt, member: str, transaction: bytes) -> dict[str, Any]:
    said = said_of(member, transaction)
    return {
        "index": index,
        "transaction": receipt.transaction.hex(),
        "member": member,
        "contract": said.contract,
        "operation": said.operation,
        "code": receipt.code,
        "sentence": receipt.sentence,
    }


def may_see(moment: Moment, application: Application, member: str, transaction: bytes) -> bool:
    """A member's application sees what its scopes name: what its own member did, and what others did with its member's
    records. A supervisor's sees everybody's."""
    said = said_of(member, transaction)
    if said.member == application.member:
        return may_read(application, said)
    held = moment.epoch.by_name.get(application.member)
    if held is None or not application.may(said.contract, said.operation):
        return False
    return held.role in SUPERVISORS or application.member in _whose(moment, transaction)


def _whose(moment: Moment, transaction: bytes) -> tuple[str, ...]:
    """The members on whose records it acted, as the state says now."""
    call = decode_call(transaction)
    contract = moment.contracts.get(call.contract)
    operation = None if contract is None else contract.operations.get(call.operation)
    if operation is None or operation.whose is None:
        return ()
    try:
        arguments = msgspec.msgpack.decode(call.arguments, type=operation.arguments)
        return tuple(operation.whose.find(moment.state, arguments))
    except (msgspec.MsgspecError, Refused, RecursionError):
        return ()
