"""What hands transactions in: one operation, many at once, or bundles that the client signed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium.core.codec import Malformed
from consortium.core.crypto import SUITES
from consortium.core.transaction import BUNDLE_BYTES_MAX, Bundles, Opened, decode_call
from nodes.gateway.applications import Application
from nodes.gateway.arguments import read_json, typed
from nodes.gateway.catalogue import operation_of
from nodes.gateway.errors import Problem
from nodes.gateway.evidence import with_evidence
from nodes.gateway.gateway import Gateway
from nodes.gateway.limits import content_length, read_body
from nodes.gateway.parameters import Wait, check_json, read_wait, read_words
from nodes.gateway.requests import Request as Wanted
from nodes.gateway.requests import check_key, look, make_request
from nodes.gateway.submit import key_used
from nodes.gateway.transactions import told_flight
from nodes.gateway.waiting import InFlight, Stage

ITEMS_MAX = 100
JSON = "application/json"
WAIT_WORDS = ("wait", "timeout_s", "evidence")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation of many; `arguments` as of the operation."""

    contract: str
    operation: str
    arguments: dict[str, Any] = {}
    idempotency_key: str | None = None


class Many(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either items, signed by the gateway, or bundles, each base64 and signed by the client."""

    items: tuple[Item, ...] = ()
    bundles: tuple[str, ...] = ()


async def take_body(gateway: Gateway, request: Request) -> Any:
    """The JSON of a POST. Raises Problem 400, 408, 413, 415."""
    check_json(request)
    content_length(request.headers, gateway.settings.body_bytes_max)
    body = await read_body(request.receive, gateway.settings.body_bytes_max, gateway.settings.request_s)
    return read_json(body)


async def post_operation(gateway: Gateway, request: Request) -> Response:
    """POST /v1/{contract}/{operation}"""
    application = gateway.application(request.headers.get("authorization"))
    gateway.check_load()
    contract, operation = request.path_params["contract"], request.path_params["operation"]
    kind = operation_of(contract, operation).arguments
    application.check(contract, operation)
    wait = read_wait(read_words(request, WAIT_WORDS), gateway.settings)
    key = check_key(request.headers.get("idempotency-key"))
    value = typed(await take_body(gateway, request), kind, f"{contract}.{operation}")
    wanted = make_request(gateway.genesis.chain, gateway.day, application, (contract, operation, value), key)
    flights = gateway.submitter.hand_in([wanted])
    told, is_there = await await_flight(gateway, flights[0], wait, wanted)
    headers = {"Idempotency-Key": key, "Location": f"/v1/transactions/{told['transaction']}"}
    return Response(msgspec.json.encode(told), 200 if is_there else 202, headers, JSON)


async def post_transactions(gateway: Gateway, request: Request) -> Response:
    """POST /v1/transactions"""
    application = gateway.application(request.headers.get("authorization"))
    gateway.check_load()
    wait = read_wait(read_words(request, WAIT_WORDS), gateway.settings)
    many = typed(await take_body(gateway, request), Many, "transactions")
    if bool(many.items) == bool(many.bundles):
        raise Problem(422, "bad-arguments", "transactions: either items or bundles, and at least one")
    if max(len(many.items), len(many.bundles)) > ITEMS_MAX:
        raise Problem(422, "too-many", f"transactions: {ITEMS_MAX} at most")
    if many.bundles:
        pairs: list[tuple[InFlight, Wanted | None]]
        pairs = [(flight, None) for flight in _hand_in_bundles(gateway, application, many.bundles)]
    else:
        wanted = _wanted(gateway, application, many.items)
        pairs = list(zip(gateway.submitter.hand_in(wanted), wanted, strict=True))
    return await _answer_many(gateway, pairs, wait)


def _wanted(gateway: Gateway, application: Application, items: Sequence[Item]) -> list[Wanted]:
    """Raises a Problem that names the item, and then nothing was taken."""
    made: list[Wanted] = []
    for at, item in enumerate(items):
        try:
            kind = operation_of(item.contract, item.operation).arguments
            application.check(item.contract, item.operation)
            value = typed(item.arguments, kind, f"{item.contract}.{item.operation}")
            call, key = (item.contract, item.operation, value), check_key(item.idempotency_key)
            made.append(make_request(gateway.genesis.chain, gateway.day, application, call, key))
        except Problem as problem:
            problem.more["item"] = at
            if problem.status == 404:
                problem.status = 422
            raise
    if len({each.identity for each in made}) < len(made):
        raise Problem(422, "key-twice", "transactions: two items have the same Idempotency-Key")
    return made


def _hand_in_bundles(gateway: Gateway, application: Application, texts: Sequence[str]) -> list[InFlight]:
    """Of the application's member, and within its scopes; who signed is judged by the node and by the ledger."""
    bundles = Bundles(gateway.genesis.chain, SUITES[gateway.genesis.suite](), remember_max=0)
    opened: list[Opened] = []
    for at, text in enumerate(texts):
        try:
            raw = base64.b64decode(text, validate=True)
            if len(raw) > BUNDLE_BYTES_MAX:
                raise Malformed(f"{len(raw)} bytes, at most {BUNDLE_BYTES_MAX}")
            opened.append(bundles.open(raw))
            _check_bundle(application, opened[-1])
        except (binascii.Error, ValueError) as error:
            raise Problem(422, "bad-bundle", f"bundle {at}: {error}", item=at) from None
    return [flight for each in opened for flight in gateway.submitter.hand_in_signed(each.raw, each.ids)]


def _check_bundle(application: Application, bundle: Opened) -> None:
    """Raises Problem 403, Malformed."""
    if bundle.member != application.member:
        raise Problem(403, "not-yours", f"a bundle of another member than {application.member}")
    for transaction in bundle.transactions:
        call = decode_call(transaction)
        application.check(call.contract, call.operation)


# --- answers --------------------------------------------------------------------------------------------------------


async def await_flight(
    gateway: Gateway, flight: InFlight, wait: Wait, wanted: Wanted | None
) -> tuple[dict[str, Any], bool]:
    """What is told of a transaction, and whether it got as far as was asked. Raises the Problem that ended it."""
    loop_s = gateway.clock()
    is_there = await flight.reached(Stage.TAKEN, gateway.settings.wait_s_max)
    if wait.stage > Stage.TAKEN:
        left_s = max(0.0, wait.seconds - (gateway.clock() - loop_s))
        is_there = await flight.reached(wait.stage, left_s)
    if wait.stage == Stage.TAKEN or not is_there or flight.outcome is None:
        return {"transaction": flight.identity.hex()}, False
    if flight.outcome.receipt.code == "number-used" and wanted is not None:
        await _check_key_free(gateway, wanted)
    told = told_flight(flight, gateway.waiting.sealed)
    return (await with_evidence(gateway, flight, told) if wait.evidence else told), True


async def _check_key_free(gateway: Gateway, wanted: Wanted) -> None:
    """Two gateways took requests with one key at the same time, and the other's came first. Raises Problem 422, or 503
    where it is the same request, of the day before: what is sent again finds it."""
    chain = gateway.genesis.chain
    seen = await gateway.readers.answer(lambda moment: look(moment.state, chain, wanted, moment.day))
    if seen.is_ours:
        raise Problem(503, "executed-before", "the same request was executed before: send it again", retry_after_s=1)
    raise key_used()


async def _answer_many(gateway: Gateway, pairs: Sequence[tuple[InFlight, Wanted | None]], wait: Wait) -> Response:
    """Each as far as it got; one that failed alone says so in its place."""
    items: list[dict[str, Any]] = []
    ends_s = gateway.clock() + wait.seconds
    are_all_there = True
    for flight, wanted in pairs:
        try:
            left = wait._replace(seconds=max(0.0, ends_s - gateway.clock()))
            told, is_there = await await_flight(gateway, flight, left, wanted)
        except Problem as problem:
            if len(pairs) == 1 or problem.status in (429, 503):
                raise
            told, is_there = {"transaction": flight.identity.hex(), "problem": problem.document}, True
        if wanted is not None:
            told["idempotency_key"] = wanted.key
        items.append(told)
        are_all_there &= is_there
    return Response(msgspec.json.encode({"items": items}), 200 if are_all_there else 202, None, JSON)
