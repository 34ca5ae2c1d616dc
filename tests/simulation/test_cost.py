"""CPU in virtual time: who waits for a core, what a step costs, and that faults mean the same with it."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.lab.checks.claims import judge
from consortium.lab.measures.measures import cpu_costs, measure
from consortium.lab.pages.report import build_report
from consortium.runs.run import Run
from consortium.runs.trace import fingerprint
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.simulation.clock import Clock, Due
from consortium.simulation.costs.cores import Cores
from consortium.simulation.costs.priced_node import PricedNodes
from consortium.simulation.costs.profile import (
    COLD_MAX_NS,
    REST,
    BrokerCost,
    BusCost,
    HostCost,
    Profile,
    ProfileError,
    StoreCost,
    SuiteCost,
    Warmth,
    encode_profile,
    load_profile,
)
from consortium.simulation.run import Simulated, Simulation

PROFILE = Profile(
    "made up",
    cores=2,
    suites={"keyed-hash": SuiteCost(20_000, 50_000)},
    host=HostCost(20_000, 500, 10, 3_000, 10_000, 50_000, 150_000, 20_000, 1_000),
    bus=BusCost(20_000, 200, 30_000, 300, 30_000, 10_000),
    store=StoreCost(100_000, 500, 150_000, 1_500, 2_000, 100_000),
    broker="embedded",
    brokers={"embedded": BrokerCost(60_000, 500, 6_000, 200, 20_000, 10_000), "other": BrokerCost()},
)


def consortium(transactions: int = 40, faults: tuple[Fault, ...] = (), **options: Any) -> Scenario:
    members = tuple(MemberSpec(f"h{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(4))
    return Scenario(
        "costs",
        members,
        suite="keyed-hash",
        network=Network(Link(mean_us=0)),
        workload=Workload("settlement_load", {"transactions": transactions, "persons": 5, **options}),
        faults=faults,
        stop=Stop(True, 60_000_000),
    )


def run(scenario: Scenario, profile: Profile | None = PROFILE) -> tuple[Simulation, Simulated]:
    simulation = Simulation(scenario, profile=profile)
    return simulation, simulation.run()


# --- cores -----------------------------------------------------------------------------------------------------------


def done_at(costs_ns: list[int], cores: int) -> list[int]:
    clock = Clock(0)
    machine = Cores(clock, cores)
    ends = [0] * len(costs_ns)

    def end(index: int) -> None:
        ends[index] = clock.now_us

    for index, cost_ns in enumerate(costs_ns):
        machine.take(cost_ns, lambda index=index: end(index))  # type: ignore[misc]
    while (item := clock.pop()) is not None:
        assert isinstance(item, Due)
        item.act()
    assert machine.spent_ns == sum(costs_ns)
    return ends


def test_two_cores_do_two_things_at_once_and_the_third_waits() -> None:
    assert done_at([500_000] * 3, 2) == [500, 500, 1_000]
    assert done_at([500_000] * 3, 1) == [500, 1_000, 1_500]


def test_long_work_keeps_short_work_waiting_no_longer_than_a_slice() -> None:
    assert done_at([10_000_000, 100_000], 1) == [10_100, 1_100]


def test_what_is_less_than_a_microsecond_is_owed_and_not_lost() -> None:
    assert done_at([400] * 10, 1)[-1] == 4


def test_idle_time_makes_work_cold_up_to_a_bound() -> None:
    warmth = Warmth(replace(PROFILE, idle_ppm=3_000_000, busy_ppm=1_500_000))
    assert warmth.cost_ns(COLD_MAX_NS) == 3 * COLD_MAX_NS, "a process begins cold"
    assert warmth.cost_ns(1_000) == 1_500
    warmth.rest(2 * REST)
    assert warmth.cost_ns(3_000) == 2 * 3_000 + 1_500
    warmth.rest(10**9)
    assert warmth.cost_ns(2 * COLD_MAX_NS) == 3 * COLD_MAX_NS + COLD_MAX_NS * 3 // 2


# --- runs ------------------------------------------------------------------------------------------------------------


def test_without_a_profile_cpu_is_free_and_the_run_says_so() -> None:
    _, free = run(consortium(), None)
    assert free.trace[0]["profile"] == "" and not cpu_costs(free.trace)
    _, paid = run(consortium())
    assert (paid.trace[0]["profile"], paid.trace[0]["profile_broker"], paid.trace[0]["cores"]) == (
        "made up", "embedded", 2,
    )  # fmt: skip
    assert free.is_done and paid.is_done


def test_the_report_says_what_cpu_cost() -> None:
    for profile, words in ((None, "CPU was free"), (PROFILE, "profile made up says (2 cores, broker embedded)")):
        scenario = consortium()
        simulation, simulated = run(scenario, profile)
        result = Run(scenario, simulation.genesis, simulated.trace, simulated.ledgers)
        assert words in build_report(result, judge(result), measure(simulated.trace))


def test_a_profile_that_costs_nothing_decides_and_executes_the_same() -> None:
    def blocks(simulated: Simulated) -> set[tuple[int, str]]:
        executed = (record for record in simulated.trace if record["kind"] == "executed")
        return {(record["height"], record["state_root"]) for record in executed}

    scenario = consortium(interval_us=50_000)
    (_, free), (_, nothing) = run(scenario, None), run(scenario, Profile("nothing"))
    assert blocks(free) == blocks(nothing) and len(blocks(free)) > 5


def test_the_same_seed_and_profile_give_the_same_trace() -> None:
    assert fingerprint(run(consortium())[1].trace) == fingerprint(run(consortium())[1].trace)


def test_each_node_pays_for_its_own_verifying_though_it_is_done_once() -> None:
    _, paid = run(consortium(40))
    verify_us = [costs["verify_us"] for costs in cpu_costs(paid.trace).values()]
    assert len(verify_us) == 4 and min(verify_us) >= 30 * 50, "the others' bundles, and all votes"
    _, dearer = run(consortium(40), replace(PROFILE, suites={"keyed-hash": SuiteCost(20_000, 100_000)}))
    more_us = [costs["verify_us"] for costs in cpu_costs(dearer.trace).values()]
    assert all(more > 1.5 * less for more, less in zip(more_us, verify_us, strict=True))


def test_nodes_that_share_cores_wait_for_one_another() -> None:
    scenario = consortium(1_000, outstanding=100)
    each = replace(scenario, network=replace(scenario.network, machines="each"))
    rates = {}
    for name, chosen, cores in (("one core", scenario, 1), ("four cores", scenario, 4), ("a machine each", each, 2)):
        simulation, simulated = run(chosen, replace(PROFILE, cores=cores))
        assert simulated.is_done
        rates[name] = measure(simulated.trace)["throughput"]
        assert isinstance(simulation.driver, PricedNodes)
        assert simulation.driver.cores("").spent_ns <= cores * simulated.ended_us * 1_000
    assert 1.5 * rates["one core"] < rates["four cores"] < rates["a machine each"]


def test_what_the_cores_spent_is_what_the_nodes_and_the_broker_were_charged() -> None:
    simulation, _ = run(consortium(), replace(PROFILE, brokers={"embedded": BrokerCost()}))
    assert isinstance(simulation.driver, PricedNodes)
    charged = sum(spent.cpu_ns for spent in simulation.driver.spent.values())
    assert 0.99 * charged <= simulation.driver.cores("").spent_ns <= charged
    by_cost = sum(sum(spent.ns.values()) for spent in simulation.driver.spent.values())
    assert by_cost == charged, "with both factors at 1, the parts make the whole"


def test_traffic_and_queues_are_told_with_a_profile_too() -> None:
    scenario = consortium(1_000, outstanding=100)
    _, free = run(scenario, None)
    simulation, paid = run(scenario, replace(PROFILE, cores=1))
    assert {record["kind"] for record in free.trace} | {"cost"} == {record["kind"] for record in paid.trace}
    assert all(node.traffic.messages > 10 for node in simulation.nodes.values())
    depths = [record["inbox"] for record in paid.trace if record["kind"] == "queues"]
    assert max(depths) > 0, "a slow node has frames that wait"


def test_a_slower_broker_makes_a_slower_consortium() -> None:
    scenario = consortium(interval_us=50_000)
    slow = replace(PROFILE, brokers={"embedded": BrokerCost(2_000_000)})
    latencies = [measure(run(scenario, profile)[1].trace)["latency_p50"] for profile in (PROFILE, slow)]
    assert latencies[1] > latencies[0] + 6


@pytest.mark.parametrize(
    "faults",
    [
        (Fault("kill", "leader", at_us=300_000), Fault("restart", "last", after_us=400_000)),
        (Fault("pause", "h1", at_us=300_000), Fault("resume", "h1", after_us=900_000)),
        (Fault("broker_kill", at_us=300_000), Fault("broker_restart", after_us=300_000)),
        (Fault("kill", "h2", at_us=200_000, options={"outputs": 7}), Fault("restart", "h2", after_us=300_000)),
        (Fault("disk_full", "h3", at_us=300_000), Fault("disk_free", "h3", after_us=200_000), Fault("restart", "h3")),
        (Fault("disk_flip", "h1", at_us=300_000), Fault("restart", "h1", after_us=100_000)),
        (Fault("loss", at_us=100_000, options={"ppm": 200_000}), Fault("calm", after_us=500_000)),
    ],
    ids=lambda faults: str(faults[0].act),
)
def test_faults_mean_the_same_where_cpu_costs(faults: tuple[Fault, ...]) -> None:
    scenario = consortium(80, faults, interval_us=50_000)
    simulation, simulated = run(scenario)
    result = Run(scenario, simulation.genesis, simulated.trace, simulated.ledgers)
    assert simulated.is_done and [verdict.name for verdict in judge(result) if verdict.fails] == []


def test_a_step_that_a_crash_cuts_short_leaves_nothing() -> None:
    """At a million times the cost the first step lasts until the crash: nobody hears of it."""
    slow = replace(PROFILE, host=HostCost(event_ns=3_000_000_000))
    scenario = replace(
        consortium(4, (Fault("kill", "h0", at_us=1_000_000),)),
        stop=Stop(True, 2_500_000),
    )
    _, simulated = run(scenario, slow)
    told = ("cost", "queues", "storage", "traffic")  # of nodes, by the simulation
    said = [record for record in simulated.trace if record["node"] == "h0" and record["kind"] not in told]
    assert all(record["t_us"] < 1_000_000 for record in said)


# --- profiles --------------------------------------------------------------------------------------------------------


def test_a_profile_survives_its_file_and_another_broker_may_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_bytes(encode_profile(PROFILE))
    assert load_profile(path) == PROFILE
    assert load_profile(path, "other").broker == "other"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((b'"format": 1', b'"format": 9'), "format 9; this version reads format 1"),
        ((b'"cores": 2', b'"cores": 0'), "cores=0"),
        ((b'"event_ns": 20000', b'"event_ns": -1'), "event_ns=-1"),
        ((b'"event_ns": 20000', b'"event_n": 1'), "no profile.*event_n"),
        ((b'"busy_ppm": 1000000', b'"busy_ppm": 0'), "above 0"),
        ((b'"broker": "embedded"', b'"broker": "amqp"'), "nothing of the broker 'amqp'; it knows embedded, other"),
        ((b"{", b""), "no profile"),
    ],
)
def test_a_profile_that_cannot_be_used_is_told_in_a_sentence(
    tmp_path: Path, change: tuple[bytes, bytes], words: str
) -> None:
    path = tmp_path / "profile.json"
    path.write_bytes(encode_profile(PROFILE).replace(*change, 1))
    with pytest.raises(ProfileError, match=words):
        load_profile(path)
    with pytest.raises(ProfileError, match="consortium calibrate --out"):
        load_profile(tmp_path / "none.json")


def test_the_faults_of_the_repository_are_survived_with_a_profile() -> None:
    scenario = load_scenario(Path("scenarios/faults/crash_and_restart.py"))
    simulation, simulated = run(scenario, replace(PROFILE, suites={"ed25519": SuiteCost(20_000, 50_000)}))
    result = Run(scenario, simulation.genesis, simulated.trace, simulated.ledgers)
    assert [verdict.name for verdict in judge(result) if verdict.fails] == []
