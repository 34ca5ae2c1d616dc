"""`consortium hidden-sum`: sums over hospitals of what none of them shows. Experimental."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

from consortium.commands.command import STUDY, Command
from consortium.commands.language import spoken
from consortium.commands.unsealing import write_new
from consortium.core.errors import UserError
from nodes.privacy.hidden_sums import Hidden, Moments, PrivateKey, PublicKey, add, hide, make_keys, open_total

T = TypeVar("T", bound=msgspec.Struct)
STEPS = ("keys", "hide", "add", "open")
FILE_BYTES_MAX = 64_000_000


def hidden_sum(
    step: Annotated[str, typer.Argument(help="keys, hide, add, open.", metavar="STEP")],
    files: Annotated[list[Path], typer.Argument(help="What the step takes; see below.", metavar="FILE...")],
    of: Annotated[
        list[str] | None, typer.Option("--of", metavar="COLUMN", help="One or two columns of the rows.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where `hide` and `add` write.")] = Path("hidden.json"),
) -> None:
    if step not in STEPS:
        raise UserError(f"there is no step {step!r}; there are {', '.join(STEPS)}")
    if step == "keys":
        _make_keys(files)
    elif step == "hide":
        _hide(files, tuple(of or ()), out)
    elif step == "add":
        total = add([_read(path, Hidden) for path in files])
        write_new(out, msgspec.json.encode(total))
        typer.echo(
            spoken()("{parts} parts are added in {file}, which shows none of them", parts=len(total.parts), file=out)
        )
    else:
        private, total_file = _two(files, "the private key and the total")
        _tell(open_total(_read(private, PrivateKey), _read(total_file, Hidden)))


def _make_keys(files: list[Path]) -> None:
    public_file, private_file = _two(files, "where the public and the private key go")
    public, private = make_keys()
    write_new(private_file, msgspec.json.encode(private))
    write_new(public_file, msgspec.json.encode(public))
    typer.echo(
        spoken()("{public} is for everybody, {private} for nobody else", public=public_file, private=private_file)
    )


def _hide(files: list[Path], columns: tuple[str, ...], out: Path) -> None:
    public_file, rows_file = _two(files, "the public key and a CSV of rows")
    if not 1 <= len(columns) <= 2 or "1" in columns or len(set(columns)) != len(columns):
        raise UserError("name one or two columns with --of, such as --of days --of cost_fen")
    rows = _read_rows(rows_file, columns)
    write_new(out, msgspec.json.encode(hide(_read(public_file, PublicKey), columns, rows)))
    typer.echo(spoken()("sums over {rows} rows are hidden in {file}; no row is in it", rows=len(rows), file=out))


def _tell(moments: Moments) -> None:
    words = spoken()
    typer.echo(words("rows of all parts: {rows}", rows=moments.rows))
    for column in moments.columns:
        values = {"column": column, "sum": moments.sum_of(column), "mean": moments.mean(column)}
        line = words(
            "{column}: sum {sum:,}, mean {mean:,.2f}, deviation {deviation:,.2f}",
            deviation=moments.deviation(column),
            **values,
        )
        typer.echo(line)
    line_of = moments.line() if len(moments.columns) == 2 else None
    if line_of is not None:
        x, y = moments.columns
        typer.echo(words("{y} = {height:,.4f} + {slope:,.4f} · {x}", x=x, y=y, slope=line_of[0], height=line_of[1]))


def _two(files: list[Path], what: str) -> tuple[Path, Path]:
    if len(files) != 2:
        raise UserError(f"this step takes two files: {what}")
    return files[0], files[1]


def _read(path: Path, kind: type[T]) -> T:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UserError(f"{path} is too large")
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except msgspec.MsgspecError:
        raise UserError(f"{path} is not what this step takes; `consortium hidden-sum` makes its files itself") from None


def _read_rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, ...]]:
    """Raises UserError, which repeats no value."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise UserError(f"{path} has no column {', '.join(missing)}")
            return [tuple(_integer(row[name], path, reader.line_num) for name in columns) for row in reader]
    except (OSError, UnicodeError) as error:
        raise UserError(f"cannot read {path}: {type(error).__name__}") from None


def _integer(text: str | None, path: Path, line: int) -> int:
    try:
        return int(text or "")
    except ValueError:
        raise UserError(f"{path}, line {line}: expected integers, such as fen or days") from None


COMMAND = Command(
    "hidden-sum",
    "EXPERIMENTAL: sums over several hospitals of what none of them shows, and from them mean, deviation and a "
    "line through two columns as of all rows together. No row leaves its hospital.\n\n"
    "keys PUBLIC PRIVATE: by whoever may learn the total. hide PUBLIC ROWS.csv: by each hospital. add PART PART …: "
    "by somebody else, who sees nothing. open PRIVATE TOTAL. Whoever has the private key and single parts learns the "
    "parts: docs/privacy.md tells what else it does not give. Needs consortium[privacy].\n\n"
    "\b\nExamples:\n  consortium hidden-sum keys public.json private.json\n"
    "  consortium hidden-sum hide public.json stays.csv --of days --of cost_fen --out one.json\n"
    "  consortium hidden-sum add one.json two.json --out total.json\n"
    "  consortium hidden-sum open private.json total.json\n\n"
    "Exit status: 0 done, 2 wrong usage or input.",
    hidden_sum,
    STUDY,
)
