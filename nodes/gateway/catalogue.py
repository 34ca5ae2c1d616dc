"""What can be called and asked here: of the contracts of this program, as it would execute them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from consortium.contracts import load_contracts
from consortium.core.contract import Contract, Operation, Query
from nodes.gateway.errors import Problem


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
