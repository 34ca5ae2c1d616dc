"""How long a silence may last before it is one: what the network and the protocol take in ordinary service."""

from __future__ import annotations

from functools import cache

from consortium.protocols import load_protocols
from consortium.scenario.network.distributions import draw_us
from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Link, Scenario
from consortium.scenario.streams import Stream

SILENCE_MIN_US = 500_000
DECISIONS = 2  # a silence is longer than so many decisions one after another take
MEMBERS_MAX = 100  # regions are taken in turns: more members have no other links
DRAWS, USUAL = 1_000, 95  # of so many delays of a link so many percent are no longer than its usual one


def silence_us(scenario: Scenario, *, is_simulated: bool) -> int:
    """At least SILENCE_MIN_US. On slow links DECISIONS times the way of a bundle to its execution, over the slowest
    link and hop by hop as the protocol has them, with a leader's wait for a batch. A real run has its network only
    where the scenario bends it there, too."""
    if not (is_simulated or scenario.network.in_real_runs):
        return SILENCE_MIN_US
    model = NetworkModel(scenario.network, 0, [member.name for member in scenario.members])
    names = [member.name for member in scenario.members][:MEMBERS_MAX]
    links = {model.common} if model.common is not None else {
        model.spec(one, other) for one in names for other in names if one != other}  # fmt: skip
    hop_us = max((_usual_us(link) for link in links), default=0)
    hops = load_protocols()[scenario.protocol].hops
    return max(SILENCE_MIN_US, DECISIONS * (hops * hop_us + scenario.parameters.batch_delay_us))


@cache
def _usual_us(link: Link) -> int:
    stream = Stream(0, "the usual hop")
    return sorted(draw_us(link, stream) for _ in range(DRAWS))[DRAWS * USUAL // 100]
