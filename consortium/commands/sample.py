"""`consortium sample`: something to try at a member of a standing consortium."""

from __future__ import annotations

from typing import Annotated

import typer

from consortium.commands.command import STAND, Command, print_json
from consortium.commands.language import spoken
from consortium.commands.past import opened
from consortium.commands.standing import HERE, Dir
from consortium.core.errors import UserError
from nodes.past import reader_of


def sample(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="`claim`, `bill`, `sale` or `premium`.")],
    dir_: Dir = HERE,
    member: Annotated[str, typer.Option(metavar="NODE", help="Whose; default: the first that may do it.")] = "",
) -> None:
    from nodes.deploy.samples import as_json, check_kind, keeping, make_sample, read_samples, roles_for
    from nodes.deploy.standing import open_standing

    check_kind(kind)
    standing = open_standing(dir_)
    able = [name for name in standing.deployment.members if standing.roles[name] in roles_for(kind)]
    wanted = member or next(iter(able), "")
    if wanted not in standing.deployment.members:
        why = f"there is no node {member!r}" if member else f"nobody here may submit a {kind}"
        raise UserError(f"{why}; there are {', '.join(standing.deployment.members)}")
    own = read_samples(standing.node(wanted))
    with opened(dir_, wanted) as past:
        day = reader_of(past.ledger, wanted).day
        made = make_sample(kind, own, day, past.ledger.reader, keeping(standing.node(wanted)))
    words = spoken()
    place = f"{made.contract}.{made.operation}"
    typer.echo(words("arguments of {operation}, for {member}", operation=place, member=made.member), err=True)
    print_json(as_json(made.arguments))


COMMAND = Command(
    "sample",
    "Print arguments that a member of a standing consortium may submit, as JSON: a claim, a bill, a sale, a "
    "premium.\n\nEach time another one, of today and of an insured person. It submits nothing; the lines of a bill are "
    "kept by the member's node, which must be up.\n\n\b\nExamples:\n"
    "  consortium sample claim\n  consortium sample bill --member hospital-2\n  consortium sample sale\n\n"
    "Exit status: 0 printed, 2 wrong usage or input.",
    sample,
    STAND,
)
