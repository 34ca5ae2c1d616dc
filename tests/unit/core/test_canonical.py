"""One value, one encoding: every default given as a fresh object, and left out, makes the same bytes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import consortium
from consortium.contracts import load_contracts
from consortium.core.canonical import check_canonical, structs_of
from consortium.core.codec import Decoder, encode
from consortium.core.contract import EVERY_MEMBER, Contract, Operation, Table
from tests.unit.core.test_exact_lengths import MESSAGES, sample

ROOMS = ("core", "ledger", "contracts", "node", "protocols")


def modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(consortium.__path__, "consortium."):
        if found.name.split(".")[1] in ROOMS:
            yield importlib.import_module(found.name)


def hashed_structs() -> list[type[msgspec.Struct]]:
    """All whose bytes become an id, a root, a vote or a row of the state: messages, tables, arguments, and every other
    Struct of the rooms that write such bytes, with all that stands in them."""
    kinds: list[Any] = [*MESSAGES]
    for module in modules():
        for value in vars(module).values():
            if isinstance(value, Table):
                kinds.append(value.kind)
            elif isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__:
                kinds.append(value)
    for contract in load_contracts().values():
        kinds += [operation.arguments for operation in contract.operations.values()]
    found = {struct: None for kind in kinds for struct in structs_of(kind)}
    return sorted(found, key=lambda struct: f"{struct.__module__}.{struct.__name__}")


STRUCTS = hashed_structs()


def fresh(value: Any) -> Any:
    """An equal value, as another object wherever there can be one."""
    match value:
        case bool() | None:
            return value
        case int():
            return int(str(value))
        case str():
            return "".join(list(value))
        case bytes():
            return bytes(bytearray(value))
        case tuple():
            return tuple(map(fresh, value))
        case dict():
            return {fresh(key): fresh(each) for key, each in value.items()}
        case _:
            return msgspec.structs.replace(value)


def defaults_of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    found = {}
    for field in msgspec.structs.fields(struct):
        if field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
    return found


def test_the_search_finds_the_structs_that_matter() -> None:
    names = {struct.__name__ for struct in STRUCTS}
    assert {
        "Institution",
        "Sign",
        "Propose",
        "Epoch",
        "Member",
        "Settlement",
        "PrePrepare",
        "Ballot",
        "Genesis",
    } <= names
    assert sum(bool(defaults_of(struct)) for struct in STRUCTS) > 25


@pytest.mark.parametrize(
    "struct",
    [struct for struct in STRUCTS if defaults_of(struct)],
    ids=lambda struct: f"{struct.__module__.split('.')[-1]}-{struct.__name__}",
)
def test_a_default_that_is_given_and_one_that_is_left_out_make_the_same_bytes(struct: type[msgspec.Struct]) -> None:
    defaults = defaults_of(struct)
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    needed = {field.name: sample(field.type) for field in info.fields if field.name not in defaults}
    short = struct(**needed)
    for given in (defaults.keys(), *([name] for name in defaults)):
        full = struct(**needed, **{name: fresh(defaults[name]) for name in given})
        assert full == short and encode(full) == encode(short)
    decoder: Decoder[Any] = Decoder(struct, 1_000_000)
    again = decoder.decode_canonical(encode(short))
    assert again == short and encode(again) == encode(short)


def test_no_struct_that_is_hashed_leaves_defaults_out() -> None:
    assert [struct.__name__ for struct in STRUCTS if struct.__struct_config__.omit_defaults] == []


class Sloppy(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a contract must not have: the bytes depend on which object the number is."""

    rate: int = 10_000


class Holder(msgspec.Struct, frozen=True):
    """Has it within."""

    held: tuple[Sloppy | None, ...] = ()


def test_control_such_a_struct_has_two_encodings() -> None:
    assert Sloppy() == Sloppy(fresh(10_000)) and encode(Sloppy()) != encode(Sloppy(fresh(10_000)))


@pytest.mark.parametrize("kind", [Sloppy, Holder, dict[str, Holder]])
def test_a_table_or_contract_with_such_a_struct_cannot_be_made(kind: Any) -> None:
    with pytest.raises(TypeError, match="Sloppy has omit_defaults"):
        Table("own.rates", kind)
    with pytest.raises(TypeError, match=r"own\.set: Sloppy has omit_defaults"):
        Contract("own", 1, (Operation("set", kind, EVERY_MEMBER, lambda state, arguments, context: []),))
    with pytest.raises(TypeError):
        check_canonical(kind, "it")


def test_a_map_has_one_encoding_whatever_the_order_in_which_it_was_filled() -> None:
    one, other = {"submit": b"s", "vote": b"v"}, {"vote": b"v", "submit": b"s"}
    assert encode(one) == encode(other)
