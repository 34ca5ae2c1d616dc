"""Tables for a person: columns where they have room, else a line for each value, so that no word is ever cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

LAST_MIN = 20  # cells that the last column must have left, to be read as text


class Column(NamedTuple):
    title: str
    is_number: bool = False


def show_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]]) -> None:
    """All columns but the last keep their width and the last one is folded into what is left. Where that is too narrow,
    a row becomes lines: its first value, and below it each other one behind its title."""
    widths = [max([cell_len(each.title), *(_width(row[place]) for row in rows)]) for place, each in enumerate(columns)]
    left = console.width - sum(widths[:-1]) - 2 * (len(columns) - 1)
    if left < min(LAST_MIN, widths[-1]):
        _show_lines(console, columns, rows)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_header=any(each.title for each in columns))
    for place, column in enumerate(columns):
        is_last = place == len(columns) - 1
        table.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=not is_last,
            overflow="fold",
            min_width=None if is_last else widths[place],
        )
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else Text(value) for value in row))
    console.print(table)


def _show_lines(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]]) -> None:
    for first, *others in rows:
        console.print(first, style="bold", markup=False, overflow="fold")
        for column, value in zip(columns[1:], others, strict=True):
            title = f"{column.title}: " if column.title else ""
            console.print(Text.assemble(f"  {title}", value), overflow="fold")


def _width(value: str | Text) -> int:
    return value.cell_len if isinstance(value, Text) else cell_len(value)
