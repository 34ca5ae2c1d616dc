"""Nodes that die, come back, stand still and go on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.core.draws import Numbers, Shape, between, chance, some
from consortium.core.membership import NodeId
from consortium.scenario.faults.act import Act, Count, Drawing, Episode, Occurrence
from consortium.scenario.faults.world import WhichDisk, World
from consortium.scenario.scenario import Fault

AT_ONCE_US = 1  # of what an explorer draws: as good as at the same moment


class Kill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`outputs`: it dies when so many more of its outputs (a sync, a message) are out; 0: at once."""

    outputs: Count = 0


class Restart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`disk`: `own`; `copy`, as it was at the last `disk_copy` (without one: empty); `empty`, wiped."""

    disk: WhichDisk = "own"


def _kill(world: World, hit: Occurrence) -> None:
    world.kill(hit.target, hit.options.outputs)


def _restart(world: World, hit: Occurrence) -> None:
    world.start(hit.target, hit.options.disk)


def _pause(world: World, hit: Occurrence) -> None:
    world.pause(hit.target)


def _resume(world: World, hit: Occurrence) -> None:
    world.resume(hit.target)


def _has_another_disk(options: Restart) -> bool:
    return options.disk != "own"


KILL = Act(
    name="kill",
    sentence="the node dies in the middle of whatever it does",
    touches="node",
    carry_out=_kill,
    options=Kill,
    has_target=True,
    mended_by=("restart",),
    followed_by=("restart",),
    target_is="down",
    is_silencing=True,
    state="down",
)
RESTART = Act(
    name="restart",
    sentence="the node comes back; a member that joins begins with it",
    touches="node",
    carry_out=_restart,
    options=Restart,
    has_target=True,
    nature="repair",
    forgets=_has_another_disk,
)
PAUSE = Act(
    name="pause",
    sentence="the node stands still; what arrives waits",
    touches="node",
    carry_out=_pause,
    has_target=True,
    mended_by=("resume", "kill", "restart"),
    followed_by=("resume",),
    target_is="paused",
    is_silencing=True,
    state="paused",
)
RESUME = Act(
    name="resume",
    sentence="the node goes on",
    touches="node",
    carry_out=_resume,
    has_target=True,
    nature="repair",
    target_is="up",
)
ACTS = (KILL, RESTART, PAUSE, RESUME)


def _draw_kill(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    """Now, or in the middle of what it will do next."""
    first = Fault("kill", name, options={"outputs": between(stream, 1, 12)} if chance(stream, 60) else {})
    return (first, *KILL.followers(first))


def _draw_leader_kill(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    return _draw_kill(stream, shape, "leader")


def _draw_pause(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("pause", name)
    return (first, *PAUSE.followers(first))


def _draw_lost_disk(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    """It comes back with nothing: it must notice, and not vote."""
    return (Fault("kill", name), Fault("restart", name, options={"disk": "empty"}))


def _draw_reboots(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    """Several die at one moment, among them more than may fail, and come back together."""
    return _reboots(stream, shape, some(stream, shape.names, between(stream, 2, len(shape.names) - 1)))


def _draw_all_reboot(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    """Nobody is left who remembers anything but by its disk."""
    return _reboots(stream, shape, shape.everybody)


def _reboots(stream: Numbers, shape: Shape, names: Sequence[NodeId]) -> Episode:
    first, *others = names
    down_us = shape.timer_us * between(stream, 1, 40) // 10
    kills = [Fault("kill", name, after_us=AT_ONCE_US) for name in others]
    starts = [Fault("restart", name, after_us=AT_ONCE_US) for name in others]
    return (Fault("kill", first), *kills, Fault("restart", first, after_us=down_us), *starts)


DRAWINGS = (
    Drawing(_draw_kill, weight=3, place=10),
    Drawing(_draw_leader_kill, weight=2, place=20),
    Drawing(_draw_pause, place=30),
    Drawing(_draw_lost_disk, weight=2, place=20, is_wound=True),
    Drawing(_draw_reboots, place=110),
    Drawing(_draw_all_reboot, place=120),
)
