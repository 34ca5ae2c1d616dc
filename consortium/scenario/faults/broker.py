"""The broker dies, and is back."""

from __future__ import annotations

import msgspec

from consortium.core.draws import Numbers, Shape, between
from consortium.core.membership import NodeId
from consortium.scenario.faults.act import Act, Count, Drawing, Episode, Occurrence
from consortium.scenario.faults.world import World
from consortium.scenario.scenario import Fault


class WhichBroker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number`: which of several, from 1; 0: all of them."""

    number: Count = 0


def _kill(world: World, hit: Occurrence) -> None:
    world.stop_broker(hit.options.number)


def _restart(world: World, hit: Occurrence) -> None:
    world.start_broker(hit.options.number)


BROKER_KILL = Act(
    name="broker_kill",
    sentence="the broker dies: nothing is delivered",
    touches="broker",
    carry_out=_kill,
    options=WhichBroker,
    mended_by=("broker_restart",),
    followed_by=("broker_restart",),
    is_silencing=True,
    state="broker down",
)
BROKER_RESTART = Act(
    name="broker_restart",
    sentence="the broker is back",
    touches="broker",
    carry_out=_restart,
    options=WhichBroker,
    nature="repair",
)
ACTS = (BROKER_KILL, BROKER_RESTART)


def _draw(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("broker_kill")
    return (first, *BROKER_KILL.followers(first))


def _draw_long(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    """So long that every timer grows."""
    return (Fault("broker_kill"), Fault("broker_restart", after_us=shape.timer_us * between(stream, 10, 100)))


DRAWINGS = (Drawing(_draw, place=50), Drawing(_draw_long, place=130))
