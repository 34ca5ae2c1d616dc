"""`consortium export`: what of a ledger is for others, as resources of FHIR R4 or tables of the NHSA standard."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import typer

from consortium.commands.at_work import Told, at_work
from consortium.commands.command import LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.standing import HERE
from consortium.commands.tables import Column, show_table
from consortium.contracts.access import SUPERVISORS
from consortium.core.errors import UserError
from consortium.exports.fhir.resource import load_kinds
from consortium.exports.nhsa.table import encode_rows, load_tables
from consortium.exports.source import Source, find_origins
from consortium.runs.folder import claim_folder
from nodes.past import Past, reader_of

FORMATS = ("fhir", "nhsa")
MANIFEST = "export.json"


class _File(NamedTuple):
    """A file to be: `lines` as bytes, `header` of them no records."""

    name: str
    lines: Iterator[bytes]
    header: int


def export(
    folder: Annotated[Path, typer.Argument(metavar="[RUN|DIR]", help="The folder of a run.")] = HERE,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="fhir (NDJSON) or nhsa (CSV).")] = "fhir",
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="A folder that is not there, or empty.")] = Path(
        "export"
    ),
    member: Annotated[
        str, typer.Option(metavar="MEMBER", help="Who exports, out of which ledger. Default: a supervisor.")
    ] = "",
    json: Json = False,
) -> None:
    if form not in FORMATS:
        raise UserError(f"--format {form}: expected {' or '.join(FORMATS)}")
    claim_folder(out)
    with opened(folder, member) as past, at_work(spoken()("searching the ledger")) as told:
        source = _source(past, member or _first(past), told)
        written = _write(out, _files(source, form))
        fields = {
            "format": 1,
            "what": form,
            "chain": past.ledger.chain.hex(),
            "height": past.ledger.head_height,
            "member": source.reader.member,
            "files": written,
        }
        (out / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(fields), indent=1) + b"\n")
        words, first = spoken(), past.ledger.bodies_above
    if json:
        print_json({**fields, "out": str(out)})
        return
    columns = (Column(words("file")), Column(words("records"), is_number=True))
    show_table(make_console(), columns, [(str(out / name), f"{each['records']:,}") for name, each in written.items()])
    if first:
        typer.echo(
            words("the ledger begins at height {first}: what came before is not in it", first=first + 1), err=True
        )


def _first(past: Past) -> str:
    """A supervisor, or any member where there is none."""
    members = past.ledger.epochs.at(past.ledger.head_height + 1).members
    return min(members, key=lambda each: (each.role not in SUPERVISORS, each.name)).name


def _source(past: Past, member: str, told: Told) -> Source:
    ledger = past.ledger
    reader = reader_of(ledger, member)
    origins = find_origins(ledger, past.rows, told)
    return Source(ledger.genesis.name, ledger.reader, past.contracts, reader, origins.get)


def _files(source: Source, form: str) -> Iterator[_File]:
    if form == "fhir":
        for kind in load_kinds().values():
            lines = (msgspec.json.encode(each) + b"\n" for each in kind.collect(source))
            yield _File(f"{kind.name}.ndjson", lines, 0)
    else:
        for table in load_tables().values():
            yield _File(f"{table.name}.csv", encode_rows(table.columns, table.rows(source)), 1)


def _write(out: Path, files: Iterator[_File]) -> dict[str, dict[str, Any]]:
    """Each file with how many records it holds, and its SHA-256. Raises UserError."""
    written: dict[str, dict[str, Any]] = {}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for each in files:
            digest, count = sha256(), -each.header
            with (out / each.name).open("xb") as file:
                for line in each.lines:
                    file.write(line)
                    digest.update(line)
                    count += 1
            written[each.name] = {"records": count, "sha256": digest.hexdigest()}
    except OSError as error:
        raise UserError(f"cannot write {error.filename}: {error.strerror}; make room, or name another --out") from None
    return written


COMMAND = Command(
    "export",
    "Write what of a ledger a member may read for other systems: FHIR R4 resources, or tables by the names of the "
    "NHSA standard.\n\n"
    "A file a kind, and export.json with the height and the SHA-256 of each; the same ledger gives the same bytes. "
    "Persons are pseudonyms, and private lines stay where they are. docs/mapping.md tells every element.\n\n"
    "\b\nExamples:\n  consortium export runs/RUN --out fhir-out\n"
    "  consortium export runs/RUN --format nhsa --out nhsa-out\n"
    "  consortium export consortium-data --member hospital-1 --out ours\n\n"
    "Exit status: 0 written, 2 wrong usage or input.",
    export,
    LOOK,
)
