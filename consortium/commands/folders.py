"""Folders of runs, as commands name, fill and read them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from consortium.core.machine import Apply, Rows
from consortium.lab.checks.claims import Verdict, judge
from consortium.lab.measures.measures import Measures, measure
from consortium.lab.pages.results import write_results
from consortium.ledger.rows import END, TABLES
from consortium.runs.folder import load_run
from consortium.runs.run import Run
from nodes.process.store import SqliteRows


def new_folders(name: str) -> list[Path]:
    """runs/NAME-YYYYMMDD-HHMMSS, and with a number behind it for where several runs begin in one second."""
    stem = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return [Path("runs") / (stem if index == 1 else f"{stem}-{index}") for index in range(1, 1_000)]


def open_ledger(path: Path) -> Rows:
    return SqliteRows(path, read_only=True)


def save_ledger(path: Path, rows: Rows) -> None:
    """Write the rows of a simulated node as the file that a real node leaves behind."""
    saved = SqliteRows(path)
    try:
        pairs = tuple((table, key, value) for table in TABLES for key, value in rows.range(table, b"", END))
        saved.commit([Apply(0, pairs)])
    finally:
        saved.close()


def load_told(folder: Path) -> Run:
    """A run out of its folder; a person is told where it was cut off. Raises RunFolderError."""
    result = load_run(folder, open_ledger)
    if not (folder / "trace.jsonl").is_file():
        typer.echo(
            f"consortium: {folder} was cut off and has no trace.jsonl: the nodes' own traces are joined", err=True
        )
    return result


def finish(folder: Path, result: Run) -> tuple[list[Verdict], Measures]:
    """Judge and measure a run, and write what was found into its folder. Raises RunFolderError."""
    verdicts, measures = judge(result), measure(result.trace)
    write_results(folder, result, verdicts, measures)
    return verdicts, measures
