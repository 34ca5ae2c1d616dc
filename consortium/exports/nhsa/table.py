"""What a table of the data standard is: named columns, a row for each record. Amounts are yuan with two decimals."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from consortium.core.discovery import offered_by_name
from consortium.exports.source import Source

Row = Sequence[str]


class CsvTable(NamedTuple):
    """The value `TABLE` of a file: `name` of the table, its columns, and all rows that the reader may have."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Source], Iterator[Row]]


def load_tables() -> dict[str, CsvTable]:
    return offered_by_name("consortium.exports.nhsa", "TABLE", CsvTable)


def encode_rows(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """RFC 4180, UTF-8; lines end with CR LF as there."""
    for row in (columns, *rows):
        buffer = io.StringIO()
        csv.writer(buffer).writerow(row)
        yield buffer.getvalue().encode()


def yuan(fen: int) -> str:
    """`-1234.05`: without separators, exactly."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def day(value: int) -> str:
    """`2026-05-01` of 20260501; empty of 0."""
    return f"{value // 10_000:04d}-{value // 100 % 100:02d}-{value % 100:02d}" if value else ""


def share(basis_points: int) -> str:
    """`0.1000` of 1,000."""
    return f"{basis_points // 10_000}.{basis_points % 10_000:04d}"
