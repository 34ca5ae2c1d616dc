"""Both levels of the simulator, and the votes that are counted without a step, give the same run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consortium.contracts import load_contracts
from consortium.core.genesis import Parameters
from consortium.core.machine import Rows
from consortium.ledger.rows import END
from consortium.ledger.verify import verify_ledger
from consortium.node.host import NO_COUNTERS
from consortium.protocols.pbft import PROTOCOL
from consortium.scenario.scenario import BehaviourSpec, Disk, Fault, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.simulation.free_node import FreeNodes
from consortium.simulation.run import Record, Simulated, Simulation
from tests.sampling import examples

NORMAL = Link("normal", 20_000, 5_000)


def scenario_of(n: int, link: Link = NORMAL, **fields: object) -> Scenario:
    loads: dict[str, list[str]] = {"hosts": ["loader"]}
    made = Scenario(
        name="levels",
        suite="plain",
        members=tuple(
            MemberSpec(f"m{place:03}", "hospital", settings=loads if place < 2 else {}) for place in range(n)
        ),
        parameters=Parameters(checkpoint_interval=4, window=8, batch_transactions_max=2, idle_seal_us=400_000),
        network=Network(link),
        workload=Workload("settlement_load", {"transactions": 24, "outstanding": 3, "persons": 1}),
        disk=Disk(0, 0),
        stop=Stop(limit_us=120_000_000, stall_us=40_000_000),
        is_recalled=True,
    )
    return replace(made, **fields)


def story(result: Simulated) -> list[Record]:
    """All but the record that names the level."""
    return [record for record in result.trace if record["kind"] != "run"]


def ledger_of(rows: Rows) -> dict[str, list[tuple[bytes, bytes]]]:
    """Headers, receipts and state; not who signed."""
    return {table: list(rows.range(table, b"", END)) for table in ("block", "batch", "receipt", "state")}


def assert_alike(scenario: Scenario) -> int:
    """The whole trace and all ledgers, at both levels; how many groups of votes were collapsed."""
    one, other = Simulation(scenario, level="message"), Simulation(scenario, level="collapsed")
    first, second = one.run(), other.run()
    assert story(first) == story(second)
    for name, rows in first.ledgers.items():
        assert ledger_of(rows) == ledger_of(second.ledgers[name])
    assert isinstance(other.driver, FreeNodes) and other.driver.collapse is not None
    return other.driver.collapse.count


FAULTS: dict[str, tuple[Fault, ...]] = {
    "none": (),
    "crash": (Fault("kill", "m002", at_height=3), Fault("restart", "m002", after_us=700_000)),
    "crash of the leader": (Fault("kill", "leader", at_height=3), Fault("restart", "last", after_us=2_000_000)),
    "partition": (Fault("partition", at_height=2, groups=(("m000", "m001"),)), Fault("heal", after_us=1_500_000)),
    "pause": (Fault("pause", "m003", at_height=4), Fault("resume", "m003", after_us=300_000)),
    "loss": (Fault("loss", at_height=2, links=("m001>*",), options={"ppm": 200_000}), Fault("calm", after_us=900_000)),
    "clock": (Fault("clock_jump", "m001", at_height=3, options={"wall_us": 5_000, "monotonic_us": 90_000}),),
}
BEHAVIOURS = ("silent", "double_votes", "replayed_messages", "withheld_votes", "view_inflation")


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    mean_us = draw(st.sampled_from((1_000, 20_000, 90_000)))
    distribution = draw(st.sampled_from(("constant", "normal", "lognormal")))
    behaviours: tuple[BehaviourSpec, ...] = ()
    if draw(st.integers(0, 3)) == 0:
        begins_us = draw(st.sampled_from((0, 150_000)))
        behaviours = (BehaviourSpec(draw(st.sampled_from(BEHAVIOURS)), "m003", begins_us, begins_us + 400_000),)
    return scenario_of(
        draw(st.integers(4, 9)),
        Link(distribution, mean_us, draw(st.sampled_from((0, mean_us // 5, mean_us)))),
        seed=draw(st.integers(0, 1 << 20)),
        faults=FAULTS[draw(st.sampled_from(sorted(FAULTS)))],
        behaviours=behaviours,
        disk=draw(st.sampled_from((Disk(0, 0), Disk()))),
        is_recalled=draw(st.booleans()),
        parameters=Parameters(
            checkpoint_interval=draw(st.sampled_from((2, 4))),
            window=8,
            batches_in_flight=draw(st.sampled_from((1, 4))),
            batch_transactions_max=draw(st.sampled_from((1, 3))),
            idle_seal_us=400_000,
        ),
    )


@settings(max_examples=examples(32), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(scenarios())
def test_collapsed_votes_decide_what_single_ones_do_at_the_same_times(scenario: Scenario) -> None:
    assert_alike(scenario)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_each_fault_in_the_middle_ends_the_collapse_and_changes_nothing_else(name: str) -> None:
    assert assert_alike(scenario_of(7, faults=FAULTS[name])) > 0


def test_a_dissolved_group_takes_its_place_among_all_that_arrives_at_one_instant() -> None:
    """Constant delays: votes laid out late, when a collapse ends, arrive together with what was sent after them."""
    assert assert_alike(scenario_of(4, Link("constant", 40_000), disk=Disk(5_000, 20_000), is_recalled=False)) > 0


def test_what_is_a_repeat_to_one_that_was_paused_is_one_at_both_levels() -> None:
    """All that came in a pause is heard at one moment: what was said twice in it is dropped as a repeat of the bus."""
    pause = (Fault("pause", "m007", at_height=1), Fault("resume", "m007", after_us=781_763))
    assert_alike(
        scenario_of(8, Link("normal", 500, 500), protocol="solo", faults=pause, is_recalled=False, disk=Disk())
    )


def test_among_many_only_signers_of_certificates_differ() -> None:
    """Beyond 128 nodes all share one certificate a vote; two batches, so that it stays short."""
    load = Workload("settlement_load", {"transactions": 2, "outstanding": 2, "persons": 1})
    scenario = scenario_of(131, workload=load, parameters=Parameters(batch_transactions_max=1, idle_seal_us=100_000))
    assert assert_alike(scenario) >= 3
    simulation = Simulation(scenario, level="collapsed")
    rows = simulation.run().ledgers["m130"]
    assert verify_ledger(simulation.genesis, rows, load_contracts(), PROTOCOL).height == 2  # with all its certificates


def test_what_is_compared_differs_where_runs_differ() -> None:
    """The positive control of the comparison."""
    first, second = (Simulation(scenario_of(5, seed=seed)).run() for seed in (1, 2))
    assert story(first) != story(second)


def test_a_vote_that_is_counted_leaves_what_its_step_would_have_left() -> None:
    """The same run with and without the short way."""
    scenario = scenario_of(7, Link("lognormal", 20_000, 20_000))
    counted, stepped = Simulation(scenario), Simulation(scenario)
    stepped.begin()
    for node in stepped.nodes.values():
        assert node.host is not None and node.host.counters
        node.host.host.counters = NO_COUNTERS
    assert story(counted.run()) == story(stepped.run())
