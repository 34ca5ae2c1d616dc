"""Tables in CSV (RFC 4180, UTF-8): rows by the names of their columns, each with its place."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from consortium.scenario.fhir.records import ImportFault, Unfit
from consortium.scenario.importing.book import Book
from consortium.scenario.importing.files import find_parts, read_lines

_is_yuan = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,2})0*)?").fullmatch
_is_share = re.compile(r"([01])(?:\.([0-9]{1,4})0*)?").fullmatch
_is_count = re.compile(r"([0-9]{1,7})(?:\.0*)?").fullmatch


class Row(NamedTuple):
    """`place`: `file:line`, of its last line where a cell holds several."""

    place: str
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    @property
    def bytes(self) -> bytes:
        """As it stands, for whoever keeps what its source said."""
        return "\x1f".join(self.cells.values()).encode() + b"\n"


def read_table(folder: Path, name: str, columns: Sequence[str], book: Book, *, is_needed: bool = True) -> Iterator[Row]:
    """The rows of `NAME.csv` or its parts. A row that has more or fewer cells than the header is refused. Raises
    ImportFault: no such file, no UTF-8, a column that is missing."""
    parts = find_parts(folder, name, "csv")
    if not parts and is_needed:
        raise ImportFault(f"{folder}: {name}.csv is missing; export it beside the others")
    for path in parts:
        yield from _rows(path, name, columns, book)


def _rows(path: Path, name: str, columns: Sequence[str], book: Book) -> Iterator[Row]:
    reader = csv.reader(_texts(path), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check_header(path, header, columns)
        book.read.setdefault(name, 0)
        for cells in reader:
            if not any(cells):
                continue
            book.read[name] += 1
            place = f"{path}:{reader.line_num}"
            if len(cells) != len(header):
                book.refuse(Unfit("wrong-cells"), place)
                continue
            yield Row(place, dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise ImportFault(f"{path}:{reader.line_num}: this is not CSV ({error}); export it again") from None


def _texts(path: Path) -> Iterator[str]:
    for number, line in enumerate(read_lines(path), 1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise ImportFault(f"{path}:{number}: not UTF-8; save the table as CSV in UTF-8 and try again") from None


def _check_header(path: Path, header: list[str], columns: Sequence[str]) -> None:
    """Columns that nobody asked for may stand there: they are not read."""
    missing = [column for column in columns if column not in header]
    if missing:
        near = get_close_matches(missing[0], header, 1)
        hint = f" (is {near[0]!r} meant?)" if near else ""
        raise ImportFault(
            f"{path}:1: the column {missing[0]} is missing{hint}; its header is to name {', '.join(columns)}"
        )


# --- cells, each raising Unfit with its column ----------------------------------------------------------------------


def needed(row: Row, column: str, reason: str) -> str:
    value = row.text(column)
    if not value:
        raise Unfit(reason, column)
    return value


def yuan_of(row: Row, column: str) -> int:
    """Fen of an amount with two decimals at most."""
    found = _is_yuan(needed(row, column, "no-amount"))
    if found is None:
        raise Unfit("bad-amount", column)
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def share_of(row: Row, column: str) -> int:
    """Basis points of a share of 0 to 1."""
    found = _is_share(row.text(column) or "0")
    if found is None or (points := int(found[1]) * 10_000 + int((found[2] or "0").ljust(4, "0"))) > 10_000:
        raise Unfit("bad-share", column)
    return points


def count_of(row: Row, column: str) -> int:
    found = _is_count(row.text(column) or "1")
    if found is None or not 1 <= int(found[1]) <= 10_000:
        raise Unfit("bad-quantity", column)
    return int(found[1])


def choice_of(row: Row, column: str, choices: Mapping[str, str]) -> str:
    """What a code stands for."""
    found = choices.get(row.text(column))
    if found is None:
        raise Unfit("bad-value", column)
    return found


def decimal_of(text: str) -> Decimal | None:
    """None where it is no plain number."""
    return Decimal(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text) else None


def inverted(codes: Mapping[str, str]) -> dict[str, str]:
    return {code: word for word, code in codes.items()}


def others_of(folder: Path, kinds: Iterable[str]) -> tuple[str, ...]:
    """The files of a folder that no kind claims."""
    taken = {path for kind in kinds for path in find_parts(folder, kind, "csv")}
    return tuple(path.name for path in sorted(folder.iterdir()) if path.is_file() and path not in taken)
