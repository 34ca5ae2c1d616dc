"""Messages, queues and storage out of the notes of drivers."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.lab.measures import traffic
from consortium.lab.measures.measures import measure
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.simulation.costs.profile import HostCost, Profile
from consortium.simulation.run import Simulation

QUICK, SLOW = (Profile("made up", host=HostCost(event_ns=ns)) for ns in (20_000, 3_000_000))


def record(t_us: int, node: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"t_us": t_us, "node": node, "kind": kind, **fields}


def test_the_last_note_of_each_life_counts_and_lives_are_added_up() -> None:
    trace = [
        record(0, "a", "booted", records=0),
        record(0, "b", "booted", records=0),
        record(0, "c", "booted", records=0),
        record(5, "a", "traffic", life=1, sent=[["*", "Commit", 2, 200]]),
        record(9, "a", "traffic", life=1, sent=[["*", "Commit", 3, 300], ["b", "Body", 1, 5_000]]),
        record(20, "a", "traffic", life=2, sent=[["*", "Commit", 1, 100]]),
    ]
    said = traffic.said(trace)
    assert said == [traffic.Said("a", "*", "Commit", 4, 400), traffic.Said("a", "b", "Body", 1, 5_000)]
    assert traffic.by_kind(said, 3) == {"Body": (1, 1, 5_000), "Commit": (4, 8, 400)}
    figures = measure(trace)
    assert (figures["messages"], figures["deliveries"], figures["bytes_published"]) == (5, 9, 5_400)


def test_a_queue_holds_its_depth_until_the_next_note() -> None:
    trace = [
        record(0, "a", "queues", pool=4, inbox=0, outbox=0),
        record(50, "a", "queues", pool=0, inbox=0, outbox=0),
        record(50, "b", "queues", pool=10, inbox=0, outbox=0),
        record(100, "", "ended", verdict="done"),
    ]
    assert traffic.queue_means(trace, "pool") == (pytest.approx((4 * 50 + 10 * 50) / 2 / 100), 10)
    assert traffic.queue_means([], "pool") is None


@pytest.mark.parametrize(("members", "profile"), [(4, None), (7, None), (4, QUICK)])
def test_a_simulated_run_says_as_many_votes_as_the_protocol_has(members: int, profile: Profile | None) -> None:
    """PBFT without faults: a block is one PRE-PREPARE, n - 1 PREPAREs and n COMMITs on the bus, and no more."""
    trace = Simulation(count_scenario(members), profile=profile).run().trace
    blocks = measure(trace)["blocks"]
    kinds = traffic.by_kind(traffic.said(trace), members)
    assert [kinds[name][0] / blocks for name in ("PrePrepare", "Prepare", "Commit")] == [1, members - 1, members]
    assert kinds["Commit"][1] == blocks * members * (members - 1)
    figures = measure(trace)
    assert figures["ledger_bytes"] > 10_000


def test_frames_wait_for_a_node_that_has_no_time_and_where_cpu_is_free_none_does() -> None:
    waiting = [measure(Simulation(count_scenario(4), profile=each).run().trace)["inbox_max"] for each in (None, SLOW)]
    assert waiting[0] == 0
    assert waiting[1] > 0


def count_scenario(members: int) -> Scenario:
    return Scenario(
        name="count",
        suite="keyed-hash",
        members=tuple(MemberSpec(f"m{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(members)),
        workload=Workload("settlement_load", {"transactions": 10 * members, "interval_us": 100_000, "persons": 2}),
    )
