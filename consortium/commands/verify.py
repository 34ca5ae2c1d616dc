"""`consortium verify`: one node's whole ledger, offline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.commands.at_work import at_work
from consortium.commands.command import EXIT_UNSAFE, LOOK, Command, Json, print_json
from consortium.commands.folders import find_genesis, missing_log, read_genesis
from consortium.commands.language import spoken
from consortium.contracts import load_contracts
from consortium.core.errors import UserError
from consortium.ledger.rows import Damaged
from consortium.ledger.verify import Fault, Verified, verify_ledger
from consortium.plugins.record import check_record
from consortium.protocols import load_protocols
from consortium.runs.folder import LEDGER_FILE
from nodes.process.store import SqliteRows


def verify(
    ledger: Annotated[Path, typer.Argument(help="A ledger.sqlite, or the folder of a node.", metavar="LEDGER")],
    genesis: Annotated[Path | None, typer.Option(help="Default: the genesis.json of the run's folder.")] = None,
    at_least: Annotated[int, typer.Option(metavar="HEIGHT", help="Refuse a ledger that ends below this height.")] = 0,
    json: Json = False,
) -> None:
    if at_least < 0:
        raise UserError(f"--at-least={at_least}: expected a height, 0 or more")
    if not ledger.exists():
        raise UserError(f"there is no {ledger}: name a {LEDGER_FILE}, or the folder of a node, RUN/nodes/NAME")
    path = ledger / LEDGER_FILE if ledger.is_dir() else ledger
    if ledger.is_dir() and not path.is_file():
        raise UserError(f"{ledger} holds no {LEDGER_FILE}: name the folder of a node, RUN/nodes/NAME")
    source = genesis or find_genesis(path)
    value = read_genesis(source)
    check_record(source.parent)
    protocol = load_protocols().get(value.protocol)
    if protocol is None:
        raise UserError(f"the genesis names the protocol {value.protocol!r}, which this version does not have")
    try:
        with at_work(spoken()("reading the ledger")) as progress:
            verified = _verify(
                path, lambda rows: verify_ledger(value, rows, load_contracts(), protocol, at_least, progress)
            )
    except (Fault, Damaged) as fault:
        if json:
            print_json({"format": 1, "ledger": str(path), "is_sound": False, "fault": str(fault)})
        else:
            typer.echo(spoken()("NOT SOUND: {fault}", fault=fault))
        raise typer.Exit(EXIT_UNSAFE) from None
    notes = missing_log(path, verified.height)
    if json:
        print_json(_fields(path, verified, notes))
    else:
        _tell(path, verified, notes)


def _verify(path: Path, verify_rows: Callable[[SqliteRows], Verified]) -> Verified:
    """All rows as they are at one moment, also of a node that runs; and what is around them. Raises Fault, Damaged."""
    rows = SqliteRows(path, read_only=True)
    try:
        if rows.foreign:
            raise Damaged(f"{path}: {'; '.join(rows.foreign)}")
        return verify_rows(rows)
    finally:
        rows.close()


def _fields(path: Path, verified: Verified, notes: list[str]) -> dict[str, Any]:
    return {
        "format": 1,
        "ledger": str(path),
        "is_sound": True,
        "first_height": verified.first_height,
        "pruned_height": verified.pruned_height,
        "height": verified.height,
        "digest": verified.header_digest.hex(),
        "seals": verified.seals,
        "sealed_height": verified.sealed_height,
        "transactions": verified.transactions,
        "notes": notes,
    }


def _tell(path: Path, verified: Verified, notes: list[str]) -> None:
    words = spoken()
    typer.echo(words("sound: {path}", path=path))
    if verified.pruned_height:
        above = verified.pruned_height
        typer.echo(words("kept:  blocks above height {height}; of older ones headers and seals alone", height=above))
    else:
        typer.echo(words("kept:  every block from height {height} on, each executed", height=verified.first_height))
    if verified.first_height:
        typer.echo(words("begin: height {height}, with a snapshot under a seal", height=verified.first_height))
    digest = verified.header_digest.hex()
    typer.echo(words("head:  height {height}, digest {digest}", height=verified.height, digest=digest))
    seals = f"{verified.seals:,}"
    typer.echo(words("seals: {seals}, the last at height {height}", seals=seals, height=verified.sealed_height))
    for note in notes:
        typer.echo(f"consortium: {note}", err=True)


COMMAND = Command(
    "verify",
    "Check one node's whole ledger offline, from the genesis file alone: certificates, seals, signatures, roots, "
    "and every block executed again.\n\n\b\nExamples:\n  consortium verify runs/RUN/nodes/bureau\n"
    "  consortium verify bureau.sqlite --genesis genesis.json --at-least 120\n\n"
    "Nothing is written beside the ledger.\n\n"
    "Exit status: 0 sound, 1 a fault (its height and record are named), 2 wrong usage or input.",
    verify,
    LOOK,
)
