"""Tables of results: columns with a type, a unit and a meaning; as CSV and Parquet, the same bytes every time."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, NamedTuple

from consortium.core.errors import UserError

Value = str | int | float | bool | None


class Column(NamedTuple):
    """`type` is `integer`, `number`, `text` or `yes or no`. `unit`: of the catalogue, or empty for what has none."""

    name: str
    type: str
    unit: str
    what: str


class Table(NamedTuple):
    """`what`: what one row is. Every row has a value, or None, for every column."""

    name: str
    what: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]


class MissingExtra(UserError):
    """A library that is not installed. The sentence says what to install."""


def need(library: str, what_for: str, extra: str) -> Any:
    """Import a library of an extra. Raises MissingExtra."""
    from importlib import import_module

    try:
        return import_module(library)
    except ImportError:
        missing = library.split(".")[0]
        raise MissingExtra(
            f"{what_for} needs {missing}, which is not installed: pip install {_packages(extra) or missing}"
        ) from None


def _packages(extra: str) -> str:
    """The packages of an extra, as this installation names them; empty where it is not installed as a package."""
    try:
        wanted = requires("consortium") or []
    except PackageNotFoundError:
        return ""
    of_extra = [each.replace("'", '"') for each in wanted]
    names = [each for each in of_extra if f'extra == "{extra}"' in each]
    return " ".join(re.split(r"[^A-Za-z0-9_.-]", each, maxsplit=1)[0] for each in names)


def column_type(values: Iterable[Any]) -> str:
    """The narrowest type that holds all of them; lists and mappings are text (JSON)."""
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {bool}:
        return "yes or no"
    if kinds and kinds <= {int}:
        return "integer"
    if kinds and kinds <= {int, float}:
        return "number"
    return "text"


def to_csv(table: Table) -> bytes:
    """Numbers with a point, as short as they can be read back exactly; what is not there is empty; `yes`, `no`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows:
        writer.writerow([_cell(value, column.type) for value, column in zip(row, table.columns, strict=True)])
    return out.getvalue().encode()


def _cell(value: Value, kind: str) -> str:
    if value is None:
        return ""
    if kind == "yes or no":
        return "yes" if value else "no"
    return repr(float(value)) if kind == "number" else str(value)


def to_parquet(table: Table) -> bytes:
    """With unit and meaning as metadata of every field. Raises MissingExtra."""
    arrow = need("pyarrow", "Parquet", "frames")
    parquet = need("pyarrow.parquet", "Parquet", "frames")
    types = {"integer": arrow.int64(), "number": arrow.float64(), "text": arrow.string(), "yes or no": arrow.bool_()}
    fields = [
        arrow.field(column.name, types[column.type], metadata={"unit": column.unit, "what": column.what})
        for column in table.columns
    ]
    lists: Mapping[str, list[Value]] = {
        column.name: [_typed(row[place], column.type) for row in table.rows]
        for place, column in enumerate(table.columns)
    }
    arrays = [arrow.array(lists[field.name], field.type) for field in fields]
    sink = arrow.BufferOutputStream()
    content = arrow.Table.from_arrays(arrays, schema=arrow.schema(fields, metadata={"what": table.what}))
    parquet.write_table(content, sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _typed(value: Value, kind: str) -> Value:
    if value is None:
        return None
    return float(value) if kind == "number" else str(value) if kind == "text" else value


def describe(table: Table) -> dict[str, Any]:
    """For schema.json."""
    return {
        "what_one_row_is": table.what,
        "files": [f"{table.name}.csv", f"{table.name}.parquet"],
        "columns": [column._asdict() for column in table.columns],
    }


def write_whole(path: Path, data: bytes) -> None:
    """Whole, or not at all. Raises OSError."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
