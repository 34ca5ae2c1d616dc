"""Reads docs/requirements.md, which is the table that `make acceptance` runs.

A row of a table there has four cells: its number, what is asked, how it stands, and what shows it. Commands stand
between backticks; behind one may stand `says "words"` (what it prints holds them) and `leaves N` (its exit status).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "requirements.md"
WORKS, PARTLY, REFUSED, NOT_YET, NO_PROGRAM = "works", "partly", "refused", "not yet", "no program"
STANDS = (WORKS, PARTLY, REFUSED, NOT_YET, NO_PROGRAM)
PROGRAMS = ("consortium", "make", "pytest", "python")
_ROW = re.compile(r"^\| *(\d+) *\|(.*)\|(.*)\|(.*)\|$", re.M)
_SPAN = re.compile(r'`([^`]+)`(?: says "([^"]*)")?(?: leaves (\d+))?')


class PageFault(Exception):
    """A row that nobody can judge."""


class Shown(NamedTuple):
    """A command, and what must come of it: words among what it prints, and its exit status."""

    command: str
    says: str = ""
    leaves: int = 0


class Row(NamedTuple):
    """One requirement. `why`: the last cell, which for a row without commands says why there is none."""

    number: int
    asked: str
    stands: str
    shown: tuple[Shown, ...]
    why: str

    @property
    def is_to_run(self) -> bool:
        return bool(self.shown)


def read_rows(text: str) -> list[Row]:
    """All rows of the page, in its order. Raises PageFault."""
    return [_read_row(int(number), *cells) for number, *cells in _ROW.findall(text)]


def _read_row(number: int, asked: str, stands: str, last: str) -> Row:
    shown = tuple(
        Shown(command, says, int(leaves or 0))
        for command, says, leaves in _SPAN.findall(last)
        if command.split()[0] in PROGRAMS
    )
    row = Row(number, asked.strip(), stands.strip(), shown, last.strip())
    fault = _fault_of(row)
    if fault:
        raise PageFault(f"row {number}: {fault}")
    return row


def _fault_of(row: Row) -> str:
    if row.stands not in STANDS:
        return f"stands {row.stands!r}; a row stands as one of {', '.join(STANDS)}"
    if row.stands in (WORKS, PARTLY) and not row.shown:
        return "no command shows it"
    if row.stands in (REFUSED, NOT_YET, NO_PROGRAM) and row.shown:
        return f"a command shows it, and it stands as {row.stands!r}"
    if not row.why:
        return "nothing says why"
    return ""
