"""Disks that are copied, filled, and damaged."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from consortium.core.draws import Numbers, Shape, between, choose
from consortium.core.membership import NodeId
from consortium.scenario.faults.act import Act, Count, Drawing, Episode, Occurrence
from consortium.scenario.faults.world import World
from consortium.scenario.scenario import Fault


class Tear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`blocks`: how many of the last writes to the vote log turn out not to be whole."""

    blocks: Count = 1


class Flip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`table`: `votes` (the vote log), a table of the ledger, or `any` of its tables."""

    table: Literal[
        "votes", "any", "base", "batch", "block", "certificate", "epoch", "meta", "receipt", "seal", "state"
    ] = "any"


def _copy(world: World, hit: Occurrence) -> None:
    world.copy_disk(hit.target)


def _fill(world: World, hit: Occurrence) -> None:
    world.fill_disk(hit.target)


def _free(world: World, hit: Occurrence) -> None:
    world.free_disk(hit.target)


def _tear(world: World, hit: Occurrence) -> None:
    world.tear_votes(hit.target, hit.options.blocks)


def _flip(world: World, hit: Occurrence) -> None:
    world.flip_bit(hit.target, hit.options.table, hit.stream)


def _forgets(options: Any) -> bool:
    return True


DISK_COPY = Act(
    name="disk_copy",
    sentence="the disk of the node is copied, for a later `restart` with `disk: copy`",
    touches="disk",
    carry_out=_copy,
    has_target=True,
    nature="neutral",
    followed_by=("kill", "restart"),
)
DISK_FULL = Act(
    name="disk_full",
    sentence="the disk of the node takes nothing more: the node stops at its next write (exit code 74)",
    touches="disk",
    carry_out=_fill,
    has_target=True,
    mended_by=("disk_free",),
    followed_by=("disk_free", "restart"),
    state="disk full",
)
DISK_FREE = Act(
    name="disk_free",
    sentence="there is room again; a `restart` helps",
    touches="disk",
    carry_out=_free,
    has_target=True,
    nature="repair",
)
DISK_TEAR = Act(
    name="disk_tear",
    sentence="the last votes of the node turn out not to be on the disk (at its next boot)",
    touches="disk",
    carry_out=_tear,
    options=Tear,
    has_target=True,
    mended_by=("restart",),
    followed_by=("kill", "restart"),
    forgets=_forgets,
    state="last votes torn off",
)
DISK_FLIP = Act(
    name="disk_flip",
    sentence="a bit of the disk of the node is flipped (noticed at its next boot, when it is read, or never)",
    touches="disk",
    carry_out=_flip,
    options=Flip,
    has_target=True,
    mended_by=("restart",),
    followed_by=("kill", "restart"),
    forgets=_forgets,
    state="disk damaged",
)
ACTS = (DISK_COPY, DISK_FULL, DISK_FREE, DISK_TEAR, DISK_FLIP)


def _draw_full(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("disk_full", name)
    return (first, *DISK_FULL.followers(first))


def _draw_older(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    return (Fault("disk_copy", name), Fault("kill", name), Fault("restart", name, options={"disk": "copy"}))


def _draw_torn(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("disk_tear", name, options={"blocks": between(stream, 1, 4)})
    return (first, *DISK_TEAR.followers(first))


def _draw_flipped(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("disk_flip", name, options={"table": choose(stream, ("any", "any", "votes", "state"))})
    return (first, *DISK_FLIP.followers(first))


DRAWINGS = (
    Drawing(_draw_full, place=100),
    Drawing(_draw_older, weight=3, place=10, is_wound=True),
    Drawing(_draw_torn, place=30, is_wound=True),
    Drawing(_draw_flipped, place=40, is_wound=True),
)
