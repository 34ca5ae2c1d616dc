"""`consortium import`: a folder of records of others becomes records of ours, with a report of what came of each."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from consortium.commands.command import STUDY, Command, make_console
from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError
from consortium.scenario.fhir.records import Imported
from consortium.scenario.importing.book import MENDS
from consortium.scenario.importing.formats import FORMATS, find_format, import_data
from nodes.process.keys import read_private

KINDS = ("persons", "coverages", "providers", "items", "claims", "prescriptions")


def import_folder(
    folder: Annotated[Path, typer.Argument(help="Holds FHIR R4 (NDJSON), NHSA-named or Synthea tables (CSV).")],
    out: Annotated[Path | None, typer.Option(help="Write the mapped records to this file (JSON).")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write what was taken, converted, refused and recognised to this file (JSON).")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="fhir, nhsa or synthea; default: by the files there.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="End at the first record that is refused.")] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="32 secret bytes that make the pseudonyms repeatable; default: fresh ones.")
    ] = None,
) -> None:
    for path, option in ((out, "--out"), (report, "--report")):
        _check_free(path, option)
    if form and form not in FORMATS:
        raise UserError(f"--format {form}: expected {', '.join(FORMATS)}")
    key = secrets.token_bytes(32) if key_file is None else read_private(key_file)
    form = form or find_format(folder)
    imported = import_data(folder, key, form=form, ends="refused" if strict else "never")
    if report is not None:
        _write(report, report_of(folder, form, imported))
    _tell(make_console(), form, imported)
    if not any(getattr(imported, name) for name in KINDS):
        raise UserError(f"{folder}: nothing in it can be used: {_why(imported)}")
    if out is not None:
        _write(out, imported)


def _check_free(path: Path | None, option: str) -> None:
    if path is not None and path.exists():
        raise UserError(f"{path} exists already; name another file with {option}, or remove it first")
    if path is not None and not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first, or name another file with {option}")


def _write(path: Path, content: Any) -> None:
    half = path.with_name(path.name + ".part")
    half.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    half.replace(path)
    typer.echo(spoken()("written: {path}", path=path))


def _why(imported: Imported) -> str:
    if not any(imported.read.values()):
        return "its files hold no record"
    return "; ".join(f"{each.count} × {each.reason} (first at {each.first})" for each in imported.refused)


def report_of(folder: Path, form: str, imported: Imported) -> dict[str, Any]:
    """What came of everything that was read, without anything of what it said: places, reasons and counts."""
    return {
        "format": 1,
        "folder": str(folder),
        "source": form,
        "read": imported.read,
        "taken": {name: len(getattr(imported, name)) for name in KINDS},
        "converted": imported.converted,
        "refused": [{**msgspec.structs.asdict(each), "mend": MENDS[each.reason]} for each in imported.refused],
        "same": imported.same,
        "skipped": imported.skipped,
        "left_out": imported.left_out,
    }


# --- for a person ---------------------------------------------------------------------------------------------------


def _tell(console: Console, form: str, imported: Imported) -> None:
    words = spoken()
    read = sum(imported.read.values())
    console.print(words("{count} records of {form} read", count=f"{read:,}", form=form), style="bold", markup=False)
    taken = [(name, f"{len(getattr(imported, name)):,}") for name in KINDS]
    show_table(console, (Column(words("records")), Column(words("count"), is_number=True)), taken)
    for each in imported.converted:
        _say(
            console,
            words("converted: {count} × {rule}, {fen} fen", **_counted(each.count, rule=each.rule, fen=each.fen)),
        )
    for kind in dict.fromkeys(each.kind for each in imported.same):
        found = [each for each in imported.same if each.kind == kind]
        text = words(
            "told again: {count} × {kind} ({why}), first at {place}",
            **_counted(len(found), kind=kind, why=found[0].why, place=found[0].again),
        )
        _say(console, text)
    for name, count in sorted(imported.skipped.items()):
        _say(console, words("skipped: {count} × {why}", **_counted(count, why=name)))
    for refusal in imported.refused:
        where = f"{refusal.first}, {refusal.element}" if refusal.element else refusal.first
        text = words(
            "refused: {count} × {reason}, first at {place}: {mend}",
            **_counted(refusal.count, reason=refusal.reason, place=where, mend=MENDS[refusal.reason]),
        )
        _say(console, text)
    if not imported.refused:
        _say(console, words("refused: 0 records"))
    if imported.left_out:
        _say(console, words("not read: {files}", files=", ".join(imported.left_out)))


def _counted(count: int, **more: Any) -> dict[str, Any]:
    return {
        "count": f"{count:,}",
        **{name: f"{each:,}" if isinstance(each, int) else each for name, each in more.items()},
    }


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


COMMAND = Command(
    "import",
    "Read a folder of FHIR R4 NDJSON, of NHSA-named tables or of Synthea's (CSV), map it to our records "
    "(docs/mapping.md), and tell what was taken, converted, told twice and refused, where and why."
    "\n\n\b\nExamples:\n  consortium import scenarios/data/synthea_40\n"
    "  consortium import scenarios/data/synthea_40 --out records.json --report report.json\n"
    "  consortium import scenarios/data/worked_cases --strict\n\n"
    "A record that cannot be used is left out and counted; --strict ends at the first, with file, line, element and "
    "what to do. The report says places and reasons, and nothing of what the records say.\n\n"
    "Exit status: 0 something could be used, 2 nothing, or wrong usage or input.",
    import_folder,
    STUDY,
)
