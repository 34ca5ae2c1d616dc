"""Links that are cut, lose, double, reorder and delay messages, and are mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from consortium.core.draws import Numbers, Shape, between, choose, some_link, split
from consortium.core.membership import NodeId
from consortium.scenario.faults.act import Act, Count, Drawing, Episode, Occurrence, Share
from consortium.scenario.faults.world import World
from consortium.scenario.scenario import Fault


class Messages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ppm`: parts per million of the messages of the links."""

    ppm: Share


class Reorder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ppm` (parts per million) of the messages come up to `late_us` later than the rest."""

    ppm: Share
    late_us: Count = 50_000


class Delay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`mean_us`, `deviation_us`, `distribution` (constant, normal, lognormal) of the delay from now on."""

    mean_us: Count
    deviation_us: Count = 0
    distribution: Literal["constant", "normal", "lognormal"] = "constant"


# --- cuts -----------------------------------------------------------------------------------------------------------


def _partition(world: World, hit: Occurrence) -> None:
    world.cut(hit.fault.groups, hit.fault.links)


def _heal(world: World, hit: Occurrence) -> None:
    world.cut((), ())


PARTITION = Act(
    name="partition",
    sentence="`groups` hear only themselves; `links` (one-way) are cut",
    touches="links",
    carry_out=_partition,
    mended_by=("heal", "partition"),
    followed_by=("heal",),
    is_silencing=True,
)
HEAL = Act(name="heal", sentence="all links are open again", touches="links", carry_out=_heal, nature="repair")


# --- bad links ------------------------------------------------------------------------------------------------------


def _bad_links(
    name: str, sentence: str, options: type[msgspec.Struct], fields: Callable[[Any], Mapping[str, Any]]
) -> Act:
    """An act that changes `fields` of each `Link` that it means, until `calm`."""

    def carry_out(world: World, hit: Occurrence) -> None:
        world.change_links(hit.fault.links, fields(hit.options))

    return Act(
        name=name,
        sentence=sentence,
        touches="links",
        carry_out=carry_out,
        options=options,
        mended_by=("calm",),
        followed_by=("calm",),
    )


def _calm(world: World, hit: Occurrence) -> None:
    world.calm_links()


LOSS = _bad_links("loss", "messages of `links` are lost", Messages, lambda options: {"loss_ppm": options.ppm})
DUPLICATION = _bad_links(
    "duplication", "messages of `links` come twice", Messages, lambda options: {"duplicate_ppm": options.ppm}
)
REORDERING = _bad_links(
    "reordering",
    "messages of `links` are overtaken by later ones",
    Reorder,
    lambda options: {"reorder_ppm": options.ppm, "reorder_us": options.late_us},
)
DELAY = _bad_links("delay", "messages of `links` take longer", Delay, msgspec.structs.asdict)
CALM = Act(
    name="calm",
    sentence="the links are again as the scenario's network says",
    touches="links",
    carry_out=_calm,
    nature="repair",
)
ACTS = (PARTITION, HEAL, LOSS, DUPLICATION, REORDERING, DELAY, CALM)


# --- as an explorer draws them --------------------------------------------------------------------------------------


def _draw_partition(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("partition", groups=split(stream, shape.everybody))
    return (first, *PARTITION.followers(first))


def _draw_one_way(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    first = Fault("partition", links=tuple(some_link(stream, shape.everybody) for _ in range(between(stream, 1, 3))))
    return (first, *PARTITION.followers(first))


def _draw_bad_links(stream: Numbers, shape: Shape, name: NodeId) -> Episode:
    links = tuple(some_link(stream, shape.everybody) for _ in range(between(stream, 0, 2)))
    ppm = choose(stream, (100_000, 300_000, 600_000))
    act = choose(stream, (LOSS, DUPLICATION, REORDERING, DELAY))
    options: dict[str, Any] = {"ppm": ppm}
    if act is REORDERING:
        options = {"ppm": ppm, "late_us": shape.mean_us * 20}
    elif act is DELAY:
        mean_us = shape.mean_us * choose(stream, (3, 10, 30))
        options = {"mean_us": mean_us, "deviation_us": mean_us // 2, "distribution": "lognormal"}
    first = Fault(act.name, links=links, options=options)
    return (first, *act.followers(first))


DRAWINGS = (
    Drawing(_draw_partition, weight=2, place=40),
    Drawing(_draw_bad_links, weight=2, place=60),
    Drawing(_draw_one_way, place=70),
)
