"""`consortium import`: a folder of FHIR records becomes records of ours."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from consortium.commands.command import STUDY, Command, make_console
from consortium.core.errors import UserError
from consortium.scenario.fhir.importer import import_fhir
from consortium.scenario.fhir.records import Imported
from nodes.process.keys import read_private

KINDS = ("persons", "coverages", "providers", "items", "claims", "prescriptions")


def import_folder(
    folder: Annotated[
        Path, typer.Argument(help="Holds Patient, Organization, Coverage, Claim (.ndjson or .ndjson.gz).")
    ],
    out: Annotated[Path | None, typer.Option(help="Write the mapped records to this file (JSON).")] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="32 secret bytes that make the pseudonyms repeatable; default: fresh ones.")
    ] = None,
) -> None:
    if out is not None and out.exists():
        raise UserError(f"{out} exists already; name another file with --out, or remove it first")
    if out is not None and not out.parent.is_dir():
        raise UserError(f"{out}: there is no folder {out.parent}; make it first, or name another file with --out")
    key = secrets.token_bytes(32) if key_file is None else read_private(key_file)
    imported = import_fhir(folder, key, strict=True)
    _tell(imported)
    if out is not None:
        half = out.with_name(out.name + ".part")
        half.write_bytes(msgspec.json.format(msgspec.json.encode(imported), indent=1) + b"\n")
        half.replace(out)
        typer.echo(f"written: {out}")


def _tell(imported: Imported) -> None:
    console = make_console()
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("records")
    table.add_column("count", justify="right")
    for name in KINDS:
        table.add_row(name, f"{len(getattr(imported, name)):,}")
    console.print(table)
    for refusal in imported.refused:
        console.print(f"refused: {refusal.count:,} × {refusal.reason}, first at {refusal.first}", markup=False)
    if not imported.refused:
        console.print("refused: 0 records")


COMMAND = Command(
    "import",
    "Read a folder of FHIR R4 NDJSON, map it to our records (docs/mapping.md), and tell what was refused and why."
    "\n\n\b\nExamples:\n  consortium import scenarios/data/synthea_40\n"
    "  consortium import scenarios/data/synthea_40 --out records.json",
    import_folder,
    STUDY,
)
