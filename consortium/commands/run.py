"""What `consortium run` does once its words are values: a run in the simulator or in processes, checked and written."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console

from consortium.commands.terminal import Stopped, stoppable, watching
from consortium.core.machine import Rows
from consortium.lab.checks.claims import Verdict, judge
from consortium.lab.measures.measures import Measures, measure
from consortium.lab.pages.results import write_results
from consortium.runs.folder import load_run, write_simulated
from consortium.runs.run import Run
from consortium.scenario.scenario import Scenario
from consortium.simulation.costs.profile import Profile
from nodes.errors import UserError
from nodes.process.store import SqliteRows

EXIT_STOPPED = 130


def open_ledger(path: Path) -> Rows:
    return SqliteRows(path, read_only=True)


def _save_ledger(path: Path, rows: Rows) -> None:
    from consortium.core.machine import Apply
    from consortium.ledger.rows import END, TABLES

    saved = SqliteRows(path)
    try:
        pairs = tuple((table, key, value) for table in TABLES for key, value in rows.range(table, b"", END))
        saved.commit([Apply(0, pairs)])
    finally:
        saved.close()


def new_folders(name: str) -> list[Path]:
    """runs/NAME-YYYYMMDD-HHMMSS, and with a number behind it for where several runs begin in one second."""
    stem = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return [Path("runs") / (stem if index == 1 else f"{stem}-{index}") for index in range(1, 1_000)]


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """While a run goes on nearly all that is made stays, and looking through it for garbage finds little."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def simulate_into(
    scenario: Scenario, folder: Path, console: Console, costs: Profile | None, level: str = "auto"
) -> Run:
    from consortium.simulation.run import Simulation

    with watching(scenario, console) as on_record, stoppable(on_record) as on_record_or_stop:
        try:
            simulation = Simulation(scenario, on_record_or_stop, profile=costs, level=level)
        except KeyboardInterrupt:
            typer.echo("consortium: stopped before the run began; nothing was written", err=True)
            raise typer.Exit(EXIT_STOPPED) from None
        try:
            with collecting_seldom():
                simulation.run()
            is_stopped = False
        except Stopped:
            is_stopped = True
    ledgers: dict[str, Rows] = {name: node.disk.rows for name, node in simulation.nodes.items()}
    result = Run(scenario, simulation.genesis, simulation.trace, ledgers, is_stopped)
    write_simulated(folder, result, _save_ledger)
    return result


def run_local_into(scenario: Scenario, folder: Path, broker: str, is_recorded: bool, console: Console) -> Run:
    from nodes.conduct.conductor import run_local

    is_stopped = False
    with watching(scenario, console) as on_record:
        try:
            outcome = run_local(scenario, folder, broker, on_record, is_recorded=is_recorded)
        except KeyboardInterrupt:
            is_stopped = True
    if is_stopped and not (folder / "trace.jsonl").is_file():
        typer.echo("consortium: stopped before the run began; nothing was written", err=True)
        raise typer.Exit(EXIT_STOPPED)
    if not is_stopped and outcome.is_environment:
        raise UserError(f"{outcome.sentence} The run failed; what there is of it lies in {folder}")
    if not is_stopped and outcome.sentence:
        typer.echo(f"consortium: {outcome.sentence}", err=True)
    result = load_run(folder, open_ledger)
    return Run(result.scenario, result.genesis, result.trace, result.ledgers, result.is_partial or is_stopped)


def load_told(folder: Path) -> Run:
    """A run out of its folder; a person is told where it was cut off. Raises RunFolderError."""
    result = load_run(folder, open_ledger)
    if not (folder / "trace.jsonl").is_file():
        typer.echo(
            f"consortium: {folder} was cut off and has no trace.jsonl: the nodes' own traces are joined", err=True
        )
    return result


def finish(folder: Path, result: Run) -> tuple[list[Verdict], Measures]:
    verdicts, measures = judge(result), measure(result.trace)
    write_results(folder, result, verdicts, measures)
    return verdicts, measures
