"""An example of each type of arguments: values that have the types and the usual shapes, nobody's data."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

from nodes.gateway.arguments import told

DEPTH_MAX = 8
DAY, YEAR, FEN = 20260105, 2026, 12_000
TEXTS = {
    "bill_no": "H65010200000-00000001",
    "fixmedins_code": "H65010200000",
    "psn_no": "P1",
    "account": "fund/employee-pool",
    "drug_trac_codg": "81000010000000000001",
    "med_list_codg": "XA01",
    "insutype": "310",
    "med_type": "11",
    "citation": "doc:1",
}


def example_of(kind: Any) -> Any:
    """As JSON has it: bytes in hexadecimal."""
    return _example(inspect.type_info(kind), "", 0)


def _example(info: inspect.Type, name: str, depth: int) -> Any:
    match info:
        case inspect.StructType():
            needed = [field for field in info.fields if field.required] if depth else info.fields
            if info.array_like:
                return [_of_field(field, depth) for field in info.fields]
            return {field.encode_name: _of_field(field, depth) for field in needed}
        case inspect.Metadata():
            return _example(info.type, name, depth)
        case inspect.IntType():
            return _int(info, name)
        case inspect.StrType():
            return TEXTS.get(name, f"{name.replace('_', '-') or 'word'}-1")
        case inspect.BytesType():
            return "00" * (info.min_length or 32)
        case inspect.BoolType():
            return True
        case inspect.LiteralType():
            return info.values[0]
        case inspect.EnumType():
            return next(iter(info.cls)).value
        case inspect.DictType():
            return {}
        case inspect.TupleType():
            return [_example(each, name, depth + 1) for each in info.item_types]
        case inspect.CollectionType():
            return [] if depth > DEPTH_MAX else [_example(info.item_type, name.removesuffix("s"), depth + 1)]
        case inspect.UnionType():
            return None if info.includes_none else _example(info.types[0], name, depth)
    return None


def _of_field(field: inspect.Field, depth: int) -> Any:
    """Of an optional field its default."""
    if field.default is not msgspec.NODEFAULT:
        return told(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return told(field.default_factory())
    return _example(field.type, field.name, depth + 1)


def _int(info: inspect.IntType, name: str) -> int:
    if "day" in name or "date" in name:
        return DAY
    if "year" in name:
        return YEAR
    value = FEN if name.endswith("_fen") or "amt" in name else 1
    least = info.ge if info.ge is not None else value
    return max(value, int(least))
