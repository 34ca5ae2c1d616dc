"""The door for systems that speak FHIR R4: a Claim in, a ClaimResponse out.

A Claim becomes a bill and a claim of it, in one transaction: the lines stay in the vault of the member's node, the
ledger has sums and a commitment. What is wrong with a request is an OperationOutcome that names the element.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium import __version__
from consortium.contracts.insurance.claim import IssueAndClaim
from consortium.contracts.insurance.lines import Lines, Sold, Sums, summarise
from consortium.contracts.insurance.private_lines import LINES
from consortium.core.codec import encode
from consortium.exports.fhir.claim_response import outcome_of
from consortium.exports.fhir.resource import BUREAU, CODES, coding, load_kinds, moment, organisation
from consortium.exports.source import Origin
from nodes.gateway.applications import Application
from nodes.gateway.arguments import typed
from nodes.gateway.errors import Problem, node_away
from nodes.gateway.fhir_claim import Billed, Claim, WrongElement, billed_of, read_claim
from nodes.gateway.fhir_words import FHIR, outcome_of_problem
from nodes.gateway.gateway import Gateway
from nodes.gateway.limits import content_length, read_body
from nodes.gateway.node_link import NodeAway
from nodes.gateway.parameters import read_wait, read_words
from nodes.gateway.reading import Moment
from nodes.gateway.requests import check_key, make_request
from nodes.gateway.routes_submit import WAIT_WORDS, await_flight
from nodes.process.door_frames import DoorError

KINDS = (FHIR, "application/json")
CALL = ("settlement", "issue_and_claim")


async def post_claim(gateway: Gateway, request: Request) -> Response:
    """POST /fhir/Claim"""
    try:
        return await _claimed(gateway, request)
    except Problem as problem:
        return outcome_of_problem(problem)


async def get_metadata(gateway: Gateway, request: Request) -> Response:
    """GET /fhir/metadata"""
    return Response(msgspec.json.encode(CAPABILITIES), 200, None, FHIR)


async def _claimed(gateway: Gateway, request: Request) -> Response:
    application = gateway.application(request.headers.get("authorization"))
    application.check(*CALL)
    wait = read_wait(read_words(request, WAIT_WORDS), gateway.settings)._replace(evidence=False)
    claim = await _read(gateway, request)
    try:
        billed = billed_of(claim)
    except WrongElement as error:
        raise _wrong(error) from None
    key = check_key(request.headers.get("idempotency-key") or f"fhir:{billed.number}")
    gateway.lag.check()
    call = (*CALL, await _arguments(gateway, billed))
    wanted = make_request(gateway.genesis.chain, gateway.day, application, call, key)
    told, is_there = await await_flight(gateway, gateway.submitter.hand_in([wanted])[0], wait, wanted)
    headers = {"Idempotency-Key": key, "Location": f"/v1/transactions/{told['transaction']}"}
    document = claim_response(claim, told, application, gateway.wall_us())
    return Response(msgspec.json.encode(document), 200 if is_there else 202, headers, FHIR)


async def _read(gateway: Gateway, request: Request) -> Claim:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise Problem(415, "not-fhir", f"send Content-Type: {FHIR}")
    content_length(request.headers, gateway.settings.body_bytes_max)
    body = await read_body(request.receive, gateway.settings.body_bytes_max, gateway.settings.request_s)
    try:
        return read_claim(body)
    except WrongElement as error:
        raise _wrong(error) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "not-json", f"the body is no JSON document: {error}") from None


def _wrong(error: WrongElement) -> Problem:
    return Problem(422, "wrong-element", f"{error.path}: {error}", element=error.path)


async def _arguments(gateway: Gateway, billed: Billed) -> IssueAndClaim:
    """The sums by the catalogue of the last day of service, and the commitment to the lines, which the node keeps."""

    def sum_up(now: Moment) -> tuple[Sums, tuple[Sold, ...]]:
        return summarise(now.state, billed.lines, billed.enddate)

    sums, sold = await gateway.readers.answer(sum_up)
    made = {
        "fixmedins_code": billed.fixmedins_code,
        "bill_no": billed.bill_no,
        "patient": "",
        "med_type": billed.med_type,
        "begndate": billed.begndate,
        "enddate": billed.enddate,
        "sums": msgspec.to_builtins(sums),
        "sold": msgspec.to_builtins(sold),
        "lines": await _keep(gateway, billed),
        "psn_no": billed.psn_no,
    }
    arguments: IssueAndClaim = typed(made, IssueAndClaim, "Claim")
    return arguments


async def _keep(gateway: Gateway, billed: Billed) -> bytes:
    """Raises Problem 422, 503."""
    record = encode(Lines(billed.number, billed.lines))
    try:
        kept = await gateway.link.ask("keep", handle=f"{LINES}/{billed.number}", record=record)
    except NodeAway:
        raise node_away() from None
    except DoorError as error:
        raise Problem(422, "lines-not-kept", f"the lines of this bill: {error}", element="Claim.item") from None
    return bytes(kept["commitment"])


# --- answers --------------------------------------------------------------------------------------------------------


def claim_response(claim: Claim, told: dict[str, Any], application: Application, now_us: int) -> dict[str, Any]:
    """What the receipt says. `now_us`: of an answer that names no block yet."""
    made: dict[str, Any] = {
        "resourceType": "ClaimResponse",
        "id": told["transaction"],
        "status": "active",
        "type": msgspec.to_builtins(claim.type),
        "use": "claim",
        "patient": msgspec.to_builtins(claim.patient),
        "created": moment(told.get("time_us", now_us)),
        "insurer": organisation("member", BUREAU),
        "requestor": organisation("member", application.member),
        "request": {"identifier": msgspec.to_builtins(claim.identifier[0])},
    }
    if "code" not in told:
        return {**made, "outcome": "queued"}
    if told["code"] != "ok":
        error = {"code": {"coding": [coding(CODES, told["code"])], "text": told["sentence"]}}
        return {**made, "outcome": "error", "disposition": told["sentence"], "error": [error]}
    settled: dict[str, Any] = next((event["fields"] for event in told["events"] if event["kind"] == "settled"), {})
    return {**made, **outcome_of(settled, Origin(told["transaction"], told["time_us"]))}


CAPABILITIES: dict[str, Any] = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-01-01",
    "kind": "instance",
    "software": {"name": "consortium gateway", "version": __version__},
    "implementation": {"description": "A claim is settled as it comes in; its lines stay with the member."},
    "fhirVersion": "4.0.1",
    "format": ["application/fhir+json"],
    "rest": [
        {
            "mode": "server",
            "security": {"description": "Authorization: Bearer TOKEN"},
            "resource": [
                {"type": "Claim", "interaction": [{"code": "create"}]},
                *({"type": name, "interaction": [{"code": "read"}]} for name in load_kinds()),
            ],
        }
    ],
}
