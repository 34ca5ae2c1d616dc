"""Clocks that jump, and clocks that run fast or slow."""

from __future__ import annotations

from typing import Annotated

import msgspec

from consortium.core.draws import Numbers, Shape, between
from consortium.core.membership import NodeId
from consortium.scenario.faults.act import Act, Count, Drawing, Episode, Occurrence
from consortium.scenario.faults.world import World
from consortium.scenario.scenario import Fault

Rate = Annotated[int, msgspec.Meta(ge=-500_000, le=1_000_000)]


class Jump(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`wall_us` may be negative; `monotonic_us` only jumps forward, as after a sleep of the machine."""

    wall_us: int = 0
    monotonic_us: Count = 0


class Drift(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`wall_ppm`, `monotonic_ppm`: microseconds that the clock gains a second; negative: it loses. 0 ends it."""

    wall_ppm: Rate = 0
    monotonic_ppm: Rate = 0


def _jump(world: World, hit: Occurrence) -> None:
    world.jump_clock(hit.target, hit.options.wall_us, hit.options.monotonic_us)


def _drift(world: World, hit: Occurrence) -> None:
    world.drift_clock(hit.target, hit.options.wall_ppm, hit.options.monotonic_ppm)


CLOCK_JUMP = Act(
    name="clock_jump",
    sentence="the clocks of its machine jump",
    touches="clock",
    carry_out=_jump,
    options=Jump,
    has_target=True,
    mended_by=("restart",),
    state="clock jumped",
)
CLOCK_DRIFT = Act(
    name="clock_drift",
    sentence="the clocks of its machine run fast or slow, timers with them",
    touches="clock",
    carry_out=_drift,
    options=Drift,
    has_target=True,
    mended_by=("clock_drift",),
    followed_by=("clock_drift",),
    state="clock drifts",
)
ACTS = (CLOCK_JUMP, CLOCK_DRIFT)


def _draw_jump(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    jump = {"wall_us": between(stream, -1_500_000, 1_500_000), "monotonic_us": stream.below(3_000_000)}
    first = Fault("clock_jump", name, options=jump)
    return (first, *CLOCK_JUMP.followers(first))


def _draw_drift(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    drift = {"wall_ppm": between(stream, -500, 500), "monotonic_ppm": between(stream, -50_000, 50_000)}
    first = Fault("clock_drift", name, options=drift)
    return (first, *CLOCK_DRIFT.followers(first))


DRAWINGS = (Drawing(_draw_jump, place=80), Drawing(_draw_drift, place=90))
