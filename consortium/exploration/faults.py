"""The faults and traitors of one seed. Traitors, and members whose disk is rolled back or damaged, are f at most."""

from __future__ import annotations

from typing import Any, NamedTuple

from consortium.core.membership import NodeId
from consortium.core.quorum import faults_max
from consortium.exploration.shape import Shape, between, chance, choose, some
from consortium.scenario.scenario import BehaviourSpec, Fault, Scenario
from consortium.scenario.streams import Stream

FAULTS_MIN = 3
EPISODES_MAX = 6
HEIGHT_MAX = 45
REPAIRS = ("restart", "resume", "heal", "broker_restart", "calm", "disk_free")
Episode = tuple[Fault, ...]  # the fault first, then what mends it

ORDINARY = ("kill", "kill", "kill", "leader", "leader", "pause", "partition", "partition", "broker", "link", "link",
            "one way", "clock", "drift", "disk full")  # fmt: skip
WOUNDS = ("older disk", "empty disk", "torn", "flipped")


class Cast(NamedTuple):
    """Who keeps to the protocol in this run, who lies, and whose disk will betray it."""

    honest: tuple[NodeId, ...]
    traitors: tuple[NodeId, ...]
    wounded: tuple[NodeId, ...]


def draw_cast(stream: Stream, shape: Shape) -> Cast:
    """At most f of the validators lie or are wounded together."""
    bad = stream.below(faults_max(len(shape.names)) + 1) if chance(stream, 75) else 0
    names = some(stream, shape.names, bad)
    lying = sum(chance(stream, 70) for _ in names)
    honest = tuple(name for name in shape.names if name not in names)
    return Cast(honest, names[:lying], names[lying:])


# --- faults ---------------------------------------------------------------------------------------------------------


def draw_faults(stream: Stream, shape: Shape, cast: Cast, arrival: Episode = ()) -> tuple[Fault, ...]:
    """Episodes one after another, each begun at a height and mended a while later; some hold a second one inside.
    `arrival`: of a newcomer, between two of them."""
    episodes = [_wound(stream, name) for name in cast.wounded]
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
        found.extend(_with(fault, None, _later_us(stream, shape)) for fault in (*inner, *others))
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
    """A fault and its repair, without times."""
    kind = choose(stream, ORDINARY)
    name = choose(stream, shape.everybody)
    match kind:
        case "kill":
            return (_kill(stream, name), Fault("restart", name))
        case "leader":
            return (_kill(stream, "leader"), Fault("restart", "last"))
        case "pause":
            return (Fault("pause", name), Fault("resume", name))
        case "broker":
            return (Fault("broker_kill"), Fault("broker_restart"))
        case "partition":
            return (Fault("partition", groups=_groups(stream, shape)), Fault("heal"))
        case "one way":
            links = tuple(_one_way(stream, shape) for _ in range(between(stream, 1, 3)))
            return (Fault("partition", links=links), Fault("heal"))
        case "link":
            return (_link_fault(stream, shape), Fault("calm"))
        case "clock":
            jump = {"wall_us": between(stream, -1_500_000, 1_500_000), "monotonic_us": stream.below(3_000_000)}
            return (Fault("clock_jump", name, options=jump),)
        case "drift":
            drift = {"wall_ppm": between(stream, -500, 500), "monotonic_ppm": between(stream, -50_000, 50_000)}
            return (Fault("clock_drift", name, options=drift), Fault("clock_drift", name))
        case _:
            return (Fault("disk_full", name), Fault("disk_free", name), Fault("restart", name))


def _kill(stream: Stream, target: str) -> Fault:
    """Now, or in the middle of what it will do next."""
    return Fault("kill", target, options={"outputs": between(stream, 1, 12)} if chance(stream, 60) else {})


def _wound(stream: Stream, name: NodeId) -> Episode:
    """A disk that comes back older, empty or damaged: the node must notice, and not vote."""
    match choose(stream, WOUNDS):
        case "older disk":
            return (Fault("disk_copy", name), Fault("kill", name), Fault("restart", name, options={"disk": "copy"}))
        case "empty disk":
            return (Fault("kill", name), Fault("restart", name, options={"disk": "empty"}))
        case "torn":
            tear = Fault("disk_tear", name, options={"blocks": between(stream, 1, 4)})
            return (tear, Fault("kill", name), Fault("restart", name))
        case _:
            flip = Fault("disk_flip", name, options={"table": choose(stream, ("any", "any", "votes", "state"))})
            return (flip, Fault("kill", name), Fault("restart", name))


def _groups(stream: Stream, shape: Shape) -> tuple[tuple[NodeId, ...], ...]:
    count = choose(stream, (2, 2, 2, 3))
    places = [stream.below(count) for _ in shape.everybody]
    groups = [
        tuple(name for name, place in zip(shape.everybody, places, strict=True) if place == group)
        for group in range(count)
    ]
    return tuple(group for group in groups if group)


def _one_way(stream: Stream, shape: Shape) -> str:
    sender, receiver = some(stream, shape.everybody, 2)
    if chance(stream, 50):
        sender, receiver = receiver, sender
    return choose(stream, (f"{sender}>{receiver}", f"{sender}>*", f"*>{receiver}"))


def _link_fault(stream: Stream, shape: Shape) -> Fault:
    links = tuple(_one_way(stream, shape) for _ in range(between(stream, 0, 2)))
    ppm = choose(stream, (100_000, 300_000, 600_000))
    match choose(stream, ("loss", "duplication", "reordering", "delay")):
        case "loss":
            return Fault("loss", links=links, options={"ppm": ppm})
        case "duplication":
            return Fault("duplication", links=links, options={"ppm": ppm})
        case "reordering":
            return Fault("reordering", links=links, options={"ppm": ppm, "late_us": shape.mean_us * 20})
        case _:
            mean_us = shape.mean_us * choose(stream, (3, 10, 30))
            options = {"mean_us": mean_us, "deviation_us": mean_us // 2, "distribution": "lognormal"}
            return Fault("delay", links=links, options=options)


def wounded(scenario: Scenario) -> frozenset[NodeId]:
    """Members whose disk forgets or is damaged: what they promised they cannot be held to."""
    found = []
    for fault in scenario.faults:
        if fault.act in ("disk_tear", "disk_flip") or fault.options.get("disk", "own") != "own":
            found.append(fault.target)
    return frozenset(found)


# --- traitors -------------------------------------------------------------------------------------------------------


def draw_behaviours(stream: Stream, shape: Shape, cast: Cast) -> tuple[BehaviourSpec, ...]:
    """One or two behaviours for each traitor, from a time on, some to the end."""
    found = []
    for name in cast.traitors:
        for _ in range(choose(stream, (1, 1, 2))):
            kind, options = _behaviour(stream, shape, cast)
            from_us = choose(stream, (0, 0, shape.timer_us, 5 * shape.timer_us))
            to_us = None if chance(stream, 50) else from_us + shape.timer_us * between(stream, 1, 20)
            found.append(BehaviourSpec(kind, name, from_us, to_us, options))
    return tuple(found)


def _behaviour(stream: Stream, shape: Shape, cast: Cast) -> tuple[str, dict[str, Any]]:
    victims = some(stream, cast.honest, between(stream, 1, len(cast.honest)))
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("silent", {"deaf": chance(stream, 30)}),
        ("slow_leader", {}),
        ("targeted_delay", {"to": victims, "delay_us": shape.timer_us * between(stream, 1, 30) // 10}),
        ("equivocating_leader", {"groups": _split(stream, shape)} if chance(stream, 60) else {}),
        ("equivocating_leader", {}),
        ("withheld_votes", {"to": victims} if chance(stream, 60) else {}),
        ("withheld_votes", {"messages": ("ViewChange", "NewView"), "to": victims}),
        ("double_votes", {"accomplice": chance(stream, 50)}),
        ("forged_messages", {"every_us": 200_000}),
        ("replayed_messages", {"every_us": 500_000, "count": 4}),
        ("poisoned_view_change", _poison(stream, shape)),
        ("poisoned_view_change", _poison(stream, shape)),
        ("bad_new_view", {"lie": choose(stream, ("orders", "drop", "few", "forged"))}),
        ("view_inflation", {"every_us": 300_000}),
        ("censorship", {"client": choose(stream, cast.honest)}),
        ("lying_catch_up", {"every_us": 1_000_000}),
        ("flooding", {"rate": choose(stream, (20, 60))}),
        ("corrupt_bytes", {"garbage": 5}),
        ("twin", {}),
    )
    return choose(stream, kinds)


def _split(stream: Stream, shape: Shape) -> tuple[tuple[NodeId, ...], ...]:
    return _groups(stream, Shape(shape.names, "", shape.mean_us, shape.timer_us))


def _poison(stream: Stream, shape: Shape) -> dict[str, Any]:
    lie = choose(stream, ("claims", "seal", "omit", "omit", "repeat"))
    return {"lie": lie, "provoke_us": choose(stream, (0, shape.timer_us, 3 * shape.timer_us))}
