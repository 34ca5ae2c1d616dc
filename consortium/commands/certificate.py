"""`consortium certificate`: who may speak on the bus of a standing consortium, renewed and revoked while it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from consortium.commands.command import STAND, Command, make_console
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError

if TYPE_CHECKING:
    from nodes.deploy.authority import Certificate, Passphrase
    from nodes.deploy.certificates import Certificates

ACTS = ("list", "rotate", "revoke", "follow")


def certificate(
    act: Annotated[str, typer.Argument(metavar="ACT", help="`list`, `rotate`, `revoke` or `follow`.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME…", help="Members; to rotate also brokers.")] = None,
    dir_: Dir = HERE,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="Holds the passphrase of the authority's key; else it is asked for.")
    ] = None,
) -> None:
    from nodes.deploy.certificates import Certificates
    from nodes.deploy.standing import open_standing

    if act not in ACTS:
        raise UserError(f"{act!r}: expected {', '.join(ACTS)}")
    if bool(names) != (act in ("rotate", "revoke")):
        raise UserError(f"`certificate {act}` takes {'no names' if names else 'names: whom?'}")
    held = Certificates(open_standing(dir_), _passphrase(passphrase_file))
    if act == "list":
        _show(held.all())
    elif act == "follow":
        _follow(held)
    else:
        for name in names or ():
            _renew(held, name) if act == "rotate" else _revoke(held, name)


def _renew(held: Certificates, name: str) -> None:
    kinds = ", ".join(held.rotate(name))
    typer.echo(spoken()("{name} has new certificates ({kinds}); the older ones are revoked", name=name, kinds=kinds))


def _revoke(held: Certificates, name: str) -> None:
    held.revoke(name)
    typer.echo(spoken()("{name} has no place on the bus any more", name=name))


def _follow(held: Certificates) -> None:
    removed = held.follow()
    for name in removed:
        typer.echo(spoken()("{name} was removed by vote, and has no place on the bus any more", name=name))
    if not removed:
        typer.echo(spoken()("nobody who was removed by vote has a place on the bus"))


def _show(found: list[Certificate]) -> None:
    words, now = spoken(), datetime.now(UTC)
    columns = (Column(words("name")), Column(words("kind")), Column(words("holds until")), Column(words("state")))
    states = {
        "valid": words("valid"),
        "to be renewed": words("to be renewed"),
        "expired": words("expired"),
        "revoked": words("revoked"),
    }
    rows = [(each.name, each.kind, f"{each.ends:%Y-%m-%d %H:%M}", states[each.state(now)]) for each in found]
    show_table(make_console(), columns, rows)


def _passphrase(path: Path | None) -> Passphrase:
    if path is not None:
        from nodes.process.keys import read_private

        return lambda: read_private(path).rstrip(b"\r\n")
    return lambda: str(typer.prompt(spoken()("passphrase of the authority's key"), hide_input=True)).encode()


COMMAND = Command(
    "certificate",
    "List, renew and revoke the certificates of a standing consortium, while it runs.\n\n"
    "`rotate`: new keys for members or brokers; the older ones are revoked. `revoke`: a member has no place on the bus "
    "any more. `follow`: revoke all whom the members removed by vote.\n\n\b\nExamples:\n"
    "  consortium certificate list\n  consortium certificate rotate hospital-1 broker-1\n"
    "  consortium certificate revoke hospital-3 --dir /srv/consortium\n  consortium certificate follow\n\n"
    "Exit status: 0 done, 2 wrong usage or input.",
    certificate,
    STAND,
)
