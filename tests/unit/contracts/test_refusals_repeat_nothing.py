"""A sentence of a refusal stands on the ledger: it repeats no text that was not checked, and no number of a person."""

import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from consortium.core.contract import NOBODY, Context, Operation, Query, Reader, Refused
from tests.contracts_state import MEMBERS
from tests.property.test_contracts_never_raise import CONTRACTS, HOUSE, TABLES

NUMBER = "13800138000"
LONG = f"x {NUMBER} {'y' * 2_000}"
OF_PERSONS = ("psn_no", "patient", "pseudonym", "change_id")
KNOWN: dict[str, Any] = {
    "fixmedins_code": "H1",
    "psn_no": "E",
    "order_no": "O1",
    "contract_no": "T1",
    "bill_no": "H1-1",
    "lot_no": "lot",
    "record_no": "h1:R1",
    "account": "payable/H1",
    "why": "finding",
    "record": "finding/F",
    "action": "tune",
    "name": "h1",
    "days": 7,
    "reason": "",
    "year": 2026,
    "sequence": 1,
}
VERBS: list[tuple[str, Operation | Query]] = [
    *((name, verb) for name, one in CONTRACTS.items() for verb in one.operations.values()),
    *((name, verb) for name, one in CONTRACTS.items() for verb in one.queries.values()),
]


def value_of(kind: Any, text: str) -> Any:
    origin, within = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return value_of(within[0], text)
    if origin is tuple:
        return tuple(value_of(each, text) for each in within if each is not Ellipsis)
    if origin is dict:
        return {value_of(within[0], text): value_of(within[1], text)}
    if origin is typing.Literal:
        return within[0]
    if kind in (str, int, bool, bytes):
        return {str: text, int: 20260101, bool: True, bytes: b"x" * 32}[kind]
    return kind(**{name: value_of(hint, text) for name, hint in typing.get_type_hints(kind).items()})


def variants(verb: Operation | Query) -> Iterator[tuple[str, Any]]:
    """One field at a time a long text, or a person's number; the others as they are known, or anything."""
    hints = typing.get_type_hints(verb.arguments)
    anything = {name: value_of(hint, "x") for name, hint in hints.items()}
    known = anything | {name: KNOWN[name] for name in hints if name in KNOWN}
    for others in (anything, known):
        for name, hint in hints.items():
            yield name, verb.arguments(**{**others, name: value_of(hint, LONG)})
            if name in OF_PERSONS:
                yield name, verb.arguments(**{**others, name: NUMBER})


def answer(contract: str, verb: Operation | Query, arguments: Any, member: str) -> str:
    """The sentence of the refusal, or the fields of what happened."""
    HOUSE.state.tables = {name: dict(rows) for name, rows in TABLES.items()}
    context = Context(b"c" * 32, 1, 20_605 * 86_400_000_000, b"t", member, MEMBERS[member], 20260601)
    try:
        if CONTRACTS[contract].operations.get(verb.name) is verb:
            return str(CONTRACTS[contract].execute(HOUSE.state, verb.name, arguments, context))
        CONTRACTS[contract].ask(HOUSE.state, verb.name, arguments, Reader(member, MEMBERS[member], 20260601))
        return ""  # what may be read, its reader alone is told
    except Refused as refused:
        return refused.sentence


@pytest.mark.parametrize(("contract", "verb"), VERBS, ids=[f"{name}.{verb.name}" for name, verb in VERBS])
def test_no_text_comes_back_that_was_not_checked(contract: str, verb: Operation | Query) -> None:
    for member in [name for name, role in MEMBERS.items() if role not in NOBODY and verb.is_permitted(role)]:
        for field, arguments in variants(verb):
            assert NUMBER not in answer(contract, verb, arguments, member), f"{field}, by {member}"
