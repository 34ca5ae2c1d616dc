"""What is told in FHIR R4: a resource by its kind and id, out of the row of the ledger that it is made of.

Who may read it is who may ask for that row: another's is answered like what nobody has, and the read is in the audit
before it is answered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.exports.fhir.resource import ID_MAX, Kind, Resource, key_of, load_kinds
from consortium.exports.source import ENTRY_EVENTS, Origin, Source, entry_key, find_query, may_read
from nodes.gateway.applications import Application
from nodes.gateway.catalogue import contracts
from nodes.gateway.errors import Problem
from nodes.gateway.feed import read_block
from nodes.gateway.fhir_words import FHIR, outcome_of_problem
from nodes.gateway.gateway import Gateway
from nodes.gateway.index import Place
from nodes.gateway.parameters import read_words
from nodes.gateway.reading import Moment

PURPOSE = "query"


class _Asked(NamedTuple):
    """`key`: of the row; empty where there is none. `origin`: of an entry of a journal."""

    key: str
    origin: Origin | None = None


async def get_resource(gateway: Gateway, request: Request) -> Response:
    """GET /fhir/{kind}/{id}"""
    try:
        application = gateway.application(request.headers.get("authorization"))
        read_words(request, ())
        found = await _read(gateway, application, request.path_params["kind"], request.path_params["id"])
    except Problem as problem:
        return outcome_of_problem(problem)
    return Response(msgspec.json.encode(found), 200, None, FHIR)


async def _read(gateway: Gateway, application: Application, word: str, identity: str) -> Resource:
    kind = load_kinds().get(word)
    if kind is None:
        raise Problem(404, "unknown-word", f"resources that can be read are {', '.join(load_kinds())}")
    application.check(*_scope(kind))
    if not (1 <= len(identity) <= ID_MAX and identity.isascii() and identity.isprintable()):
        raise _nothing()
    gateway.check_reachable()
    place = await gateway.feed.find(bytes.fromhex(identity)) if _is_transaction(kind, identity) else None
    found = await gateway.readers.answer(lambda moment: _find(moment, application, kind, identity, place))
    if found is None:
        raise _nothing()
    await gateway.note_read(application, f"fhir.{word} {identity}", PURPOSE)
    return found


def _scope(kind: Kind) -> tuple[str, str]:
    """Contract and query that answer with the row; of a table without one, its name."""
    found = find_query(contracts(), kind.table)
    return (kind.table.name, "get") if found is None else (found[0].name, found[1].name)


def _nothing() -> Problem:
    return Problem(404, "not-yours", "you have no such resource")


def _is_transaction(kind: Kind, identity: str) -> bool:
    """Entries of journals have the id of the transaction that made them."""
    return kind.table is SETTLEMENTS and len(identity) == 64 and all(digit in "0123456789abcdef" for digit in identity)


def _find(moment: Moment, application: Application, kind: Kind, identity: str, place: Place | None) -> Resource | None:
    """None for what is not there, or another's."""
    asked = _entry(moment, bytes.fromhex(identity), place) if place is not None else _row(moment, kind, identity)
    value: Any = moment.state.get(kind.table, asked.key) if asked.key else None
    reader = moment.reader(application.member)
    source = Source(moment.genesis.name, moment.state, moment.contracts, reader, lambda _: asked.origin)
    if value is None or not may_read(source, kind.table, asked.key, kind.roles):
        return None
    return next((each for each in kind.make(source, asked.key, value) if each["id"] == identity), None)


def _entry(moment: Moment, transaction: bytes, place: Place) -> _Asked:
    block = read_block(moment, place.height)
    receipt = block.receipts[place.number] if place.number < len(block.receipts) else None
    if receipt is None or receipt.transaction != transaction:
        return _Asked("")
    entries = [entry_key(event.fields) for event in receipt.events if event.kind in ENTRY_EVENTS]
    return _Asked(entries[0] if entries else "", Origin(transaction.hex(), block.time_us))


def _row(moment: Moment, kind: Kind, identity: str) -> _Asked:
    """The id of a row is its key, or begins with it: what follows tells the resources of one row apart."""
    if kind.table is SETTLEMENTS:
        return _Asked("")
    whole = key_of(identity)
    return _Asked(whole if moment.state.get(kind.table, whole) is not None else whole.partition("/")[0])
