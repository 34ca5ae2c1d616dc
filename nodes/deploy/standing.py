"""A standing consortium brought up, and down."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from consortium.scenario.scenario import Scenario
from consortium.scenario.standing_members import DEFAULT, parse_members
from nodes.broker.mosquitto import find_mosquitto
from nodes.deploy.deployment import Deployment, is_deployment, read_deployment
from nodes.deploy.local import one_at_a_time, start
from nodes.deploy.look import NodeLook, look
from nodes.deploy.making import make_consortium
from nodes.deploy.supervision import Supervision
from nodes.errors import UserError
from nodes.process.settings import NodeFolder

READY_S = 55.0
POLL_S = 0.2


class Begun(NamedTuple):
    """How `bring_up` found it, and what there is now."""

    is_new: bool
    was_up: bool
    nodes: Sequence[NodeLook]


def bring_up(
    folder: Path,
    members: str | None = None,
    broker: str = "auto",
    on_progress: Callable[[str], None] = lambda _: None,
) -> Begun:
    """A new consortium, or the one that lies there. Harmless where it is up. Raises UserError."""
    with one_at_a_time(folder):
        is_new = not is_deployment(folder)
        if is_new:
            on_progress("making keys, genesis and settings")
            deployment = make_consortium(folder, parse_members(members or DEFAULT), _broker_kind(broker))
        else:
            deployment = read_deployment(folder)
            check_owner(folder)
            _check_same(deployment, members)
        was_up = Supervision(folder).is_up
        start(folder, deployment)
        return Begun(is_new, was_up, _wait(folder, deployment, on_progress))


def bring_down(folder: Path, *, is_wiped: bool = False) -> bool:
    """Whether it was up. Raises UserError, also where there is none."""
    with one_at_a_time(folder):
        read_deployment(folder)
        check_owner(folder)
        was_up = Supervision(folder).stop()
        if is_wiped:
            shutil.rmtree(folder)
        return was_up


def check_owner(folder: Path) -> None:
    """Raises UserError where the consortium is another user's: its keys would not be ours to use."""
    owner = folder.stat().st_uid
    if owner != os.getuid():
        raise UserError(
            f"{folder} belongs to another user (uid {owner}): be that user, or use --dir for one of your own"
        )


def read_roles(folder: Path) -> Mapping[str, str]:
    scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
    return {member.name: member.role for member in scenario.members}


def _broker_kind(text: str) -> str:
    if text not in ("auto", "embedded", "mosquitto"):
        raise UserError(f"--broker {text!r}: expected `auto`, `embedded` or `mosquitto`")
    if text == "auto":
        return "embedded"
    if text == "mosquitto":
        find_mosquitto()
    return text


def _check_same(deployment: Deployment, members: str | None) -> None:
    if members is None:
        return
    asked = sorted(member.name for member in parse_members(members))
    if asked != sorted(deployment.members):
        raise UserError(
            f"--members: the consortium there has {', '.join(deployment.members)}; its members change by vote alone. "
            "For another one use --dir, or `consortium reset`"
        )


def _wait(folder: Path, deployment: Deployment, on_progress: Callable[[str], None]) -> Sequence[NodeLook]:
    """Until every node serves. Raises UserError with what one said that does not."""
    roles = read_roles(folder)
    deadline = time.monotonic() + READY_S
    while True:
        found = look(folder, deployment, roles)
        late = [each for each in found if not each.is_serving]
        on_progress(f"{len(found) - len(late)} of {len(found)} nodes serve")
        if not late:
            return found
        if time.monotonic() > deadline:
            words = last_words(NodeFolder(folder, late[0].name))
            raise UserError(
                f"{late[0].name} does not serve after {READY_S:.0f} s (it is {late[0].state}); it said last: {words}. "
                f"See {folder}/nodes/{late[0].name}/log.txt; the others go on, and `consortium down` stops them"
            )
        time.sleep(POLL_S)


def last_words(folder: NodeFolder) -> str:
    try:
        lines = folder.log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "it said nothing"
