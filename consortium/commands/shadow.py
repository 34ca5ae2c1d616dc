"""`consortium shadow`: what a ledger computed beside what the old system did, for institutions in shadow."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from consortium.commands.command import LOOK, Command, make_console
from consortium.commands.folders import load_told
from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.contracts.governance.rollout import ROLLOUTS
from consortium.core.contract import StateReader
from consortium.core.errors import UserError
from consortium.lab.shadow import AMOUNTS, EQUAL, Line, as_csv, compare, read_ledger, read_old, sums_of, yuan
from consortium.ledger.state import Reader, State

SHOWN_MAX = 20


def shadow(
    run: Annotated[Path, typer.Argument(help="The folder of a run, or of a consortium that stands.")],
    old: Annotated[Path | None, typer.Argument(metavar="FILE", help="The old system's file, CSV in yuan.")] = None,
    institution: Annotated[str, typer.Option(help="Only bills of this institution.")] = "",
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what the ledger computed, in the form of that file.")
    ] = None,
) -> None:
    if (old is None) == (write is None):
        raise UserError("name the old system's FILE, or --write FILE to see its form")
    fullest = load_told(run).fullest
    if fullest is None:
        raise UserError(f"{run}: no ledger lies there, and so there is nothing to compare")
    state = Reader(State(fullest.rows))
    ledger = read_ledger(state)
    if write is not None:
        kept = [paid for paid in ledger if institution in ("", paid.fixmedins_code)]
        try:
            write.write_text(as_csv(kept), encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {write}: {error.strerror}; name another file") from None
        return
    assert old is not None
    lines = compare(ledger, read_old(_read(old), str(old)), institution)
    raise typer.Exit(_tell(lines, state, make_console()))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8: save it as CSV UTF-8") from None


def _tell(lines: list[Line], state: StateReader, console: Console) -> int:
    """Differences first, then sums by institution; the exit status: 0 all are equal, 1 not."""
    words = spoken()
    wrong = [line for line in lines if line.verdict != EQUAL]
    columns = (Column(words("bill")), *(Column(each) for each in AMOUNTS), Column(words("verdict")))
    rows = [(line.bill_no, *_beside(line.ledger_fen, line.old_fen), words(line.verdict)) for line in wrong[:SHOWN_MAX]]
    if rows:
        show_table(console, columns, rows)
    if len(wrong) > SHOWN_MAX:
        console.print(words("and {count} more", count=f"{len(wrong) - SHOWN_MAX:,}"), markup=False)
    columns = (Column(words("institution")), Column(words("stage")), *(Column(each) for each in AMOUNTS))
    sums = [(code, _stage(state, code), *_beside(*both)) for code, both in sums_of(lines).items()]
    show_table(console, columns, sums)
    counts = Counter(line.verdict for line in lines)
    told = ", ".join(f"{words(verdict)} {count:,}" for verdict, count in sorted(counts.items()))
    console.print(words("bills: {told}", told=told), style="bold red" if wrong else "bold green", markup=False)
    return 1 if wrong else 0


def _stage(state: StateReader, code: str) -> str:
    known = state.get(ROLLOUTS, code)
    return "live" if known is None else known.stage


def _beside(here: tuple[int, ...] | None, there: tuple[int, ...] | None) -> list[str]:
    """The ledger's amount, and the old system's where it is another."""
    found = []
    for place in range(len(AMOUNTS)):
        own, other = (None if side is None else yuan(side[place]) for side in (here, there))
        found.append((own or "–") if own == other else f"{own or '–'} / {other or '–'}")
    return found


COMMAND = Command(
    "shadow",
    "Compare what a ledger computed with what the old system did, bill by bill: for institutions in shadow, which this "
    "ledger does not pay.\n\n\b\nExamples:\n"
    "  consortium shadow runs/shadow old.csv\n  consortium shadow runs/shadow old.csv --institution H650200\n"
    "  consortium shadow runs/shadow --write ours.csv\n\n"
    "Exit status: 0 all are equal, 1 some differ, 2 wrong usage or input.",
    shadow,
    LOOK,
)
