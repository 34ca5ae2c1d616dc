"""One value has one encoding: what must be true of a type so that `codec.encode` gives equal values equal bytes.

Bytes become ids, roots and rows of the state, so two members that hold equal values must write the same bytes. A
Struct with `omit_defaults` breaks that: whether a field is left out depends on whether its value *is* the default
object, not on whether it equals it. A number that was decoded is another object than the default, and is written.
So no type of arguments, of state or of messages may have it: every field is always written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec


def structs_of(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Every Struct that a value of this type may hold, at any depth, each once; `kind` is any type annotation."""
    seen: dict[type[msgspec.Struct], None] = {}
    pending = [msgspec.inspect.type_info(kind)]
    while pending:
        info = pending.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                continue
            seen[info.cls] = None
            yield info.cls
            pending += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            pending += info.types
        elif isinstance(info, msgspec.inspect.DictType):
            pending += [info.key_type, info.value_type]
        elif isinstance(info, msgspec.inspect.TupleType):
            pending += info.item_types
        elif isinstance(info, msgspec.inspect.Metadata):
            pending.append(info.type)
        elif isinstance(info, msgspec.inspect.CollectionType):
            pending.append(info.item_type)


def check_canonical(kind: Any, what: str) -> None:
    """Raises TypeError, naming `what` and the Struct, where equal values of this type may have different bytes."""
    for struct in structs_of(kind):
        if struct.__struct_config__.omit_defaults:
            raise TypeError(
                f"{what}: {struct.__name__} has omit_defaults, so equal values of it may have different bytes; leave "
                "it away: every field is written"
            )
