"""`consortium show`: the life of a record, a block or a transaction in words, or the whole ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.at_work import at_work
from consortium.commands.command import EXIT_UNSAFE, LOOK, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.play import play
from consortium.commands.standing import HERE
from consortium.commands.tables import Column, show_table
from consortium.contracts.access import SUPERVISORS
from consortium.core.contract import Refused
from consortium.core.errors import UserError
from consortium.stories.overview import tell_overview
from consortium.stories.story import Seen, Story, Teller
from consortium.stories.telling import load_tellers
from nodes.past import Past, reader_of
from nodes.process.own_records import private_of


def show(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN] [KIND ID]", help=f"The folder of a run (default: {HERE}), and what of it."),
    ] = None,
    member: Annotated[
        str, typer.Option(metavar="MEMBER", help="Who looks, into which ledger. Default: a supervisor.")
    ] = "",
    json: Json = False,
    page: Annotated[
        bool, typer.Option("--page", help="Play the run in the browser, as `consortium play RUN`.")
    ] = False,
) -> None:
    folder, teller, identity = _read(list(words or ()))
    if page:
        play(folder)
        return
    with opened(folder, member) as past, at_work(spoken()("searching the ledger")) as told:
        reader = reader_of(past.ledger, member or _first(past))
        private = private_of(folder, reader)
        seen = Seen(past.ledger, past.rows, past.contracts, reader, spoken(), told, private)
        try:
            story = tell_overview(seen) if teller is None else teller.tell(seen, identity)
        except Refused as refused:
            _tell_refused(refused, json)
            raise typer.Exit(EXIT_UNSAFE) from None
    if json:
        fields = {"format": 1, "chain": past.ledger.chain.hex(), "height": past.ledger.head_height}
        print_json({**fields, "member": reader.member, **story.content})
    else:
        _print(story)


def _read(words: list[str]) -> tuple[Path, Teller | None, str]:
    """The folder, the kind, the ID. Raises UserError."""
    tellers = load_tellers()
    if words and words[0] in tellers and len(words) <= 2:
        words = [str(HERE), *words]
    folder, kind, identity = (*words, "", "", "")[:3]
    if len(words) > 3:
        raise UserError(f"too many words: expected [RUN] KIND ID, got {' '.join(words)}")
    if kind and kind not in tellers:
        raise UserError(f"nothing is told as {kind!r}; known are {', '.join(tellers)}")
    if kind and not identity:
        raise UserError(f"which {kind}? Give {tellers[kind].what}: consortium show {folder} {kind} ID")
    return Path(folder or HERE), tellers.get(kind), identity


def _first(past: Past) -> str:
    """A supervisor, or any member where there is none."""
    members = past.ledger.epochs.at(past.ledger.head_height + 1).members
    ranked = sorted(members, key=lambda each: (each.role not in SUPERVISORS, each.name))
    return ranked[0].name


def _tell_refused(refused: Refused, json: bool) -> None:
    if json:
        print_json({"format": 1, "refused": refused.code, "sentence": refused.sentence})
    else:
        typer.echo(spoken()("refused: {code}: {why}", code=refused.code, why=refused.sentence))


def _print(story: Story) -> None:
    console = make_console()
    console.print(story.heading, style="bold", markup=False, soft_wrap=True)
    for section in story.sections:
        console.print()
        if section.title:
            console.print(section.title, style="bold", markup=False, soft_wrap=True)
        columns = [Column(each.title, each.is_number) for each in section.columns]
        show_table(console, columns, section.rows)
    for note in story.notes:
        console.print(f"\n{note}", markup=False, soft_wrap=True)


def _kinds() -> str:
    return "\n".join(f"  {name:12} {teller.what}" for name, teller in load_tellers().items())


COMMAND = Command(
    "show",
    "Show the life of a record of a run's ledger in words, a block, or a transaction; without any, the whole.\n\n"
    "It works over a run that is finished, and over one that runs. Times are those of the chain's calendar, amounts "
    "are in yuan to the fen; --json gives fen and microseconds. "
    "What a member may not ask for is refused as by `ask`.\n\n\b\n"
    f"KIND, and what its ID is:\n{_kinds()}\n\n\b\n"
    "Examples, of a run of claim_day:\n  consortium show runs/RUN\n"
    "  consortium show runs/RUN bill i-pharmacy-1-reuse-000\n  consortium show runs/RUN account fund/employee-pool\n"
    "  consortium show runs/RUN block head --json\n  consortium show runs/RUN day bureau\n"
    "  consortium show member bureau\n"
    "  consortium show runs/RUN --page\n\n"
    "Exit status: 0 shown, 1 refused, 2 wrong usage or input, or there is no such record.",
    show,
    LOOK,
)
