"""Folders of runs, as commands name, fill and read them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from consortium.core.errors import UserError
from consortium.core.format import format_fault
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.machine import Apply, Keep, Rows
from consortium.core.vault import BoxReader
from consortium.lab.checks.claims import Verdict, judge
from consortium.lab.measures.measures import Measures, measure
from consortium.lab.pages.results import write_results
from consortium.ledger.rows import END, TABLES
from consortium.runs.folder import LEDGER_FILE, is_standing, load_run
from consortium.runs.run import Run
from consortium.runs.trace import TraceReader, write_trace
from consortium.runs.trace_parts import has_trace
from nodes.process.ledger_file import may_lack_its_log
from nodes.process.private_store import PrivateStore, StoredBoxes
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


def open_vault(path: Path) -> BoxReader:
    return StoredBoxes(path)


def save_vault(path: Path, boxes: BoxReader) -> None:
    """Write the private store of a simulated node as the file that a real node leaves behind."""
    saved = PrivateStore(path)
    try:
        saved.commit([Keep(name, boxes.get(name) or b"") for name in boxes.names()])
    finally:
        saved.close()


def load_told(folder: Path) -> Run:
    """A run out of its folder; a person is told where it was cut off, or copied without a part. Raises RunFolderError,
    TraceError."""
    result = load_run(folder, open_ledger, open_vault)
    if not (folder / "trace.jsonl").is_file() and not is_standing(folder):
        typer.echo(
            f"consortium: {folder} was cut off and has no trace.jsonl: the nodes' own traces are joined", err=True
        )
    executed: dict[str, int] = {}
    for record in result.trace:
        if record["kind"] == "executed":
            executed[record["node"]] = max(executed.get(record["node"], 0), record["height"])
    for name, rows in result.ledgers.items():
        blocks = rows.range("block", b"", END)
        head = int.from_bytes(blocks[-1][0][:8], "big") if blocks else 0
        if head < executed.get(name, 0) and may_lack_its_log(folder / "nodes" / name / LEDGER_FILE):
            words = _missing(folder / "nodes" / name / LEDGER_FILE, head, executed[name])
            typer.echo(f"consortium: {words}", err=True)
    return result


def missing_log(ledger: Path, head: int) -> list[str]:
    """A sentence where the last blocks of a ledger may have stayed behind with its log; `head` is what it ends at."""
    if not may_lack_its_log(ledger):
        return []
    trace, executed = ledger.with_name("trace.jsonl"), 0
    if has_trace(trace):
        records = (record for record in TraceReader(trace) if record["kind"] == "executed")
        executed = max((record["height"] for record in records), default=0)
    if executed > head:
        return [_missing(ledger, head, executed)]
    return [
        f"{ledger} was not closed by its node, and no log ({ledger.name}-wal) lies beside it: if it was copied alone, "
        f"what came after height {head} is missing; copy both"
    ]


def _missing(ledger: Path, head: int, executed: int) -> str:
    return (
        f"{ledger} ends at height {head}, but its node executed {executed}: its log ({ledger.name}-wal) was not copied "
        "with it"
    )


def finish(folder: Path, result: Run) -> tuple[list[Verdict], Measures]:
    """Judge and measure a run, and write what was found into its folder; of a consortium that stands also its trace as
    it is now, for it has none of its own. Raises RunFolderError, OSError."""
    verdicts, measures = judge(result), measure(result.trace)
    write_results(folder, result, verdicts, measures)
    if result.is_standing:
        write_trace(folder / "trace.jsonl", result.trace)
    return verdicts, measures


def find_genesis(ledger: Path) -> Path:
    """The genesis.json of the nearest folder above a ledger. Raises UserError."""
    for folder in ledger.resolve().parents[:4]:
        if (folder / "genesis.json").is_file():
            return folder / "genesis.json"
    raise UserError(f"no genesis.json lies above {ledger}: name it with --genesis FILE")


def read_our_genesis(path: Path) -> Genesis:
    """As `read_genesis`, of the format that this version executes and proves. Raises UserError."""
    genesis = read_genesis(path)
    if (fault := format_fault("genesis", genesis.format)) is not None:
        raise UserError(f"{path}: a {fault}")
    return genesis


def read_genesis(path: Path) -> Genesis:
    """Raises UserError."""
    try:
        return decode_genesis(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"there is no genesis file {path}") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
