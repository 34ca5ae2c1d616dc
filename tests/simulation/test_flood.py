"""One member floods; nodes whose CPU costs something keep serving the others, by the rules of a real node."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consortium.node import inbox
from consortium.scenario.scenario import BehaviourSpec, Network, Stop
from consortium.simulation.costs.profile import SuiteCost
from consortium.simulation.run import Simulated, Simulation
from tests.simulation.test_cost import PROFILE, consortium

END_US = 3_000_000
SLOW = replace(PROFILE, suites={"keyed-hash": SuiteCost(1_000, 900_000)})  # a thousand votes a second are a core


def run(rate: int) -> Simulated:
    """Three members submit at their own pace, the fourth sends each of them a third of `rate` votes for nothing;
    everybody has a machine."""
    load = consortium(400, bundle=5, outstanding=300, interval_us=100_000)
    members = tuple(replace(each, settings=each.settings if each.name != "h3" else {}) for each in load.members)
    flood = BehaviourSpec("flooding", "h3", options={"rate": rate, "kinds": ["votes"]})
    scenario = replace(
        load,
        members=members,
        network=Network(load.network.default, machines="each"),
        behaviours=(flood,),
        stop=Stop(False, END_US, END_US),
    )
    return Simulation(scenario, profile=SLOW).run()


def executed(ran: Simulated) -> int:
    return sum(r["transactions"] for r in ran.trace if r["kind"] == "executed" and r["node"] == "h0")


def in_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    add = inbox.Inbox.add

    def added(self: inbox.Inbox[Any], now_us: int, publisher: str, frames: Any) -> Any:
        return add(self, now_us, "anybody", frames)

    monkeypatch.setattr(inbox.Inbox, "add", added)


def test_a_flood_of_more_than_a_core_can_verify_leaves_the_others_most_of_their_throughput(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: all waited in one queue, which is the positive control here."""
    quiet, flooded = run(0), run(6_000)
    assert executed(quiet) > 200
    assert executed(flooded) >= 0.7 * executed(quiet)
    assert not [
        record for record in flooded.trace if record["kind"] in ("suspect", "view_change") and record["node"] != "h3"
    ]
    in_one_queue(monkeypatch)
    assert executed(run(6_000)) < 0.5 * executed(quiet)
