"""A storm of kills: random members die and come back, one at a time."""

from __future__ import annotations

import msgspec

from consortium.scenario.faults.act import Act, Count, Share, Step
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream

PPM = 1_000_000


class KillStorm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`kills` in all, `leader_ppm` (parts per million) of them of the leader and the others of a random validator.
    Between two of them `wait_us` on average, with everybody up and level; each is down for `down_us` on average. The
    simulator gives `settle_us` for coming back; a real run waits until all are level."""

    kills: Count = 20
    leader_ppm: Share = 500_000
    wait_us: Count = 1_000_000
    down_us: Count = 500_000
    settle_us: Count = 3_000_000


def strokes(scenario: Scenario, fault: Fault) -> list[Step]:
    """The kills and restarts of one storm, drawn from the scenario's seed. Each kill waits until all are level."""
    options = msgspec.convert(fault.options, KillStorm)
    stream = Stream(scenario.seed, "kill storm")
    names = sorted(member.name for member in scenario.members if member.kind == "validator")
    at_us, at_height, after_us, settle_us = fault.at_us, fault.at_height, fault.after_us, 0
    found = []
    for _ in range(options.kills):
        is_leader = stream.below(PPM) < options.leader_ppm
        target = "leader" if is_leader else names[stream.below(len(names))]
        wait_us = after_us + stream.below(2 * options.wait_us + 1)
        found.append(Step(Fault("kill", target, at_us, at_height, wait_us), settle_us))
        found.append(Step(Fault("restart", "last", after_us=stream.below(2 * options.down_us + 1))))
        at_us, at_height, after_us, settle_us = None, None, options.settle_us, options.settle_us
    return found


ACTS = (
    Act(
        name="kill_storm",
        sentence="random members die and come back, one at a time",
        touches="node",
        steps=strokes,
        options=KillStorm,
    ),
)
