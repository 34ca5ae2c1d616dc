"""The faults and traitors of one seed. Traitors, and members whose disk is rolled back or damaged, are f at most."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from consortium.behaviours.twin import SUFFIX
from consortium.core.draws import Shape, between, chance, choose, some
from consortium.core.membership import NodeId
from consortium.core.quorum import faults_max
from consortium.scenario.adversary import Adversaries
from consortium.scenario.faults import load_acts, load_drawings, read_options
from consortium.scenario.faults.act import Drawing, Episode
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream

FAULTS_MIN = 3
EPISODES_MAX = 6
HEIGHT_MAX = 45


class Cast(NamedTuple):
    """Who keeps to the protocol in this run, who lies, and whose disk will betray it. `bereft`: whose disk will be
    wiped beside f that are bad already, so that no service is promised, and no fork may come of it all the same."""

    honest: tuple[NodeId, ...]
    traitors: tuple[NodeId, ...]
    wounded: tuple[NodeId, ...]
    bereft: tuple[NodeId, ...] = ()


def draw_cast(stream: Stream, shape: Shape) -> Cast:
    """At most f of the validators lie or are wounded together."""
    bad = stream.below(faults_max(len(shape.names)) + 1) if chance(stream, 75) else 0
    names = some(stream, shape.names, bad)
    lying = sum(chance(stream, 70) for _ in names)
    honest = tuple(name for name in shape.names if name not in names)
    return Cast(honest, names[:lying], names[lying:])


def draw_accomplices(stream: Stream, shape: Shape, cast: Cast) -> Cast:
    """Lost disks beside liars. Where f is above 1, four casts in ten are a liar and one whose disk betrays it. Where a
    liar is among f that are bad, three in ten have one more, whose disk is wiped."""
    f = faults_max(len(shape.names))
    if f > 1 and chance(stream, 40):
        liar, victim = some(stream, shape.names, 2)
        cast = Cast(tuple(name for name in shape.names if name not in (liar, victim)), (liar,), (victim,))
    if not cast.traitors or len(cast.traitors) + len(cast.wounded) < f or not chance(stream, 30):
        return cast
    name = choose(stream, cast.honest)
    return cast._replace(honest=tuple(other for other in cast.honest if other != name), bereft=(name,))


# --- faults ---------------------------------------------------------------------------------------------------------


def draw_faults(stream: Stream, shape: Shape, cast: Cast, arrival: Episode = ()) -> tuple[Fault, ...]:
    """Episodes one after another, each begun at a height and mended a while later; some hold a second one inside.
    `arrival`: of a newcomer, between two of them."""
    episodes = [_wound(stream, shape, name) for name in cast.wounded]
    episodes += [(Fault("kill", name), Fault("restart", name, options={"disk": "empty"})) for name in cast.bereft]
    while len(episodes) < FAULTS_MIN or (len(episodes) < EPISODES_MAX and chance(stream, 60)):
        episodes.insert(stream.below(len(episodes) + 1), _episode(stream, shape))
    heights = sorted(between(stream, 1, HEIGHT_MAX) for _ in episodes)
    found: list[Fault] = []
    for height, episode in zip(heights, episodes, strict=True):
        first, *others = episode
        inner: Episode = ()
        if chance(stream, 35):
            inner = _episode(stream, shape)
            while first.target == "leader" and any(fault.target for fault in inner):
                inner = _episode(stream, shape)  # `last` names one node at a time
        found.append(_with(first, height, choose(stream, (0, 0, 1_000, 50_000, 200_000))))
        found.extend(_with(fault, None, fault.after_us or _later_us(stream, shape)) for fault in (*inner, *others))
    if arrival:
        comes, again = arrival  # never `last`'s, and before those that wait for heights which need it
        found[:0] = [_with(comes, stream.below(heights[0] + 1), 0)]
        found.append(again)
    return tuple(found)


def _with(fault: Fault, height: int | None, after_us: int) -> Fault:
    return Fault(fault.act, fault.target, None, height, after_us, fault.groups, fault.links, fault.options)


def _later_us(stream: Stream, shape: Shape) -> int:
    """Some timers later than the fault before."""
    return shape.timer_us * between(stream, 1, 60) // choose(stream, (4, 10, 20))


def _episode(stream: Stream, shape: Shape) -> Episode:
    """A fault and what belongs to it, without times."""
    drawing = choose(stream, _wheel(is_wound=False))
    return drawing.draw(stream, shape, choose(stream, shape.everybody))


def _wound(stream: Stream, shape: Shape, name: NodeId) -> Episode:
    """A disk that comes back older, empty or damaged: the node must notice, and not vote."""
    return choose(stream, _wheel(is_wound=True)).draw(stream, shape, name)


def _wheel(*, is_wound: bool) -> list[Drawing]:
    """Each drawing as often as its weight says."""
    return [each for each in load_drawings() if each.is_wound == is_wound for _ in range(each.weight)]


def repairs() -> frozenset[str]:
    """Names of the acts that mend something; they are not counted as trouble."""
    return frozenset(act.name for act in load_acts().values() if act.nature == "repair")


def promises_service(scenario: Scenario) -> bool:
    """False where disks that were wiped make the bad members more than f: then nothing but safety is promised. (More
    than f liars alone break everything, and the checks are to see it.)"""
    validators = sum(member.kind == "validator" and not member.joins for member in scenario.members)
    bad = {name.partition(SUFFIX)[0] for name in Adversaries.of(scenario).names} | wounded(scenario)
    f = faults_max(validators)
    return len(bad) <= f or len(bad - wiped(scenario)) > f


def wiped(scenario: Scenario) -> frozenset[NodeId]:
    """Members whose disk comes back empty and is harmed in no other way: they know what they lost, and no vote of
    theirs may contradict one that they cast before."""
    empty = {fault.target for fault in scenario.faults if fault.options.get("disk") == "empty"}
    kept = tuple(fault for fault in scenario.faults if fault.options.get("disk") != "empty")
    return frozenset(empty) - wounded(replace(scenario, faults=kept)) - Adversaries.of(scenario).names


def wounded(scenario: Scenario) -> frozenset[NodeId]:
    """Members whose disk forgets or is damaged: what they promised they cannot be held to."""
    acts = load_acts()
    return frozenset(fault.target for fault in scenario.faults if acts[fault.act].forgets(read_options(fault)))
