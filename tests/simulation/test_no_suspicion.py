"""Nobody is suspected without a fault: neither where work comes seldom, nor where a client tells it to a few alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.scenario.load import check_scenario, load_scenario
from consortium.scenario.scenario import BehaviourSpec, Fault, Link, MemberSpec, Network, Scenario, Stop, Workload
from tests.adversary_kit import Observed, scenario

ROOT = Path(__file__).resolve().parents[2]
PROTOCOLS = ("pbft", "hotstuff")
NEVER_US = 1_000_000_000_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_consortium_with_little_to_do_keeps_its_leader(protocol: str) -> None:
    """Found with one transaction a second and no fault: 23 changes of leader in 200 transactions, and every check
    held."""
    run = Observed(load_scenario(ROOT / "scenarios" / "sparse.py", [f"protocol={protocol}", "suite=keyed-hash"]))
    assert run.notes("suspect") == run.notes("view_change") == [] and run.failed == {}


def selective(protocol: str, deaf: tuple[str, ...], interval_us: int) -> Scenario:
    """The load comes from node-4 alone, a bundle each interval, and it never tells `deaf` of any."""
    silence: dict[str, Any] = {"to": list(deaf), "delay_us": NEVER_US, "messages": ["Submission"]}
    value = Scenario(
        name="selective",
        members=tuple(
            MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]} if index == 4 else {})
            for index in range(1, 5)
        ),
        protocol=protocol,
        suite="keyed-hash",
        faults_tolerated=1,
        network=Network(default=Link(distribution="normal", mean_us=40_000, deviation_us=15_000)),
        workload=Workload(
            "settlement_load", {"transactions": 40, "bundle": 1, "interval_us": interval_us, "persons": 10}
        ),
        behaviours=(BehaviourSpec("targeted_delay", "node-4", options=silence),),
        stop=Stop(when_done=False, limit_us=42 * interval_us),
    )
    check_scenario(value)
    return value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("interval_us", [640_000, 1_000_000])
def test_a_client_that_tells_f_and_one_backups_alone_deposes_no_leader(protocol: str, interval_us: int) -> None:
    """Found by attack: whoever had the bundle told the others only after up to a whole timer, and suspected the leader
    in the same moment. Node 1 leads view 0; node 3 is the one honest member that is told."""
    run = Observed(selective(protocol, ("node-1", "node-2"), interval_us))
    assert list(run.said("node-3", "Submission")), "the control: the leader hears of the work by relay alone"
    assert len(run.notes("executed", "node-3")) > 10
    assert run.notes("suspect") == run.notes("view_change") == []


def test_a_backup_that_stood_still_for_longer_than_the_timer_suspects_nobody_and_votes_on() -> None:
    """Found under SIGSTOP: it woke to its timer, whose time had come, before it read what had arrived meanwhile. Here
    nothing arrives before that time, and all the rest after it."""
    faults = (
        Fault("partition", at_us=900_000, groups=(("node-3",),)),
        Fault("pause", "node-3", at_us=1_000_000),
        Fault("heal", at_us=2_500_000),
        Fault("resume", "node-3", at_us=3_000_000),
    )
    value = scenario(faults=faults, transactions=600, interval_us=50_000)
    run = Observed(replace(value, network=Network(Link("constant", 60_000))))
    assert run.failed == {} and run.notes("suspect") == run.notes("view_change") == []
    votes = [said for kind in ("Prepare", "Commit") for said in run.said("node-3", kind) if said.t_us > 3_100_000]
    assert len(votes) > 10
