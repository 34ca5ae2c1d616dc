"""`consortium application`: applications of members, at the gateways of a standing consortium and on its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import STAND, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError

ACTS = ("add", "list", "remove")
FORMAT = 1


def application(
    act: Annotated[str, typer.Argument(help="add, list or remove.", metavar="ACT")],
    name: Annotated[str, typer.Argument(help="The application.", metavar="NAME")] = "",
    member: Annotated[str, typer.Option(metavar="MEMBER", help="For whom it acts.")] = "",
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="NODE", help="At whose gateway; again for more. Default: the member's own."),
    ] = None,
    may: Annotated[
        list[str] | None,
        typer.Option("--may", metavar="SCOPE", help="CONTRACT.NAME, CONTRACT.*, views.NAME, … Default: everything."),
    ] = None,
    dir_: Dir = HERE,
    json: Json = False,
) -> None:
    from nodes.gateway.registering import nodes_in

    if act not in ACTS:
        raise UserError(f"there is no `consortium application {act}`; there are {', '.join(ACTS)}")
    if act == "list":
        _list(dir_, at or nodes_in(dir_), json)
        return
    if not name or not member:
        raise UserError(
            f"name the application, and its member: consortium application {act} billing --member hospital-1"
        )
    if act == "add":
        _add(dir_, name, member, at or [member], may or ["*"], json)
    else:
        _remove(dir_, name, member, at or nodes_in(dir_), json)


def _add(folder: Path, name: str, member: str, at: list[str], may: list[str], json: bool) -> None:
    from nodes.gateway.registering import add

    added = add(folder, name, member, at, may)
    if json:
        fields = {"application": name, "member": member, "at": at, "token": added.token, "key": added.key.hex()}
        print_json({"format": FORMAT, **fields, "may": added.may})
        return
    words = spoken()
    typer.echo(words("{name} acts for {member}, at {places}", name=name, member=member, places=", ".join(at)))
    typer.echo(words("its token, which is shown this once: {token}", token=added.token))


def _remove(folder: Path, name: str, member: str, at: list[str], json: bool) -> None:
    from nodes.gateway.registering import remove

    had = remove(folder, name, member, at)
    if json:
        print_json({"format": FORMAT, "application": name, "member": member, "removed_at": had})
        return
    typer.echo(spoken()("{name} acts for {member} no more", name=name, member=member))


def _list(folder: Path, at: list[str], json: bool) -> None:
    from nodes.gateway.registering import listed

    found = listed(folder, at)
    if json:
        rows = [
            {"gateway": place, "application": each.name, "member": each.member, "scopes": each.scopes}
            for place, each in found
        ]
        print_json({"format": FORMAT, "applications": rows})
        return
    words = spoken()
    columns = (Column(words("gateway")), Column(words("application")), Column(words("member")), Column(words("may")))
    show_table(
        make_console(), columns, [(place, each.name, each.member, " ".join(each.scopes)) for place, each in found]
    )


COMMAND = Command(
    "application",
    "Add, list and remove the applications of a standing consortium.\n\n"
    "An application has a token, which a gateway asks for, and a key of its own, which its member registers on the "
    "ledger for the operations named. The token is shown once.\n\n"
    "\b\nExamples:\n  consortium application add billing --member hospital-1\n"
    "  consortium application add scanner --member pharmacy-1 --may trace_code.sell --may trace_code.pack\n"
    "  consortium application list --json\n  consortium application remove scanner --member pharmacy-1\n\n"
    "Exit status: 0 done, 2 wrong usage or input.",
    application,
    STAND,
)
