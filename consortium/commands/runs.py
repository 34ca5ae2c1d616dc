"""`consortium runs`: what ran and came to its end, over many folders, as one table that can be asked."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.commands.command import STUDY, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError
from consortium.lab.finished import ABOUT, Answer, ask, find_finished

SHOWN = ("folder", "scenario", "protocol", "n", "on", "seed", "outcome", "throughput", "latency_p50", "latency_p99")
TEXTS = ("folder", "scenario", "protocol", "on", "outcome", "version")


def runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="FOLDER…", help="Where to look, and below; default: runs.")
    ] = None,
    where: Annotated[
        str, typer.Option(metavar="CONDITION", help="Only those for which it holds: SQL over the columns.")
    ] = "",
    sort: Annotated[str, typer.Option(metavar="COLUMNS", help="The order, as in SQL: throughput DESC, seed.")] = "",
    columns: Annotated[
        str, typer.Option(metavar="NAMES", help="These columns, with commas; also any figure of docs/measures.md.")
    ] = ",".join(SHOWN),
    most: Annotated[int, typer.Option("--limit", min=1, help="The first so many.")] = 1_000_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV and nothing else.")] = False,
    json: Json = False,
) -> None:
    if as_csv and json:
        raise UserError("--csv or --json: choose one of them")
    found = find_finished(folders or [Path("runs")])
    answer = ask(found, [name.strip() for name in columns.split(",") if name.strip()], where, sort, most)
    if json:
        print_json({"format": 1, "runs": [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]})
    elif as_csv:
        typer.echo(_csv(answer), nl=False)
    else:
        _show(answer)
        words = spoken()
        typer.echo(words("{shown} of {all} runs", shown=len(answer.rows), all=len(found.rows)), nl=not found.unfinished)
        if found.unfinished:
            typer.echo(words("; {count} folders have no end yet", count=found.unfinished))


def _csv(answer: Answer) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([answer.columns, *answer.rows])
    return text.getvalue()


def _show(answer: Answer) -> None:
    titles = [Column(name, name not in TEXTS) for name in answer.columns]
    show_table(
        make_console(), titles, [[_told(value, name) for value, name in _cells(answer, row)] for row in answer.rows]
    )


def _cells(answer: Answer, row: Sequence[Any]) -> list[tuple[Any, str]]:
    return list(zip(row, answer.columns, strict=True))


def _told(value: Any, name: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str) or name in ABOUT:
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1_000 or float(value).is_integer() else f"{value:,.3g}"


COMMAND = Command(
    "runs",
    "What ran and came to its end, in many folders: list, choose and compare.\n\n"
    "A row for each run, and for each run of a sweep: where it lies, what it was, how it ended, and every figure of "
    "docs/measures.md as a column. The folders are the database: nothing is kept beside them.\n\n\b\n"
    "Examples:\n  consortium runs\n  consortium runs runs/sweep-low_load-1a2b --columns n,seed,latency_p99\n"
    "  consortium runs --where \"protocol = 'hotstuff' AND n >= 7\" --sort 'throughput DESC' --limit 10\n"
    "  consortium runs --where \"outcome != 'holds'\" --json\n\n"
    "Exit status: 0 listed, 2 wrong usage or input.",
    runs,
    STUDY,
)
