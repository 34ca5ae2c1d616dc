"""The whole cluster dies at once, again and again: nobody is left who remembers anything but by its disk."""

from __future__ import annotations

import msgspec

from consortium.scenario.faults.act import Act, Count, Step
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream


class ClusterKills(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kills` of everybody. Between two of them `wait_us` on average, with everybody up and level; all are down for
    `down_us` on average. The simulator gives `settle_us` for coming back; a real run waits until all are level."""

    kills: Count = 15
    wait_us: Count = 1_000_000
    down_us: Count = 500_000
    settle_us: Count = 5_000_000


def strokes(scenario: Scenario, fault: Fault) -> list[Step]:
    """The kills and restarts of all members, drawn from the scenario's seed. They come back in another order each
    time."""
    options = msgspec.convert(fault.options, ClusterKills)
    stream = Stream(scenario.seed, "cluster kills")
    names = sorted(member.name for member in scenario.members)
    at_us, at_height, after_us, settle_us = fault.at_us, fault.at_height, fault.after_us, 0
    found = []
    for _ in range(options.kills):
        wait_us = after_us + stream.below(2 * options.wait_us + 1)
        found.append(Step(Fault("kill", names[0], at_us, at_height, wait_us), settle_us))
        found += [Step(Fault("kill", name)) for name in names[1:]]
        turn = stream.below(len(names))
        first, *others = names[turn:] + names[:turn]
        found.append(Step(Fault("restart", first, after_us=stream.below(2 * options.down_us + 1))))
        found += [Step(Fault("restart", name)) for name in others]
        at_us, at_height, after_us, settle_us = None, None, options.settle_us, options.settle_us
    return found


ACTS = (
    Act(
        name="cluster_kills",
        sentence="all members die at one moment and come back, again and again",
        touches="node",
        steps=strokes,
        options=ClusterKills,
    ),
)
