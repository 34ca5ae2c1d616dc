"""A standing consortium brought up, and down; and told apart from one that another user owns."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from consortium import __version__
from consortium.lab.checks.traces import BY_DOWN
from consortium.runs.machine_words import machine_words
from consortium.runs.run import STANDS
from consortium.scenario.scenario import Scenario
from consortium.scenario.standing_members import DEFAULT, parse_members
from nodes.broker.mosquitto import find_mosquitto
from nodes.deploy.brokers import BrokerKind
from nodes.deploy.deployment import Deployment, How, is_deployment, read_deployment
from nodes.deploy.hand_world import DAMAGE_FILE
from nodes.deploy.hands import Hands
from nodes.deploy.local import one_at_a_time
from nodes.deploy.look import DOWN, NodeLook, is_ready, look
from nodes.deploy.making import make_consortium
from nodes.deploy.running import Running, check_possible, gateway_of, running_of
from nodes.deploy.tail import last_records
from nodes.errors import UserError
from nodes.process.settings import NodeFolder
from nodes.process.standing_orders import write_orders

READY_S = 55.0
POLL_S = 0.2
BROKERS_MAX = 9

Told = Callable[[str], None]


class Standing(NamedTuple):
    """A consortium in its folder, up or down."""

    folder: Path
    deployment: Deployment
    running: Running
    roles: Mapping[str, str]

    def look(self) -> Sequence[NodeLook]:
        return look(self.folder, self.deployment, self.roles, self.running)

    def node(self, name: str) -> NodeFolder:
        return NodeFolder(self.folder, name)


class Begun(NamedTuple):
    """How `bring_up` found it, and what there is now."""

    is_new: bool
    was_up: bool
    standing: Standing
    nodes: Sequence[NodeLook]


def open_standing(folder: Path) -> Standing:
    """Raises UserError where there is none, or where it is another user's."""
    deployment = read_deployment(folder)
    owner = folder.stat().st_uid
    if owner != os.getuid():
        raise UserError(
            f"{folder} belongs to another user (uid {owner}): be that user, or name one of your own with --dir"
        )
    return Standing(folder, deployment, running_of(folder, deployment), _read_roles(folder))


def bring_up(
    folder: Path,
    members: str | None = None,
    broker: str = "auto",
    brokers: int | None = None,
    how: How | None = None,
    on_progress: Told = lambda _: None,
    passphrase_file: Path | None = None,
    prepare: Callable[[Standing], Standing] = lambda standing: standing,
) -> Begun:
    """A new consortium, or the one that lies there, with all its members and open links. Harmless where it is up. What
    is None is as usual, or as it is there. `passphrase_file` locks the keys of a new one. `prepare` is given it before
    it starts. Raises UserError."""
    with one_at_a_time(folder):
        is_new = not is_deployment(folder)
        if is_new:
            wanted, count = how or "local", 1 if brokers is None else brokers
            kind = _broker_kind(broker, wanted, count)
            check_possible(wanted)
            on_progress("making keys, genesis and settings")
            make_consortium(folder, parse_members(members or DEFAULT), kind, wanted, count, passphrase_file)
        standing = open_standing(folder)
        _check_same(standing.deployment, members, brokers, how)
        standing = prepare(standing)
        was_up = standing.running.is_up
        if not was_up:
            _mend(standing)
            standing.running.start()
            _note_up(standing, is_new=is_new)
        return Begun(is_new, was_up, standing, _wait(standing, on_progress))


def bring_down(folder: Path, *, is_wiped: bool = False) -> bool:
    """Whether it was up. Raises UserError, also where there is none."""
    open_standing(folder)
    with one_at_a_time(folder):
        standing = open_standing(folder)
        alive = [name for name, state in standing.running.states().items() if state.is_alive]
        was_up = standing.running.stop()
        hands = Hands(folder)
        if was_up:
            hands.note("", STANDS, {"state": "down"})
        for name in standing.deployment.members if was_up else ():
            if name in alive:
                hands.fault("kill", name, by=BY_DOWN)
        if is_wiped:
            standing.running.remove()
            shutil.rmtree(folder)
        return was_up


def counted(standing: Standing) -> str:
    """Its members as `up --members` takes them."""
    counts: dict[str, int] = {}
    for name in standing.deployment.members:
        role = standing.roles[name]
        counts[role] = counts.get(role, 0) + 1
    return ",".join(f"{role}={count}" for role, count in counts.items())


# --- up -------------------------------------------------------------------------------------------------------------


def _broker_kind(text: str, how: How, count: int) -> BrokerKind:
    """Which broker a new consortium has: the image of containers holds both. Raises UserError."""
    if text not in ("auto", "embedded", "mosquitto"):
        raise UserError(f"--broker {text!r}: expected `auto`, `embedded` or `mosquitto`")
    if not 1 <= count <= BROKERS_MAX:
        raise UserError(f"--brokers {count}: expected 1 to {BROKERS_MAX}")
    is_there = how == "docker" or _has_mosquitto()
    if text == "embedded" or (text == "auto" and not is_there):
        if count > 1:
            raise UserError(f"--brokers {count} needs Mosquitto: install it (Debian: apt install mosquitto)")
        return "embedded"
    if not is_there:
        find_mosquitto()
    return "mosquitto"


def _has_mosquitto() -> bool:
    try:
        find_mosquitto()
    except UserError:
        return False
    return True


def _check_same(deployment: Deployment, members: str | None, brokers: int | None, how: How | None) -> None:
    another = "For another one use --dir, or `consortium reset`"
    if how is not None and how != deployment.how:
        runs = "in containers" if deployment.how == "docker" else "as local processes"
        raise UserError(f"the consortium there runs {runs}, and goes on so. {another}")
    if brokers is not None and brokers != len(deployment.brokers):
        raise UserError(f"--brokers {brokers}: the consortium there has {len(deployment.brokers)}. {another}")
    if members is None:
        return
    asked = sorted(member.name for member in parse_members(members))
    if asked != sorted(deployment.members):
        raise UserError(
            f"--members: the consortium there has {', '.join(deployment.members)}; its members change by vote alone. "
            + another
        )


def _read_roles(folder: Path) -> Mapping[str, str]:
    try:
        scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"{folder / 'scenario.json'} cannot be read: {error}; bring back a copy of it") from None
    return {member.name: member.role for member in scenario.members}


def _mend(standing: Standing) -> None:
    """What was done by hand before it went down is over: links are open, clocks right, disks take what they can."""
    for name in standing.deployment.members:
        write_orders(standing.node(name), {})
        (standing.node(name).folder / DAMAGE_FILE).unlink(missing_ok=True)


def _note_up(standing: Standing, *, is_new: bool) -> None:
    """With all members as started anew, where they ran before. Of a consortium that was up when its machine ended
    nobody wrote down that they died: it is told now, as of their last word."""
    hands, members = Hands(standing.folder), standing.deployment.members
    if is_new:
        about = {"scenario": "standing", "seed": 1, "on": standing.deployment.how, "version": __version__}
        broker = standing.deployment.brokers[0].kind
        hands.note("", "run", {**about, "broker": broker, "machine": machine_words()}, at_us=0)
    elif hands.was_left_up:
        last_us = max(_last_us(standing, name) for name in members)
        last_us = max(last_us, *(int(record["t_us"]) for record in hands.records()))
        for name in members:
            hands.note("", "fault", {"act": "kill", "target": name, "by": "outage"}, at_us=last_us)
    hands.note("", STANDS, {"state": "up"})
    if not is_new:
        for act, targets in (("heal", ("",)), ("calm", ("",)), ("restart", members)):
            for target in targets:
                hands.fault(act, target, by="up")


def _last_us(standing: Standing, name: str) -> int:
    """The time of the last record of a node's trace; 0 where there is none."""
    records = last_records(standing.node(name).trace)
    return int(records[-1]["t_us"]) if records else 0


def _wait(standing: Standing, on_progress: Told) -> Sequence[NodeLook]:
    """Until every node serves that was not taken down by hand, and its gateway is ready for applications. Raises
    UserError with what one said that does not."""
    deadline = time.monotonic() + READY_S
    ready: set[str] = set()  # whose gateway was, once: under load each is a block behind now and then
    while True:
        found = standing.look()
        serving = [each for each in found if each.is_serving]
        ready |= {each.name for each in serving if each.name not in ready and _has_ready_gateway(standing, each)}
        late = [
            each
            for each in found
            if (not each.is_serving and each.state not in ("stopped", "paused"))
            or each.gateway == DOWN
            or (each.is_serving and each.name not in ready)
        ]
        on_progress(f"{sum(each.is_serving for each in found)} of {len(found)} nodes serve")
        if not late:
            return found
        if time.monotonic() > deadline:
            name = gateway_of(late[0].name) if late[0].is_serving else late[0].name
            raise UserError(
                f"{name} does not serve after {READY_S:.0f} s (the node is {late[0].state}); it said last: "
                f"{last_words(standing, name)}. `consortium doctor` looks closer; the others go on, and `consortium "
                "down` stops them"
            )
        time.sleep(POLL_S)


def _has_ready_gateway(standing: Standing, member: NodeLook) -> bool:
    """Or none."""
    if member.gateway in ("", DOWN):
        return member.gateway != DOWN
    return is_ready(standing.folder, standing.deployment.gateways[member.name])


def last_words(standing: Standing, name: str) -> str:
    """The last line of what a program said; or why it could not be started."""
    state = standing.running.states().get(name)
    lines = list(standing.running.log_lines(name, 1, is_followed=False))
    return (state.why if state else "") or (lines[0] if lines else "it said nothing")
