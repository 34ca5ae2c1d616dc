"""`consortium fault`: any act of fate that a scenario may have, done by hand to a consortium that stands."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from consortium.commands.command import STAND, Command, make_console
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError
from consortium.scenario.faults import load_acts
from consortium.scenario.faults.act import Act
from consortium.scenario.network.check import nearest

_NUMBER = re.compile(r"-?\d+")


def fault(
    act: Annotated[str | None, typer.Argument(metavar="ACT", help="None: the acts that there are.")] = None,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NODE] OPTION=VALUE…", help="Whom it hits, for an act that hits one, and its options."),
    ] = None,
    links: Annotated[
        list[str] | None, typer.Option("--link", metavar="A>B", help="Of an act on links: this one; `*` is everybody.")
    ] = None,
    dir_: Dir = HERE,
) -> None:
    if act is None:
        _show_acts()
        return
    known = by_hand()
    if act not in known:
        raise UserError(f"there is no act {act!r} by hand{nearest(act, list(known))}; `consortium fault` shows all")
    from nodes.deploy.by_hand import strike
    from nodes.deploy.standing import open_standing

    target, options = _read(act, words or [])
    hit = strike(open_standing(dir_), act, target, links=links or (), options=options)
    told = " ".join((act, *filter(None, [hit]), *(f"{name}={value}" for name, value in options.items())))
    ends = [name for name in known[act].mended_by if name not in (act, "restart")]
    if ends:
        typer.echo(
            spoken()("done: {what}; `consortium fault {end}` ends it", what=told, end=f"{ends[0]} {hit}".strip())
        )
    else:
        typer.echo(spoken()("done: {what}", what=told))


def by_hand() -> dict[str, Act]:
    """The acts that are one act: those that are told as several are carried out by a run."""
    return {name: act for name, act in sorted(load_acts().items()) if act.steps is None}


def _read(act: str, words: list[str]) -> tuple[str, dict[str, Any]]:
    """Whom it hits, and its options. Raises UserError."""
    targets = [word for word in words if "=" not in word]
    if len(targets) > 1:
        raise UserError(f"{act} hits one node at a time, and there are {', '.join(targets)}: call it for each")
    options: dict[str, Any] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if sign:
            options[name] = int(value) if _NUMBER.fullmatch(value) else value
    return "".join(targets), options


def _show_acts() -> None:
    """With what each does, and its options."""
    words = spoken()
    columns = (Column(words("act")), Column(words("hits")), Column(words("what happens")), Column(words("options")))
    rows = [
        (
            name,
            words("a node") if act.has_target else act.touches,
            act.sentence,
            ", ".join(act.options.__struct_fields__),
        )
        for name, act in by_hand().items()
    ]
    show_table(make_console(), columns, rows)


COMMAND = Command(
    "fault",
    "Do to a standing consortium whatever a scenario's fate may do: messages lost, doubled, late; clocks that jump or "
    "drift; full and damaged disks; brokers that die.\n\n"
    "Without an act it shows all acts and their options (docs/faults.md tells what the options mean). `kill`, `pause`, "
    "`partition` and those that mend them have commands of their own.\n\n\b\nExamples:\n"
    "  consortium fault loss ppm=200000\n  consortium fault delay mean_us=80000 --link 'bureau>*'\n"
    "  consortium fault calm\n  consortium fault clock_jump hospital-1 wall_us=5000000\n"
    "  consortium fault disk_full leader\n  consortium fault disk_free hospital-1\n"
    "  consortium fault broker_kill number=1\n\n"
    "It stands in the report as a fault by hand. Exit status: 0 done, 2 wrong usage or input.",
    fault,
    STAND,
)
