"""`consortium trace`: one transaction across all nodes, phase by phase; for collectors of OpenTelemetry, too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import LOOK, Command, make_console
from consortium.commands.folders import open_ledger
from consortium.commands.language import spoken
from consortium.commands.standing import HERE
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError
from consortium.lab.measures.transaction_spans import TransactionSpan, Where, find_transaction, spans_of
from consortium.runs.folder import load_run, write_whole
from consortium.runs.run import Run

BEGINS_MIN = 4  # digits of an id


def trace(
    transaction: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="Of a transaction: its first digits are enough. None: the newest one."),
    ] = None,
    run: Annotated[
        Path, typer.Option("--run", metavar="RUN", help="The folder of a run, or of one that stands.")
    ] = HERE,
    otlp: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send it there, as http://HOST:4318/v1/traces (extra `telemetry`)."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there as JSON of OTLP.")] = None,
) -> None:
    from nodes.deploy.telemetry import Told, as_json, export

    found = load_run(run, open_ledger)
    where = _find(found, transaction)
    spans = spans_of(found, where)
    if not spans:
        raise UserError(f"no trace in {run} tells of {where.id.hex()}: its parts were let go, or not copied")
    told = Told(where, spans, found.genesis.time_us)
    words = spoken()
    _show(where, spans)
    if out is not None:
        write_whole(out, as_json(told))
        typer.echo(words("written: {path}", path=out))
    if otlp is not None:
        export(told, otlp)
        typer.echo(words("sent: {count} spans, trace {trace}", count=len(spans), trace=where.id[:16].hex()))


def _find(run: Run, digits: str | None) -> Where:
    """Raises UserError where there is not exactly one."""
    if digits is None:
        newest = find_transaction(run, b"")
        if not newest:
            raise UserError("no block holds a transaction yet")
        return newest[-1]
    try:
        begins = bytes.fromhex(digits[: len(digits) // 2 * 2])
    except ValueError:
        raise UserError(f"{digits!r} is no id of a transaction: expected hexadecimal digits") from None
    if len(digits) < BEGINS_MIN:
        raise UserError(f"{digits!r}: give at least {BEGINS_MIN} digits of the id")
    found = [where for where in find_transaction(run, begins) if where.id.hex().startswith(digits.lower())]
    if not found:
        raise UserError(f"no block holds a transaction {digits}: it was not executed yet, or never submitted here")
    if len(found) > 1:
        raise UserError(f"{len(found)} transactions begin with {digits}: give more digits")
    return found[0]


def _show(where: Where, spans: list[TransactionSpan]) -> None:
    words, whole = spoken(), spans[0]
    about = " ".join(where.about.values())
    typer.echo(
        words(
            "{id}, block {height}, of {member}: {about}",
            id=where.id.hex(),
            height=where.height,
            member=where.member,
            about=about,
        )
    )
    columns = (
        Column(words("node")),
        Column(words("phase")),
        Column(words("from ms"), is_number=True),
        Column("ms", is_number=True),
    )
    rows = [
        (
            span.node,
            span.name,
            f"{(span.begin_us - whole.begin_us) / 1e3:.1f}",
            f"{(span.end_us - span.begin_us) / 1e3:.1f}",
        )
        for span in spans
    ]
    show_table(make_console(), columns, rows)


COMMAND = Command(
    "trace",
    "Follow one transaction across all nodes: when it was submitted, proposed, prepared, committed, executed and "
    "sealed, at each.\n\n"
    "`--otlp` sends it to a collector of OpenTelemetry, as one trace whose id is the beginning of the transaction's; "
    "`--out` writes the same as a file. Nothing is sent unless it is asked for.\n\n\b\n"
    "Examples:\n  consortium trace --run runs/RUN\n  consortium trace 3f9a02c4 --out spans.json\n"
    "  consortium trace 3f9a02c4 --otlp http://localhost:4318/v1/traces\n\n"
    "Exit status: 0 shown, 2 wrong usage or input, or there is no such transaction.",
    trace,
    LOOK,
)
