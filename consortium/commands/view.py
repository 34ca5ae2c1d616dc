"""`consortium view`: a read model over the ledger of a run, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.commands.at_work import Told, at_work
from consortium.commands.command import EXIT_UNSAFE, LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.tables import Column, show_table
from consortium.core.contract import Reader
from consortium.core.errors import UserError
from consortium.core.header import header_bytes_digest
from consortium.core.machine import Receipted
from consortium.ledger.rows import Damaged, height_key
from consortium.views import load_views
from consortium.views.view import FEN, NUMBER, Columns, View, digest_of, is_row_shown
from nodes.past import Past, reader_of
from nodes.process.view_file import VIEWS_FILE, ViewFile


def view(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    name: Annotated[str | None, typer.Argument(help="The view; without it, all names.", metavar="NAME")] = None,
    member: Annotated[
        str, typer.Option(metavar="MEMBER", help="Whose ledger, and who looks. Default: the first that may.")
    ] = "",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="COLUMN=VALUE", help="Only rows with this value; amounts in fen."),
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Throw the view away and make it again.")] = False,
    json: Json = False,
) -> None:
    views = load_views()
    if name is None:
        rows = [(one.name, ", ".join(sorted(one.roles)), one.sentence) for one in views.values()]
        words = spoken()
        columns = (Column(words("view")), Column(words("who may look")), Column(words("what it shows")))
        show_table(make_console(), columns, rows)
        return
    if name not in views:
        raise UserError(f"there is no view {name!r}; there are {', '.join(views)}")
    wanted = [_split(each) for each in where or ()]
    with opened(run, member) as past:
        reader = reader_of(past.ledger, member or _first_that_may(past, views[name]))
        if not views[name].is_shown_to(reader.role):
            why = f"a {reader.role} may not look at {name}"
            typer.echo(spoken()("refused: {code}: {why}", code="not-permitted", why=why))
            raise typer.Exit(EXIT_UNSAFE)
        file = ViewFile(past.path.with_name(VIEWS_FILE), views[name], past.ledger.chain)
        try:
            with at_work(spoken()("feeding the view")) as told:
                first = bring_up(file, past, told, rebuild=rebuild)
            _show(file, past, reader, first, wanted, json)
        finally:
            file.close()


def bring_up(file: ViewFile, past: Past, told: Told = lambda height, head: None, *, rebuild: bool = False) -> int:
    """Feed a view what it lacks of the ledger; all of it where what it was fed is not of this ledger. Returns the
    height of the first block that it can have. `told` hears how far it is. Raises Damaged."""
    blocks = _Blocks(past)
    for at in range(file.begin(blocks, rebuild=rebuild), blocks.head + 1):
        if file.feed(blocks, at, is_last=at == blocks.head):
            told(at, blocks.head)
    return blocks.first


class _Blocks:
    """Implements `Blocks` of a booted ledger."""

    def __init__(self, past: Past) -> None:
        self._past = past
        above = past.ledger.bodies_above
        self.first, self.head = above + (1 if above else 0), past.ledger.head_height

    def digest(self, height: int) -> bytes:
        return header_bytes_digest(self._past.rows.get("block", height_key(height)) or b"")

    def receipted(self, height: int) -> Receipted:
        block = self._past.ledger.receipted(height)
        if block is None:
            raise Damaged(f"block {height} is missing")
        return block


def _split(text: str) -> tuple[str, str]:
    column, is_given, value = text.partition("=")
    if not is_given:
        raise UserError(f"--where {text}: expected COLUMN=VALUE")
    return column, value


def _first_that_may(past: Past, view: View) -> str:
    """The first member, by name, whose role may look. Raises UserError."""
    for each in past.ledger.epochs.at(past.ledger.head_height + 1).members:
        if view.is_shown_to(each.role):
            return each.name
    raise UserError(f"nobody here may look at {view.name}: it is for {', '.join(sorted(view.roles))}")


def _show(
    file: ViewFile, past: Past, reader: Reader, first: int, wanted: Sequence[tuple[str, str]], json: bool
) -> None:
    shown = file.view.shown.values()
    known = {name for table in shown for name in table.kinds}
    for column, _ in wanted:
        if column not in known:
            raise UserError(f"--where {column}=…: {file.view.name} has the columns {', '.join(sorted(known))}")
    state = past.ledger.reader
    found = {
        table.name: [
            row
            for row in file.rows(table)
            if _is_wanted(table, row, wanted) and is_row_shown(table, row, reader, state)
        ]
        for table in shown
    }
    if json:
        tables = {
            name: [dict(zip(file.book.tables[name].kinds, row, strict=True)) for row in rows]
            for name, rows in found.items()
        }
        digest = digest_of(file.all_rows())
        fields = {"format": 1, "view": file.view.name, "height": file.head[0], "first_height": first, "digest": digest}
        print_json({**fields, "tables": tables})
        return
    console, words = make_console(), spoken()
    for table in shown:
        in_yuan = words(", amounts in yuan") if FEN in table.kinds.values() else ""
        console.print(f"{table.name} ({len(found[table.name])}){in_yuan}", style="bold")
        columns = [Column(name.removesuffix("_fen"), kind in (NUMBER, FEN)) for name, kind in table.kinds.items()]
        show_table(console, columns, [_told(table, row) for row in found[table.name]])
    if first:
        typer.echo(words("the ledger begins at height {first}: what came before is not in it", first=first), err=True)


def _is_wanted(table: Columns, row: Sequence[Any], wanted: Sequence[tuple[str, str]]) -> bool:
    values = dict(zip(table.kinds, row, strict=True))
    return all(str(values.get(column, value)) == value for column, value in wanted)


def _told(table: Columns, row: Sequence[Any]) -> list[str]:
    """Amounts in yuan, to the fen."""
    return [_yuan(value) if kind == FEN else str(value) for kind, value in zip(table.kinds.values(), row, strict=True)]


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


COMMAND = Command(
    "view",
    "Show a read model over the ledger of a run, also while its nodes run.\n\n"
    "It is kept beside the ledger in views.sqlite, is fed what came since, and can be removed at any time. "
    "What the rules of another program fed is made anew.\n\n"
    "\b\nExamples, of a run of claim_day:\n  consortium view runs/RUN\n  consortium view runs/RUN payables\n"
    "  consortium view runs/RUN stock --member pharmacy-1 --where holder=institution/i-pharmacy-1 --json\n\n"
    "A table tells amounts in yuan to the fen; --json and --where count fen.\n\n"
    "Exit status: 0 shown, 1 refused, 2 wrong usage or input.",
    view,
    LOOK,
)
