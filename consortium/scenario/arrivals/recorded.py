"""Arrivals out of a file, CSV or Parquet: a row each, with a column `due_us` or `due_s`, and perhaps `kind`, `size` and
`member`. What is read stands in the scenario from then on, so that a run no longer depends on the file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from consortium.scenario.arrivals.options import RECORDED, ArrivalsError, Recorded

ROWS_MAX = 200_000
SIZE_MAX = 100_000
DUE_MAX_US = 1 << 50
UNITS_US = {"due_us": 1, "due_s": 1_000_000}
COLUMNS = (*UNITS_US, "kind", "size", "member")


def read_arrivals(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same options with `file` read into `recorded`. Raises ArrivalsError."""
    name = options.get("file")
    if not name or options.get("arrivals") != RECORDED:
        return dict(options)
    path = folder / str(name)
    rows = [_arrival(path, number, row) for number, row in enumerate(_rows(path), 1)]
    if not 1 <= len(rows) <= ROWS_MAX:
        raise ArrivalsError(f"{path} holds {len(rows):,} arrivals; expected 1 to {ROWS_MAX:,}")
    kept = {key: value for key, value in options.items() if key != "file"}
    return {**kept, "recorded": [[each.due_us, each.kind, each.size, each.member] for each in rows]}


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
        for row in rows:
            _check_columns(path, row)
            yield row
    except OSError as error:
        why = error.strerror or "not readable"
        raise ArrivalsError(f"workload.options.file: {path}: {why}; a file lies relative to its scenario") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArrivalsError(f"workload.options.file: {path} is neither CSV nor .parquet: {error}") from None


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise ArrivalsError(
            f"workload.options.file: {path} is Parquet, which needs pyarrow: pip install pyarrow, or give a CSV file"
        ) from None
    try:
        table = parquet.read_table(path)
    except ValueError as error:  # pyarrow's own errors are of this kind
        raise ArrivalsError(f"workload.options.file: {path} is no Parquet file: {error}") from None
    yield from table.to_pylist()


def _check_columns(path: Path, row: Mapping[str, Any]) -> None:
    unknown = [str(name) for name in row if name not in COLUMNS]
    if unknown or sum(name in row for name in UNITS_US) != 1:
        told = f"; it has {', '.join(map(str, row))}" if unknown else ""
        raise ArrivalsError(
            f"workload.options.file: {path}: expected a column due_us or due_s, and perhaps kind, size, member{told}"
        )


def _arrival(path: Path, number: int, row: Mapping[str, Any]) -> Recorded:
    column = next(name for name in UNITS_US if name in row)
    where = f"workload.options.file: {path}, row {number}"
    due_us = _number(where, column, row[column], UNITS_US[column])
    size = _number(where, "size", row.get("size") or 1, 1)
    if not 0 <= due_us <= DUE_MAX_US:
        raise ArrivalsError(f"{where}: {column}={row[column]}: expected a time from 0 on, since the run began")
    if not 1 <= size <= SIZE_MAX:
        raise ArrivalsError(f"{where}: size={row['size']}: expected 1 to {SIZE_MAX:,} transactions")
    return Recorded(due_us, str(row.get("kind") or ""), size, str(row.get("member") or ""))


def _number(where: str, column: str, value: Any, unit: int) -> int:
    try:
        return round(float(value) * unit)
    except (TypeError, ValueError, OverflowError):
        raise ArrivalsError(f"{where}: {column}={value!r} is no number") from None
