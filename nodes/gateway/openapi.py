"""The OpenAPI document, made from the contracts: every operation, query and record, with the types that they take.

Nothing of it is written by hand but what no type says: which statuses a path answers with, and why.
"""

from __future__ import annotations

import inspect as functions
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec

from consortium import __version__
from consortium.contracts.told import Told, told_records
from consortium.core.contract import Operation, Query
from consortium.views import load_views
from consortium.views.view import TEXT, View
from nodes.gateway import answers
from nodes.gateway.catalogue import contracts
from nodes.gateway.errors import PROBLEM, TITLES
from nodes.gateway.examples import example_of
from nodes.gateway.fhir_openapi import fhir_paths
from nodes.gateway.parameters import WAITS
from nodes.gateway.routes_submit import Many
from nodes.gateway.routes_views import COUNT_MAX
from nodes.gateway.transactions import BLOCKS_MAX

REF = "#/components/schemas/{name}"
INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1, "format": "int64"}
HEX = {"type": "string", "pattern": "^([0-9a-f]{2})*$"}
INTRODUCTION = (
    "What applications of a member ask of its node. Amounts are fen, days YYYYMMDD, times microseconds of UTC. Bytes "
    "in arguments and answers (digests, commitments, keys) are hexadecimal, whole documents (bundles, proofs) base64. "
    "A refusal by a contract is an answer: 200, with the refusal's code."
)
JSON = "application/json"
OF_ALL = (400, 401, 503)
OF_READS = (*OF_ALL, 429)
OF_BODIES = (*OF_READS, 403, 408, 413, 415, 422)
Kinds = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    kinds = _Kinds()
    paths = dict(_paths(kinds))
    return {
        "openapi": "3.1.0",
        "info": {"title": "consortium gateway", "version": __version__, "description": INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": kinds.schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


class _Kinds:
    """The types that the document speaks of; each is described once."""

    def __init__(self) -> None:
        self._found: list[Any] = []
        self._pending: list[tuple[dict[str, Any], int]] = []

    def of(self, kind: Any) -> dict[str, Any]:
        """A place for the description of this type, which `schemas` fills in."""
        place: dict[str, Any] = {}
        self._pending.append((place, len(self._found)))
        self._found.append(kind)
        return place

    def schemas(self) -> dict[str, Any]:
        described, components = msgspec.json.schema_components(self._found, ref_template=REF)
        for place, at in self._pending:
            place.update(_strict(described[at]))
        return {name: _strict(each) for name, each in sorted(components.items())}


def _strict(schema: Any) -> Any:
    """As arguments are read: bytes in hexadecimal, whole numbers of 64 bits."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("contentEncoding") == "base64":
        sizes = {name: 2 * int(value) * 3 // 4 for name, value in schema.items() if name in ("minLength", "maxLength")}
        return {
            **{k: v for k, v in schema.items() if k not in ("contentEncoding", "minLength", "maxLength")},
            **HEX,
            **_even(sizes),
        }
    made = {
        name: _strict(each) if name not in ("default", "examples", "enum") else each for name, each in schema.items()
    }
    return {**INT64, **made} if made.get("type") == "integer" else made


def _even(sizes: dict[str, int]) -> dict[str, int]:
    return {name: size - size % 2 for name, size in sizes.items()}


# --- paths ----------------------------------------------------------------------------------------------------------


def _paths(kinds: _Kinds) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _plain(kinds)
    for contract in contracts().values():
        for operation in contract.operations.values():
            yield f"/v1/{contract.name}/{operation.name}", {"post": _operation(kinds, contract.name, operation)}
        for query in contract.queries.values():
            yield f"/v1/queries/{contract.name}/{query.name}", {"post": _query(kinds, contract.name, query)}
    for told in told_records().values():
        yield f"/v1/{told.word}/{{id}}", {"get": _record(kinds, told)}
    for view in load_views().values():
        yield f"/v1/views/{view.name}", _view(kinds, view)


def _plain(kinds: _Kinds) -> Iterator[tuple[str, dict[str, Any]]]:
    get = _getter(kinds)
    yield "/health", get("health", "Whether this process lives.", answers.Health, (), is_open=True)
    yield "/ready", get("ready", "Whether applications can use it now.", answers.Ready, (503,), is_open=True)
    yield (
        "/v1/blocks",
        get(
            "blocks",
            "Headers, the newest first.",
            answers.BlocksTold,
            OF_READS,
            _word("before", {"type": "integer", "minimum": 0, "maximum": 2**62}, "Of heights below this one."),
            _word("count", {"type": "integer", "minimum": 1, "maximum": BLOCKS_MAX}, "So many at most."),
        ),
    )
    height = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    yield (
        "/v1/blocks/{height}",
        get("block", "A block.", answers.BlockTold, (*OF_READS, 404, 422), _in_path("height", height, 0)),
    )
    yield "/v1/events", {"get": _events(kinds)}
    yield from fhir_paths(list(_WAITING), _KEY)
    yield "/v1/application", get("application", "Whose token this is.", answers.ApplicationTold, OF_ALL)
    yield "/v1/members", get("members", "The members.", answers.MembersTold, OF_READS)
    identity = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    yield (
        "/v1/transactions/{id}",
        get(
            "transaction",
            "What came of a transaction of yours.",
            answers.FoundTransaction,
            (*OF_READS, 404, 422),
            _in_path("id", identity, "00" * 32),
            _PROOF,
        ),
    )
    yield "/v1/transactions", {"post": _many(kinds)}


def _many(kinds: _Kinds) -> dict[str, Any]:
    example = {"contract": "settlement", "operation": "claim", "arguments": _arguments_example("settlement", "claim")}
    return {
        "operationId": "transactions",
        "summary": "Hand in up to 100 operations under one signature, or bundles that you signed.",
        "parameters": list(_WAITING),
        "requestBody": _body(kinds.of(Many), {"items": [{**example, "idempotency_key": "claim-1"}]}),
        "responses": {**_executed(kinds, answers.ManyTold, answers.ManyTold), **_problems(kinds, OF_BODIES)},
    }


def _events(kinds: _Kinds) -> dict[str, Any]:
    text = {"type": "string", "maxLength": 64}
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
    }
    return {
        "operationId": "events",
        "summary": "What happens, as server-sent events, one for each block.",
        "parameters": [
            _word("from_height", {"type": "integer", "minimum": 0, "maximum": 2**62}, "From this block on."),
            _word("contract", text, "Only transactions of this contract."),
            _word("kind", text, "Only events of this kind."),
            _PROOF,
            {**last, "description": "The height of the last event that was received: what follows it is told."},
        ],
        "responses": {
            "200": {"description": "A stream.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
            **_problems(kinds, (*OF_READS, 404)),
        },
    }


def _getter(kinds: _Kinds) -> Callable[..., dict[str, Any]]:
    def get(
        name: str,
        summary: str,
        kind: Any,
        statuses: tuple[int, ...],
        *parameters: dict[str, Any],
        is_open: bool = False,
    ) -> dict[str, Any]:
        told = {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": _answer(kinds.of(kind), "Found."), **_problems(kinds, statuses)},
        }
        return {"get": {**told, "security": []} if is_open else told}

    return get


def _operation(kinds: _Kinds, contract: str, operation: Operation) -> dict[str, Any]:
    return {
        "operationId": f"{contract}.{operation.name}",
        "tags": [contract],
        "summary": _summary(operation.arguments, f"{contract}.{operation.name}"),
        "description": _who(operation),
        "parameters": [*_WAITING, _KEY],
        "requestBody": _body(kinds.of(operation.arguments), example_of(operation.arguments)),
        "responses": {
            **_executed(kinds, answers.Executed, answers.Taken),
            **_problems(kinds, (*OF_BODIES, 404)),
        },
    }


def _query(kinds: _Kinds, contract: str, query: Query) -> dict[str, Any]:
    name = f"{contract}.{query.name}"
    kind = answers.answered(f"Answer_{contract}_{query.name}", _answer_of(query)) | answers.Refusal
    return {
        "operationId": f"ask.{name}",
        "tags": [contract],
        "summary": _summary(query.arguments, name),
        "description": _who(query),
        "parameters": [],
        "requestBody": _body(kinds.of(query.arguments), example_of(query.arguments)),
        "responses": {
            "200": _answer(_either(kinds, kind), "The answer, or the refusal's code."),
            **_problems(kinds, (*OF_BODIES, 404)),
        },
    }


def _either(kinds: _Kinds, kind: Any) -> dict[str, Any]:
    """Two documents that their `code` tells apart."""
    return {"anyOf": [kinds.of(each) for each in typing.get_args(kind)]}


def _record(kinds: _Kinds, told: Told) -> dict[str, Any]:
    kind = answers.answered(f"Record_{told.word}", _answer_of(told.query), is_record=True)
    return {
        "operationId": f"record.{told.word}",
        "tags": [told.contract],
        "summary": f"One of {told.word}, by its id.",
        "description": _who(told.query),
        "parameters": [_in_path("id", {"type": "string", "minLength": 1}, "P1/2026/1"), _PROOF],
        "responses": {
            "200": _answer(kinds.of(kind), "Found."),
            **_problems(kinds, (*OF_READS, 403, 404, 422)),
        },
    }


def _view(kinds: _Kinds, view: View) -> dict[str, Any]:
    text = {"type": "string", "maxLength": 256}
    columns = (
        _word(name, text if kind == TEXT else {"type": "integer", **INT64}, f"Only rows with this {name}.")
        for name, kind in view.columns.items()
    )
    return _getter(kinds)(
        f"view.{view.name}",
        view.sentence,
        answers.viewed(view),
        (*OF_READS, 403),
        _word("table", {"type": "string", "enum": list(view.shown)}, "Only this table."),
        _word("count", {"type": "integer", "minimum": 1, "maximum": COUNT_MAX}, "So many rows of a table at most."),
        _word("after", {"type": "string"}, "The `next` of an answer before, with its `table`: what follows."),
        *columns,
    )


# --- parts ----------------------------------------------------------------------------------------------------------


def _word(name: str, schema: dict[str, Any], what: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": what, "schema": schema}


def _in_path(name: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": example}


_WAITING = (
    _word("wait", {"type": "string", "enum": list(WAITS)}, "executed (the default: f+1 members say so), sealed, none."),
    _word("timeout_s", {"type": "number", "minimum": 0, "maximum": 60}, "How long to wait; then the answer is 202."),
    _word("evidence", {"type": "boolean"}, "With what convinces whoever has the genesis file."),
)
_PROOF = _word("proof", {"type": "boolean"}, "With what convinces whoever has the genesis file.")
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "What is sent again with it is one transaction. Without it one is made, and returned.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}


def _body(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": schema, "examples": {"usual": {"value": example}}}}}


def _answer(schema: dict[str, Any], what: str) -> dict[str, Any]:
    return {"description": what, "content": {JSON: {"schema": schema}}}


def _executed(kinds: _Kinds, executed: Any, taken: Any) -> dict[str, Any]:
    return {
        "200": _answer(kinds.of(executed), "Executed; a refusal by the contract has its code."),
        "202": _answer(kinds.of(taken), "Taken: the node says it until it is executed."),
    }


def _problems(kinds: _Kinds, statuses: tuple[int, ...]) -> dict[str, Any]:
    found = {}
    for status in sorted(statuses):
        told = {"description": TITLES[status], "content": {PROBLEM: {"schema": kinds.of(answers.ProblemDocument)}}}
        if status in (429, 503):
            told["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        found[str(status)] = told
    return found


def _summary(kind: Any, name: str) -> str:
    """The first sentence of what the arguments say of themselves."""
    text = functions.cleandoc(kind.__doc__ or "")
    first = " ".join(text.split()).partition(". ")[0].rstrip(".")
    return f"{first}." if first and not text.startswith(f"{kind.__name__}(") else f"{name}."


def _who(verb: Operation | Query) -> str:
    who = ", ".join(sorted(verb.roles)).replace("*", "every member")
    return f"For: {who}." + (f" On the records of {verb.whose.owner}." if verb.whose and verb.whose.owner else "")


def _answer_of(query: Query) -> Any:
    """The type that a query returns, as far as its function says so."""
    if query.row is not None:
        return query.row.table.kind
    try:
        return typing.get_type_hints(query.run).get("return", Any)
    except (NameError, TypeError):
        return Any


def _arguments_example(contract: str, operation: str) -> Any:
    return example_of(contracts()[contract].operations[operation].arguments)
