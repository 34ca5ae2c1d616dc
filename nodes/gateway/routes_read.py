"""What is asked: queries and records under the access table, transactions, blocks, members."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium.contracts.told import told_records
from consortium.core.contract import NOT_YOURS, Query, Refused
from consortium.core.vault import HANDLE_BYTES_MAX
from nodes.gateway.applications import Application
from nodes.gateway.arguments import told, typed
from nodes.gateway.catalogue import query_of
from nodes.gateway.errors import Problem
from nodes.gateway.gateway import Gateway
from nodes.gateway.parameters import read_flag, read_number, read_words
from nodes.gateway.proofs import prove_record, prove_transaction_there
from nodes.gateway.reading import Moment
from nodes.gateway.routes_submit import JSON, take_body
from nodes.gateway.transactions import (
    BLOCKS_MAX,
    read_headers,
    read_members,
    read_transaction,
    read_whole_block,
    told_outcome,
    unknown_transaction,
)
from nodes.gateway.waiting import Stage

KEY_CHARACTERS_MAX = 512
HEIGHT_MAX = 1 << 62
PURPOSE = "query"


def answer(document: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, None, JSON)


# --- queries and records --------------------------------------------------------------------------------------------


async def post_query(gateway: Gateway, request: Request) -> Response:
    """POST /v1/queries/{contract}/{query}"""
    application = gateway.application(request.headers.get("authorization"))
    contract, name = request.path_params["contract"], request.path_params["query"]
    query = query_of(contract, name)
    application.check(contract, name)
    read_words(request, ())
    value = typed(await take_body(gateway, request), query.arguments, f"{contract}.{name}")
    gateway.check_reachable()
    found = await _ask(gateway, application, contract, query, value)
    return answer(found)


async def _ask(gateway: Gateway, application: Application, contract: str, query: Query, value: Any) -> dict[str, Any]:
    """The answer of a query, once the read is in the audit; or its refusal, which tells nothing and is not noted."""

    def ask(moment: Moment) -> dict[str, Any]:
        fields = {"height": moment.head.height, "day": moment.day}
        held = moment.contracts.get(contract)
        if held is None:
            raise Problem(404, "unknown-query", "the chain has no such contract yet")
        try:
            found = held.ask(moment.state, query.name, value, moment.reader(application.member))
        except Refused as refused:
            return {**fields, "code": refused.code, "sentence": refused.sentence}
        return {**fields, "code": "ok", "answer": told(found)}

    found = await gateway.readers.answer(ask)
    if found["code"] == "ok":
        await gateway.note_read(application, *audited(contract, query, value))
    else:
        gateway.metrics.count_refused_read(found["code"])
    return found


def audited(contract: str, query: Query, value: Any) -> tuple[str, str]:
    """How the audit names a read: what was asked of whom, and that a query did. Where that is too long for it, by the
    SHA-256 of what was asked."""
    return read_handle(f"{contract}.{query.name}", told(value)), PURPOSE


def read_handle(name: str, asked: Any) -> str:
    about = msgspec.json.encode(asked)
    handle = f"{name} {about.decode()}"
    return handle if len(handle.encode()) <= HANDLE_BYTES_MAX else f"{name} sha256:{sha256(about).hexdigest()}"


async def get_record(gateway: Gateway, request: Request) -> Response:
    """GET /v1/{word}/{id}: a row of the state, as the query gives it that is for it."""
    application = gateway.application(request.headers.get("authorization"))
    record = told_records().get(request.path_params["word"])
    if record is None:
        raise Problem(404, "unknown-word", f"known words are {', '.join(told_records())}")
    application.check(record.contract, record.query.name)
    is_proven = read_flag(read_words(request, ("proof",)), "proof")
    key = request.path_params["id"]
    if not (1 <= len(key) <= KEY_CHARACTERS_MAX and key.isprintable()):
        raise Problem(422, "bad-arguments", f"an id has 1 to {KEY_CHARACTERS_MAX} printable characters")
    try:
        value = record.row.arguments(record.row.table.key_of(key))
    except Refused as refused:
        raise Problem(422, "bad-arguments", refused.sentence) from None
    gateway.check_reachable()
    found = await _ask(gateway, application, record.contract, record.query, value)
    if found["code"] != "ok":
        raise _no_record(found)
    if is_proven:
        found |= await prove_record(gateway, record.row.table, record.row.key(value))
    return answer(found)


def _no_record(found: dict[str, Any]) -> Problem:
    """What is another's is answered like what nobody has."""
    if found["code"] == "not-permitted":
        return Problem(403, "not-permitted", found["sentence"])
    return Problem(404, found["code"] if found["code"] == NOT_YOURS else "unknown-record", found["sentence"])


# --- transactions and blocks ----------------------------------------------------------------------------------------


async def get_transaction(gateway: Gateway, request: Request) -> Response:
    """GET /v1/transactions/{id}"""
    application = gateway.application(request.headers.get("authorization"))
    is_proven = read_flag(read_words(request, ("proof",)), "proof")
    try:
        identity = bytes.fromhex(request.path_params["id"])
    except ValueError:
        identity = b""
    if len(identity) != 32:
        raise Problem(422, "bad-arguments", "a transaction's id is 64 hexadecimal digits")
    place = await gateway.feed.find(identity)
    if place is None:
        raise unknown_transaction()
    outcome, said = await gateway.readers.answer(lambda moment: read_transaction(moment, application, place))
    if outcome.receipt.transaction != identity:
        raise unknown_transaction()
    flight = gateway.waiting.get(identity)
    acknowledged_by = flight.acknowledged_by if flight is not None and flight.stage >= Stage.ACKNOWLEDGED else ()
    document = told_outcome(outcome, acknowledged_by, is_sealed=outcome.height <= gateway.waiting.sealed)
    document |= {"member": said.member, "contract": said.contract, "operation": said.operation}
    if is_proven:
        document |= await prove_transaction_there(gateway, place)
    return answer(document)


async def get_blocks(gateway: Gateway, request: Request) -> Response:
    """GET /v1/blocks"""
    gateway.application(request.headers.get("authorization"))
    words = read_words(request, ("before", "count"))
    before = read_number(words, "before", 0, HEIGHT_MAX)
    count = read_number(words, "count", 1, BLOCKS_MAX) or 20
    return answer(await gateway.readers.answer(lambda moment: read_headers(moment, before, count)))


async def get_block(gateway: Gateway, request: Request) -> Response:
    """GET /v1/blocks/{height}"""
    application = gateway.application(request.headers.get("authorization"))
    read_words(request, ())
    text = request.path_params["height"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Problem(422, "bad-arguments", "a height is a whole number")
    return answer(await gateway.readers.answer(lambda moment: read_whole_block(moment, application, int(text))))


async def get_application(gateway: Gateway, request: Request) -> Response:
    """GET /v1/application"""
    application = gateway.application(request.headers.get("authorization"))
    read_words(request, ())
    named = {"member": application.member, "application": application.name}
    return answer({**named, "scopes": list(application.scopes)})


async def get_members(gateway: Gateway, request: Request) -> Response:
    """GET /v1/members"""
    gateway.application(request.headers.get("authorization"))
    read_words(request, ())
    return answer(await gateway.readers.answer(read_members))
