"""The folder of a report of oversight: a page for people and a CSV file for each of its tables."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from consortium.commands.language import spoken
from consortium.contracts.checks import FOREVER
from consortium.core.errors import UserError
from consortium.core.words import mark
from consortium.rules.periodic import Cell, Period, Table
from consortium.runs.folder import write_whole

PAGE = "report.html"
NOTE = mark(
    "What rules find is a question to be asked: nothing of it is decided but what stands under findings on the ledger."
)


def write_report(folder: Path, title: str, period: Period, tables: Sequence[Table]) -> None:
    """Raises UserError where the folder is there already."""
    from consortium.lab.pages import page as pages

    if folder.exists():
        raise UserError(f"{folder} exists already; name another folder with --report, or remove it first")
    folder.mkdir(parents=True)
    words = spoken()
    parts: list[str] = [
        pages.heading(title),
        pages.paragraph(_days(period)),
        pages.paragraph(words(NOTE), is_note=True),
    ]
    for table in tables:
        (folder / f"{table.name}.csv").write_text(_csv(table), encoding="utf-8")
        numbers = [
            place for place, name in enumerate(table.columns) if _is_number(table, place) or name.endswith("_fen")
        ]
        parts.append(pages.heading(words(table.title)))
        if table.rows:
            head = [name.removesuffix("_fen").replace("_", " ") for name in table.columns]
            parts.append(pages.table(head, [_cells(table, row) for row in table.rows], numbers))
        else:
            parts.append(pages.paragraph(words("none")))
    write_whole(folder / PAGE, pages.page(title, parts).encode())


def _days(period: Period) -> str:
    words = spoken()
    if period == Period():
        return words("all days; amounts in yuan")
    return words(
        "{first} to {last}; amounts in yuan",
        first=period.from_day or "…",
        last="…" if period.to_day == FOREVER else period.to_day,
    )


def _csv(table: Table) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_safe(cell) for cell in row] for row in table.rows)
    return text.getvalue()


def _safe(cell: Cell) -> Cell:
    """No text begins as a formula of a spreadsheet does."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") else cell


def _is_number(table: Table, place: int) -> bool:
    return bool(table.rows) and all(isinstance(row[place], int) for row in table.rows)


def _cells(table: Table, row: Sequence[Cell]) -> list[str]:
    return [
        _yuan(int(cell)) if name.endswith("_fen") else str(cell) for name, cell in zip(table.columns, row, strict=True)
    ]


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
