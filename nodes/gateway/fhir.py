"""The door for systems that speak FHIR R4: a Claim in, a ClaimResponse out.

A Claim becomes a bill and a claim of it, in one transaction: the lines stay in the vault of the member's node, the
ledger has sums and a commitment. What is wrong with a request is an OperationOutcome that names the element.
"""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium import __version__
from consortium.contracts.insurance.claim import IssueAndClaim
from consortium.contracts.insurance.lines import Lines, Sold, Sums, summarise
from consortium.contracts.insurance.private_lines import LINES
from consortium.core.codec import encode
from nodes.gateway.applications import Application
from nodes.gateway.arguments import typed
from nodes.gateway.errors import Problem, node_away
from nodes.gateway.fhir_claim import Billed, Claim, WrongElement, billed_of, read_claim
from nodes.gateway.gateway import Gateway
from nodes.gateway.limits import content_length, read_body
from nodes.gateway.node_link import NodeAway
from nodes.gateway.parameters import read_wait, read_words
from nodes.gateway.reading import Moment
from nodes.gateway.requests import check_key, make_request
from nodes.gateway.routes_submit import WAIT_WORDS, await_flight
from nodes.process.door_frames import DoorError

FHIR = "application/fhir+json"
KINDS = (FHIR, "application/json")
CALL = ("settlement", "issue_and_claim")
CODES = "urn:consortium:code"
AMOUNTS = {  # of the event `settled`: what FHIR calls them
    "medfee_sumamt": "submitted",
    "fund_pay_sumamt": "benefit",
    "psn_pay": "patient",
    "acct_pay": "account",
    "cash_payamt": "cash",
}
ISSUES = {400: "structure", 401: "login", 403: "forbidden", 404: "not-found", 422: "value", 429: "throttled"}


async def post_claim(gateway: Gateway, request: Request) -> Response:
    """POST /fhir/Claim"""
    try:
        return await _claimed(gateway, request)
    except Problem as problem:
        response = problem.response()
        document = _outcome(problem, str(problem.more.get("element", "")))
        headers = {name: value for name, value in response.headers.items() if name.startswith(("retry", "www"))}
        return Response(msgspec.json.encode(document), problem.status, headers, FHIR)


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

    def sum_up(moment: Moment) -> tuple[Sums, tuple[Sold, ...]]:
        return summarise(moment.state, billed.lines, billed.enddate)

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
        "created": _moment(told.get("time_us", now_us)),
        "insurer": {"identifier": {"value": "bureau"}},
        "requestor": {"identifier": {"value": application.member}},
        "request": {"identifier": msgspec.to_builtins(claim.identifier[0])},
    }
    if "code" not in told:
        return {**made, "outcome": "queued"}
    if told["code"] != "ok":
        error = {"code": {"coding": [{"system": CODES, "code": told["code"]}], "text": told["sentence"]}}
        return {**made, "outcome": "error", "disposition": told["sentence"], "error": [error]}
    settled: dict[str, Any] = next((event["fields"] for event in told["events"] if event["kind"] == "settled"), {})
    amounts = [_amount(word, settled[name]) for name, word in AMOUNTS.items() if name in settled]
    return {**made, "outcome": "complete", "total": amounts, **_payment(settled, told["time_us"])}


def _amount(word: str, fen: Any) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/adjudication" if word in ("submitted", "benefit") else CODES
    return {"category": {"coding": [{"system": system, "code": word}]}, "amount": _yuan(fen)}


def _payment(settled: dict[str, Any], time_us: int) -> dict[str, Any]:
    if "fund_pay_sumamt" not in settled:
        return {}
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-paymenttype", "code": "complete"}]}
    return {"payment": {"type": kind, "date": _moment(time_us)[:10], "amount": _yuan(settled["fund_pay_sumamt"])}}


def _yuan(fen: int) -> dict[str, Any]:
    """As JSON numbers with two decimals, exactly."""
    text = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
    return {"value": msgspec.Raw(text.encode()), "currency": "CNY"}


def _moment(time_us: int) -> str:
    return datetime.datetime.fromtimestamp(time_us // 1_000_000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _outcome(problem: Problem, element: str) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "error",
        "code": ISSUES.get(problem.status, "transient" if problem.status == 503 else "processing"),
        "details": {"coding": [{"system": CODES, "code": problem.code}]},
        "diagnostics": problem.detail,
    }
    return {"resourceType": "OperationOutcome", "issue": [{**issue, "expression": [element]} if element else issue]}


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
            "resource": [{"type": "Claim", "interaction": [{"code": "create"}]}],
        }
    ],
}
