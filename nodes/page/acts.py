"""Acts against a consortium that stands, as the commands of these names do them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from consortium.core.words import Words, mark
from nodes.deploy.by_hand import strike
from nodes.deploy.standing import Standing, open_standing
from nodes.errors import UserError

TARGETS_MAX = 64
OF_EACH = {
    "kill": mark("{node} is killed, and stays down until `consortium restart {node}`"),
    "pause": mark("{node} stands still, until `consortium resume {node}`"),
    "resume": mark("{node} goes on"),
    "restart": mark("{node} is started"),
}


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`targets`: members, or `leader`; of a partition one group of members, cut off from all others."""

    act: str
    targets: list[str] = []


def carry_out(folder: Path, asked: Act, words: Words) -> str:
    """What was done, in a sentence for each. Raises UserError."""
    if len(asked.targets) > TARGETS_MAX:
        raise UserError(f"at most {TARGETS_MAX} targets at once")
    standing = open_standing(folder)
    if asked.act in OF_EACH:
        if not asked.targets:
            raise UserError(f"whom? {asked.act} takes members, or `leader`, as targets")
        told = [words(OF_EACH[asked.act], node=strike(standing, asked.act, target)) for target in asked.targets]
        return "; ".join(told)
    known: dict[str, Callable[[Standing, Sequence[str], Words], str]] = {"partition": _partition, "heal": _heal}
    if asked.act not in known:
        raise UserError(f"there is no act {asked.act!r} here; there are {', '.join([*OF_EACH, *known])}")
    return known[asked.act](standing, asked.targets, words)


def _partition(standing: Standing, targets: Sequence[str], words: Words) -> str:
    names = standing.deployment.members
    unknown = [name for name in targets if name not in names]
    if unknown:
        raise UserError(f"there is no node {unknown[0]!r}; there are {', '.join(names)}")
    group = list(dict.fromkeys(targets))
    others = [name for name in names if name not in group]
    if not group or not others:
        raise UserError("a partition cuts some members off from the others: name some, and not all")
    strike(standing, "partition", groups=[group])
    shown = f"{', '.join(group)} | {', '.join(others)}"
    return words("these hear only themselves, until `consortium heal`: {groups}", groups=shown)


def _heal(standing: Standing, targets: Sequence[str], words: Words) -> str:
    strike(standing, "heal")
    return words("all links are open")
