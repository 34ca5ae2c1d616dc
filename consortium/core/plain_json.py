"""Values of contracts as JSON has them, and back: what gateways answer and clients send.

One rule for bytes: within arguments and answers (digests, commitments, keys) they are hexadecimal digits, two a byte,
lower case. Nothing is guessed: a text is read as its type says.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from consortium.core.codec import encode


class NotOfKind(ValueError):
    """The value is not of the type that was asked for; the text names the place."""


def from_json(value: Any, kind: Any) -> Any:
    """A value of this type out of decoded JSON. Raises NotOfKind."""
    try:
        if _holds_bytes(kind):
            value = _with_bytes(value, inspect.type_info(kind), "$")
        made = msgspec.convert(value, kind, builtin_types=(bytes,))
        encode(made)  # no transaction can hold a whole number beyond 64 bits
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise NotOfKind(str(error)) from None
    return made


def to_json(value: Any) -> Any:
    """The value, made of what JSON has; bytes in hexadecimal."""
    return _told(msgspec.to_builtins(value, builtin_types=(bytes,), str_keys=True))


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _told(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each) for each in value]
    return value


@cache
def _holds_bytes(kind: Any) -> bool:
    seen: set[Any] = set()

    def look(info: inspect.Type) -> bool:
        if isinstance(info, inspect.BytesType):
            return True
        if isinstance(info, inspect.StructType):
            if info.cls in seen:
                return False
            seen.add(info.cls)
        return any(look(each) for each in _parts(info))

    return look(inspect.type_info(kind))


def _parts(info: inspect.Type) -> list[inspect.Type]:
    match info:
        case inspect.StructType():
            return [field.type for field in info.fields]
        case inspect.UnionType():
            return list(info.types)
        case inspect.DictType():
            return [info.key_type, info.value_type]
        case inspect.TupleType():
            return list(info.item_types)
        case inspect.Metadata():
            return [info.type]
        case inspect.CollectionType():
            return [info.item_type]
    return []


def _with_bytes(value: Any, info: inspect.Type, place: str) -> Any:
    """The value with bytes for the texts that stand where this type has bytes. What fits no type stays as it is: the
    conversion names it."""
    match info:
        case inspect.BytesType() if isinstance(value, str):
            return _bytes_of(value, place)
        case inspect.Metadata():
            return _with_bytes(value, info.type, place)
        case inspect.StructType() if isinstance(value, dict):
            types = {field.encode_name: field.type for field in info.fields}
            return {
                key: _with_bytes(each, types[key], f"{place}.{key}") if key in types else each
                for key, each in value.items()
            }
        case inspect.StructType(array_like=True) if isinstance(value, list):
            kinds = [field.type for field in info.fields]
            pairs = zip(value[: len(kinds)], kinds, strict=False)
            return [_with_bytes(each, kind, f"{place}[{at}]") for at, (each, kind) in enumerate(pairs)] + value[
                len(kinds) :
            ]
        case inspect.DictType() if isinstance(value, dict):
            return {key: _with_bytes(each, info.value_type, f"{place}[…]") for key, each in value.items()}
        case inspect.TupleType() if isinstance(value, list) and len(value) == len(info.item_types):
            pairs = zip(value, info.item_types, strict=True)
            return [_with_bytes(each, kind, f"{place}[{at}]") for at, (each, kind) in enumerate(pairs)]
        case inspect.CollectionType() if isinstance(value, list):
            return [_with_bytes(each, info.item_type, f"{place}[{at}]") for at, each in enumerate(value)]
        case inspect.UnionType():
            return _of_union(value, info, place)
    return value


def _of_union(value: Any, info: inspect.UnionType, place: str) -> Any:
    """The part that a text or a structure may be: no type of arguments has both text and bytes in one union."""
    for each in info.types:
        converted = _with_bytes(value, each, place)
        if converted is not value:
            return converted
    return value


def _bytes_of(text: str, place: str) -> bytes:
    if text != text.lower() or not text.isascii() or len(text) % 2:
        raise NotOfKind(f"expected hexadecimal digits in lower case, two a byte - at `{place}`")
    try:
        if any(letter not in "0123456789abcdef" for letter in text):
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        raise NotOfKind(f"expected hexadecimal digits in lower case, two a byte - at `{place}`") from None
