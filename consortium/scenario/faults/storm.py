"""A storm of kills: random members die and come back, one at a time, as the fault `kill_storm` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from consortium.scenario.faults.acts import KillStorm, read_options
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream

PPM = 1_000_000


class Stroke(NamedTuple):
    """`wait_us` after the member before is back, `target` (or `leader`) dies; it is started again `down_us` later."""

    wait_us: int
    target: str
    down_us: int


def strokes(scenario: Scenario, fault: Fault) -> list[Stroke]:
    """The kills of one `kill_storm`, drawn from the scenario's seed."""
    options = read_options(fault)
    assert isinstance(options, KillStorm)
    stream = Stream(scenario.seed, "kill storm")
    names = sorted(member.name for member in scenario.members if member.kind == "validator")
    found = []
    for _ in range(options.kills):
        is_leader = stream.below(PPM) < options.leader_ppm
        target = "leader" if is_leader else names[stream.below(len(names))]
        found.append(Stroke(stream.below(2 * options.wait_us + 1), target, stream.below(2 * options.down_us + 1)))
    return found


def spread(scenario: Scenario) -> Sequence[Fault]:
    """The scenario's faults with every storm told as its kills and restarts, timed alone: what a simulator can do."""
    faults: list[Fault] = []
    for fault in scenario.faults:
        if fault.act != "kill_storm":
            faults.append(fault)
            continue
        settle_us = read_options(fault).settle_us
        at_us, at_height, after_us = fault.at_us, fault.at_height, fault.after_us
        for stroke in strokes(scenario, fault):
            wait_us = after_us + stroke.wait_us
            faults.append(Fault("kill", stroke.target, at_us=at_us, at_height=at_height, after_us=wait_us))
            faults.append(Fault("restart", "last", after_us=stroke.down_us))
            at_us, at_height, after_us = None, None, settle_us
    return faults
