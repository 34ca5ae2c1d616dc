"""`consortium verify`: one node's whole ledger, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import EXIT_UNSAFE, LOOK, Command
from consortium.contracts import load_contracts
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis, decode_genesis
from consortium.ledger.rows import Damaged
from consortium.ledger.verify import Fault, verify_ledger
from consortium.plugins.record import check_record
from consortium.protocols import load_protocols
from consortium.runs.folder import LEDGER_FILE
from nodes.process.store import SqliteRows


def verify(
    ledger: Annotated[Path, typer.Argument(help="A ledger.sqlite, or the folder of a node.", metavar="LEDGER")],
    genesis: Annotated[Path | None, typer.Option(help="Default: the genesis.json of the run's folder.")] = None,
    at_least: Annotated[int, typer.Option(metavar="HEIGHT", help="Refuse a ledger that ends below this height.")] = 0,
) -> None:
    if at_least < 0:
        raise UserError(f"--at-least={at_least}: expected a height, 0 or more")
    path = ledger / LEDGER_FILE if ledger.is_dir() else ledger
    source = genesis or _find_genesis(path)
    value = _read_genesis(source)
    check_record(source.parent)
    protocol = load_protocols().get(value.protocol)
    if protocol is None:
        raise UserError(f"the genesis names the protocol {value.protocol!r}, which this version does not have")
    try:
        verified = verify_ledger(value, SqliteRows(path, read_only=True), load_contracts(), protocol, at_least)
    except (Fault, Damaged) as fault:
        typer.echo(f"NOT SOUND: {fault}")
        raise typer.Exit(EXIT_UNSAFE) from None
    typer.echo(f"sound: {path}")
    if verified.first_height:
        typer.echo(f"begin: height {verified.first_height}, with a snapshot under a seal")
    typer.echo(f"head:  height {verified.height}, digest {verified.header_digest.hex()}")
    typer.echo(f"seals: {verified.seals:,}, the last at height {verified.sealed_height}")


def _find_genesis(ledger: Path) -> Path:
    """The genesis.json of the nearest folder above the ledger. Raises UserError."""
    for folder in ledger.resolve().parents[:4]:
        if (folder / "genesis.json").is_file():
            return folder / "genesis.json"
    raise UserError(f"no genesis.json lies above {ledger}: name it with --genesis FILE")


def _read_genesis(path: Path) -> Genesis:
    try:
        return decode_genesis(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"there is no genesis file {path}") from None
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


COMMAND = Command(
    "verify",
    "Check one node's whole ledger offline, from the genesis file alone: certificates, seals, signatures, roots, "
    "and every block executed again.\n\n\b\nExamples:\n  consortium verify runs/RUN/nodes/bureau\n"
    "  consortium verify bureau.sqlite --genesis genesis.json --at-least 500\n\n"
    "Exit status: 0 sound, 1 a fault (its height and record are named), 2 wrong usage or input.",
    verify,
    LOOK,
)
