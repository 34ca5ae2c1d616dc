"""One seed, one configuration: members, network, parameters, workload and faults, all drawn.

What a seed draws depends on the seed alone. Every part has a random stream of its own, so that a new kind of fault does
not reshuffle the networks that older seeds had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from consortium.behaviours import read_options
from consortium.core.draws import Shape, between, chance, choose, some
from consortium.core.genesis import Parameters
from consortium.core.membership import NodeId
from consortium.exploration.faults import Cast, draw_accomplices, draw_cast, draw_faults
from consortium.exploration.members import draw_changes, with_stewards
from consortium.exploration.traitors import draw_behaviours, draw_replays
from consortium.protocols import load_protocols
from consortium.scenario.scenario import Disk, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.scenario.streams import Stream

BATCHES_MIN = 50
LIMIT_US = 900_000_000
STALL_US = 300_000_000
CALM = "calm"  # how a seed without faults is named, in the place of `explore`
CALM_PERCENT = 8
CALM_HOPS = 20  # of its mean delay fit into T

SIZES = (4, 4, 4, 4, 5, 5, 6, 7, 7, 7, 8, 9, 10)
MEANS_US = (300, 1_000, 3_000, 10_000, 30_000)
TIMERS_US = (250_000, 500_000, 1_000_000)


def draw_under(seed: int, protocol: str) -> Scenario:
    """The scenario of a seed under this protocol, without the behaviours that it has no words for."""
    drawn = draw(seed)
    forge = load_protocols()[protocol].forge
    kept = tuple(spec for spec in drawn.behaviours if not forge.lack(spec.name, read_options(spec.name, spec.options)))
    return replace(drawn, protocol=protocol, behaviours=kept)


def draw(seed: int) -> Scenario:
    """The scenario of a seed: at least BATCHES_MIN batches to decide and FAULTS_MIN faults to meet."""
    shape = _shape(Stream(seed, "explore", "shape"))
    is_calm = chance(Stream(seed, "explore", "calm"), CALM_PERCENT)
    cast = draw_cast(Stream(seed, "explore", "cast"), shape)
    cast = draw_accomplices(Stream(seed, "explore", "accomplices"), shape, cast)
    if is_calm:
        cast = Cast(shape.names, (), ())
    workload, batch_max, loaders = _workload(Stream(seed, "explore", "workload"), cast.honest)
    workload = _resting(Stream(seed, "explore", "rests"), shape, workload, len(loaders))
    members = [
        MemberSpec(name, "hospital", "validator", {"hosts": ["loader"]} if name in loaders else {})
        for name in shape.names
    ]
    if shape.observer:
        members.append(MemberSpec(shape.observer, "regulator", "observer"))
    changes = draw_changes(Stream(seed, "explore", "members"), shape, cast, loaders)
    if changes.deeds:
        members = with_stewards(members)
        members += [changes.newcomer] if changes.newcomer else []
        workload = Workload("membership", {**workload.options, "deeds": list(changes.deeds)})
    drawn = Scenario(
        name=f"explore-{seed}",
        question=f"What seed {seed} drew: do all checks hold?",
        seed=seed,
        suite="keyed-hash",
        members=tuple(members),
        parameters=_parameters(Stream(seed, "explore", "parameters"), shape, batch_max),
        network=_network(Stream(seed, "explore", "network"), shape),
        workload=workload,
        faults=draw_faults(Stream(seed, "explore", "faults"), shape, cast, changes.arrival),
        behaviours=(
            *draw_behaviours(Stream(seed, "explore", "behaviours"), shape, cast),
            *draw_replays(Stream(seed, "explore", "replays"), cast),
        ),
        disk=_disk(Stream(seed, "explore", "disk")),
        stop=Stop(limit_us=LIMIT_US, stall_us=STALL_US),
    )
    return _calm(drawn, changes.newcomer) if is_calm else drawn


def _calm(drawn: Scenario, newcomer: MemberSpec | None) -> Scenario:
    """Without any fault, on links that lose nothing and are quick beside T: nobody may be suspected. A newcomer's node
    would begin with a fault: such a seed changes its members not at all."""
    if newcomer is not None:
        members = tuple(member for member in drawn.members if not member.joins)
        drawn = replace(drawn, members=members, workload=replace(drawn.workload, options=_without_deeds(drawn)))
    mean_us = min(drawn.network.default.mean_us, drawn.parameters.timer_base_us // CALM_HOPS)
    link = replace(drawn.network.default, mean_us=mean_us, deviation_us=mean_us // 4, loss_ppm=0)
    return replace(drawn, name=drawn.name.replace("explore", CALM), faults=(), network=Network(link))


def _without_deeds(drawn: Scenario) -> dict[str, Any]:
    return {**drawn.workload.options, "deeds": []} if "deeds" in drawn.workload.options else drawn.workload.options


def _shape(stream: Stream) -> Shape:
    count = choose(stream, SIZES)
    observer = "watcher" if chance(stream, 15) else ""
    return Shape(
        tuple(f"m{place}" for place in range(count)), observer, choose(stream, MEANS_US), choose(stream, TIMERS_US)
    )


def _disk(stream: Stream) -> Disk:
    return Disk(choose(stream, (0, 200, 200, 5_000)), choose(stream, (0, 1_000, 20_000)))


def _workload(stream: Stream, honest: Sequence[NodeId]) -> tuple[Workload, int, tuple[NodeId, ...]]:
    """Bundles of several sizes, of honest members; so many that even full batches make BATCHES_MIN of them."""
    bundle = choose(stream, (1, 1, 1, 2, 3))
    bundles_a_batch = choose(stream, (1, 1, 1, 2))
    loaders = some(stream, honest, between(stream, 1, len(honest)))
    bundles = BATCHES_MIN * bundles_a_batch + between(stream, 0, 10)
    each = -(-bundles // len(loaders))
    options = {
        "transactions": each * len(loaders) * bundle,
        "bundle": bundle,
        "outstanding": bundle * choose(stream, (2, 4, 10)),
        "interval_us": choose(stream, (0, 0, 20_000, 100_000)) * len(loaders),
        "persons": 2,
    }
    return Workload("settlement_load", options), bundle * bundles_a_batch, loaders


def _resting(stream: Stream, shape: Shape, workload: Workload, loaders: int) -> Workload:
    """Of three seeds in ten the load falls idle now and then: for a few timers, or for longer than a minute. It is one
    bundle at a time in some of them."""
    options = workload.options
    each = options["transactions"] // options["bundle"] // loaders
    rests = between(stream, 1, 3)
    pace_us = choose(stream, (5_000, 50_000, 4 * shape.timer_us)) * loaders
    rest_us = choose(stream, (3 * shape.timer_us, 10 * shape.timer_us, 65_000_000))
    if not chance(stream, 30):
        return workload
    pause = {
        "interval_us": options["interval_us"] or pace_us,
        "rest_every": -(-each // (rests + 1)),
        "rest_us": rest_us,
    }
    return Workload(workload.source, {**options, **pause})


def _parameters(stream: Stream, shape: Shape, batch_max: int) -> Parameters:
    interval = choose(stream, (2, 4, 8, 8, 16))
    return Parameters(
        checkpoint_interval=interval,
        window=interval * choose(stream, (1, 2, 2, 3)),
        batches_in_flight=choose(stream, (1, 2, 4, 8)),
        batch_transactions_max=batch_max,
        batch_delay_us=choose(stream, (0, 0, 0, 2_000, 20_000)),
        timer_base_us=shape.timer_us,
        timer_cap_us=shape.timer_us * choose(stream, (8, 16, 64)),
        idle_seal_us=choose(stream, (200_000, 1_000_000, 2_000_000)),
        snapshot_gap=choose(stream, (5, 12, 30, 10_000)),
    )


def _network(stream: Stream, shape: Shape) -> Network:
    links: dict[str, Link] = {}
    if chance(stream, 40):
        for _ in range(between(stream, 1, 4)):
            sender, receiver = some(stream, shape.everybody, 2)
            if chance(stream, 50):
                sender, receiver = receiver, sender
            pattern = choose(stream, (f"{sender}>{receiver}", f"{sender}>*", f"*>{receiver}"))
            links[pattern] = _link(stream, shape.mean_us * choose(stream, (1, 3, 10)), (0, 100_000, 300_000))
    return Network(_link(stream, shape.mean_us, (0, 0, 10_000, 50_000, 150_000)), links)


def _link(stream: Stream, mean_us: int, losses_ppm: Sequence[int]) -> Link:
    return Link(
        choose(stream, ("constant", "normal", "lognormal", "lognormal")),
        mean_us,
        mean_us * choose(stream, (0, 1, 2, 6)) // 2,
        choose(stream, losses_ppm),
        choose(stream, (0, 0, 50_000, 300_000)),
    )
