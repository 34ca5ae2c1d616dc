"""What can be called and asked here: of the contracts of this program, as it would execute them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from consortium.contracts import load_contracts
from consortium.core.contract import Contract, Operation, Query, RowOf
from nodes.gateway.errors import Problem


class Told(NamedTuple):
    """A kind of record that can be asked for by its key: `word` as in /v1/bills/{id}."""

    word: str
    contract: str
    query: Query
    row: RowOf


@cache
def contracts() -> Mapping[str, Contract]:
    return load_contracts()


def operation_of(contract: str, operation: str) -> Operation:
    """Raises Problem 404."""
    held = contracts().get(contract)
    verb = None if held is None else held.operations.get(operation)
    if verb is None:
        raise Problem(404, "unknown-operation", "there is no such operation; /openapi.json names all")
    return verb


def query_of(contract: str, query: str) -> Query:
    """Raises Problem 404."""
    held = contracts().get(contract)
    asked = None if held is None else held.queries.get(query)
    if asked is None:
        raise Problem(404, "unknown-query", "there is no such query; /openapi.json names all")
    return asked


@cache
def told_records() -> Mapping[str, Told]:
    """Every query whose answer is a row that a person asks for by a word, by the plural of the word."""
    found: dict[str, Told] = {}
    for contract in contracts().values():
        for query in contract.queries.values():
            if query.row is not None and query.row.table.told_as:
                word = f"{query.row.table.told_as}s"
                assert word not in found, f"two queries tell {word}"
                found[word] = Told(word, contract.name, query, query.row)
    return dict(sorted(found.items()))
