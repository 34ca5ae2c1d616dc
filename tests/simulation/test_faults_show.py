"""Each fault does what it says, in the simulator; and with all of them all claims hold.

Where a fault is of the disk, the simulated disk keeps the promises that a real node's disk keeps: nothing leaves
past an unsynced `Store`, a crash loses what is not durable, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.scenario.faults import load_acts
from consortium.scenario.faults.fate import Fate
from consortium.scenario.load import ScenarioError, check_runs_locally, load_scenario
from consortium.scenario.scenario import BehaviourSpec, Disk, Fault, Link, Network, Scenario
from consortium.simulation.simulated_node import EXIT_STORE
from tests.adversary_kit import Observed, observe, scenario
from tests.sampling import sampled

FOLDER = Path(__file__).resolve().parent.parent.parent / "scenarios" / "faults"
SMALL = 3_000  # transactions: larger scenarios are for the command line
AT = 800_000


def _path(path: Path) -> Scenario:
    return load_scenario(path, ["suite=keyed-hash"])


def _executed(run: Observed, node: str, from_us: int, to_us: int) -> int:
    return sum(from_us < record["t_us"] <= to_us for record in run.notes("executed", node))


def _votes(run: Observed, node: str, from_us: int) -> int:
    return sum(said.t_us > from_us for kind in ("Prepare", "Commit") for said in run.said(node, kind))


# --- crashes and disks -----------------------------------------------------------------------------------------------


def test_nothing_leaves_before_it_is_durable() -> None:
    """A slow disk shows it: each vote leaves one sync after the step that gave it."""
    run = observe(disk=Disk(sync_us=20_000, commit_us=40_000), transactions=40)
    proposed = {note["height"]: note["t_us"] for note in run.notes("proposed", "node-1")}
    orders: dict[int, int] = {}
    for said in run.said("node-1", "PrePrepare"):
        message: Any = said.message
        orders.setdefault(message.height, said.t_us)
    assert proposed and min(orders[height] - t_us for height, t_us in proposed.items()) >= 20_000


def test_a_kill_may_strike_between_two_outputs_of_one_step() -> None:
    """After so many outputs the node is silent, whatever its step had still to say; and no vote is given twice."""
    sent = []
    for outputs in (1, 2, 4, 8):
        kill = Fault("kill", "node-2", at_us=AT, options={"outputs": outputs})
        run = observe(faults=[kill, Fault("restart", "node-2", after_us=600_000)], interval_us=40_000, transactions=240)
        sent.append(sum(AT <= seen.t_us < AT + 600_000 for seen in run.frames if seen.sender == "node-2"))
        assert run.double_said("Prepare") == run.double_said("Commit") == {}
        assert not run.notes("observing")
    assert sent == sorted(sent) and sent[0] < sent[-1] <= 8


@pytest.mark.parametrize("disk", [Disk(0, 0), Disk(5_000, 0), Disk(0, 50_000), Disk(3_000, 200_000)])
def test_a_crash_loses_what_is_not_durable_and_nothing_more(disk: Disk) -> None:
    faults = [
        Fault("kill", "node-2", at_us=AT),
        Fault("restart", "node-2", after_us=300_000),
        Fault("kill", "node-1", after_us=300_000),
        Fault("restart", "node-1", after_us=300_000),
    ]
    run = observe(faults=faults, disk=disk, interval_us=40_000, transactions=240)
    assert not run.notes("observing")
    assert run.double_said("Commit") == {}


def test_all_nodes_at_once_lose_nothing_that_was_acknowledged() -> None:
    names = ["node-1", "node-2", "node-3", "node-4"]
    faults = [Fault("kill", name, at_us=AT) for name in names] + [Fault("restart", name, at_us=AT) for name in names]
    observe(faults=faults, disk=Disk(sync_us=2_000, commit_us=100_000), transactions=240)


@pytest.mark.parametrize("which", ["copy", "empty"])
def test_a_node_with_an_older_or_empty_disk_does_not_vote_at_once(which: str) -> None:
    faults = [
        Fault("disk_copy", "node-4", at_us=400_000),
        Fault("kill", "node-4", at_us=AT),
        Fault("restart", "node-4", after_us=300_000, options={"disk": which}),
    ]
    run = observe(faults=faults, transactions=240, interval_us=50_000)
    assert run.notes("observing", "node-4")
    assert _votes(run, "node-4", AT) == 0 < _votes(run, "node-3", AT)
    assert run.double_said("Prepare") == {}


@pytest.mark.parametrize("protocol", ["pbft", "hotstuff"])
def test_a_wiped_node_votes_again_when_the_others_have_sealed_enough(protocol: str) -> None:
    faults = [
        Fault("kill", "node-4", at_us=AT),
        Fault("restart", "node-4", after_us=300_000, options={"disk": "empty"}),
    ]
    small = scenario(faults=faults, transactions=480, interval_us=50_000, checkpoint_interval=4, window=8)
    run = Observed(replace(small, protocol=protocol))
    assert run.failed == {}
    (observed,), (bound,), (again,) = (run.notes(kind, "node-4") for kind in ("observing", "bound", "votes_again"))
    assert observed["t_us"] < bound["t_us"] < again["t_us"] and bound["height"] < again["height"]
    votes = [said for kind in ("Prepare", "Commit", "Ballot") for said in run.said("node-4", kind)]
    voted = [said.t_us for said in votes if said.t_us > AT]
    assert len(voted) > 10 and min(voted) >= again["t_us"]


def test_a_copied_disk_that_lacks_no_vote_is_as_good_as_the_own_one() -> None:
    faults = [
        Fault("pause", "node-4", at_us=AT),
        Fault("disk_copy", "node-4"),
        Fault("kill", "node-4"),
        Fault("restart", "node-4", after_us=300_000, options={"disk": "copy"}),
    ]
    run = observe(faults=faults, transactions=240, interval_us=50_000)
    assert not run.notes("observing")
    assert _votes(run, "node-4", AT + 300_000) > 0


def test_a_full_disk_stops_the_node_before_it_says_what_it_could_not_keep() -> None:
    faults = [Fault("disk_full", "node-2", at_us=AT), Fault("restart", "node-2", at_us=1_500_000)]
    free = [Fault("disk_free", "node-2", at_us=2_000_000), Fault("restart", "node-2", at_us=2_000_000)]
    run = observe(faults=[*faults, *free], transactions=480, interval_us=50_000)
    exits = run.notes("exited", "node-2")
    assert [note["code"] for note in exits] == [EXIT_STORE, EXIT_STORE]
    assert "no space" in exits[0]["why"] and AT < exits[0]["t_us"] < 1_000_000 < exits[1]["t_us"]
    assert not [seen for seen in run.frames if seen.sender == "node-2" and exits[0]["t_us"] <= seen.t_us < 1_500_000]
    assert run.double_said("Commit") == {}
    assert _votes(run, "node-2", 2_000_000) > 0 and not run.notes("observing")


def test_torn_votes_are_missed_by_others_and_the_node_observes() -> None:
    at_us = 540_000  # between two seals, so that what is torn off are votes
    faults = [
        Fault("disk_tear", "node-3", at_us=at_us, options={"blocks": 4}),
        Fault("kill", "node-3", at_us=at_us),
        Fault("restart", "node-3", after_us=200_000),
    ]
    run = observe(faults=faults, transactions=240, interval_us=50_000)
    assert run.notes("damaged", "node-3") and run.notes("observing", "node-3")
    assert _votes(run, "node-3", at_us) == 0


@pytest.mark.parametrize("seed", sampled((1, 2, 3), 1))
def test_a_flipped_vote_log_keeps_the_wishes_and_ends_the_voting(seed: int) -> None:
    faults = [
        Fault("disk_flip", "node-3", at_us=AT, options={"table": "votes"}),
        Fault("kill", "node-3", at_us=AT),
        Fault("restart", "node-3", after_us=200_000),
    ]
    run = observe(faults=faults, transactions=240, interval_us=50_000, seed=seed)
    assert run.notes("damaged", "node-3") and run.notes("observing", "node-3")
    assert _votes(run, "node-3", AT) == 0


READ_AT_BOOT = ("epoch", "meta", "state")


TABLES = (*READ_AT_BOOT, "block", "batch", "certificate", "receipt", "seal")


@pytest.mark.parametrize("table", sampled(TABLES, 3, always=("state", "receipt")))
def test_a_flipped_row_is_found_or_harms_nobody(table: str) -> None:
    """What a node stands on is noticed at the boot, and fetched again; an old block when somebody asks for it."""
    faults = [
        Fault("disk_flip", "node-3", at_us=AT, options={"table": table}),
        Fault("kill", "node-3", at_us=AT),
        Fault("restart", "node-3", after_us=200_000),
        Fault("kill", "node-4", after_us=100_000),
        Fault("restart", "node-4", after_us=300_000, options={"disk": "empty"}),
    ]

    def judged(run: Observed) -> None:  # its own stored block is damaged for good unless it noticed
        failed = {name for name, sentences in run.failed.items() if any("node-3" not in line for line in sentences)}
        assert failed == set() or table not in READ_AT_BOOT

    run = observe(faults=faults, transactions=240, interval_us=50_000, check=judged)
    damaged = [note["what"] for note in run.notes("damaged", "node-3")]
    assert damaged[0].startswith(table)
    if table in READ_AT_BOOT:
        assert len(damaged) == 2 and run.notes("caught_up", "node-3")
    liars = [
        note for note in run.notes("rejected") if note.get("message") == "catch-up" and "in time" not in note["why"]
    ]
    assert liars == [], "nobody is taken for a liar, for nothing rotten was given away"
    assert run.simulated.is_done


# --- the network -----------------------------------------------------------------------------------------------------


def test_a_partition_stops_the_minority_and_nobody_else() -> None:
    faults = [Fault("partition", at_us=AT, groups=(("node-1",),)), Fault("heal", at_us=3_000_000)]
    run = observe(faults=faults, transactions=320, interval_us=50_000)
    assert _executed(run, "node-1", AT + 50_000, 3_000_000) == 0 < _executed(run, "node-2", AT + 50_000, 3_000_000)
    assert run.notes("executed", "node-1")[-1]["t_us"] > 3_000_000


def test_any_groups_may_be_parted_and_none_with_a_quorum_means_none_goes_on() -> None:
    groups = (("node-1", "node-2"), ("node-3",), ("node-4",))
    run = observe(faults=[Fault("partition", at_us=AT, groups=groups), Fault("heal", at_us=2_500_000)])
    assert all(_executed(run, f"node-{i}", AT + 50_000, 2_500_000) == 0 for i in range(1, 5))


def test_a_one_way_partition_lets_the_leader_be_heard_and_not_hear() -> None:
    run = observe(
        faults=[Fault("partition", at_us=AT, links=("*>node-1",)), Fault("heal", at_us=3_500_000)],
        transactions=320,
        interval_us=50_000,
    )
    assert _executed(run, "node-1", AT + 50_000, 3_500_000) == 0
    assert [said for said in run.said("node-1") if AT < said.t_us < 3_500_000]
    assert run.notes("new_view", "node-2")[0]["leader"] == "node-2"


def _change(run: Observed, fault: Fault) -> None:
    changed = replace(run.simulation.scenario, faults=(fault,))
    Fate(changed, run.simulation._fate.world).carry_out(0, 0)


def _arrivals(act: str, options: dict[str, Any], links: tuple[str, ...] = ()) -> list[int]:
    """How many copies of each of 2,000 messages arrive over node-1>node-2, and in what order."""
    run = Observed(scenario(transactions=4))
    transport = run.simulation._transport
    fault = Fault(act, at_us=0, options=options, links=links)
    _change(run, fault)
    link = transport.network.link("node-1", "node-2")
    return [len(link.delays_us()) for _ in range(2_000)]


def test_loss_and_duplication_take_the_share_that_they_name() -> None:
    assert 300 < _arrivals("loss", {"ppm": 200_000}).count(0) < 500
    assert 500 < _arrivals("duplication", {"ppm": 300_000}).count(2) < 700
    assert set(_arrivals("loss", {"ppm": 200_000}, ("node-2>node-1", "node-3>*"))) == {1}


def test_delay_and_reordering_change_when_things_arrive_and_calm_ends_them() -> None:
    run = Observed(scenario(transactions=4))
    link = run.simulation._transport.network.link("node-1", "node-2")
    assert {link.delays_us() for _ in range(50)} == {(1_000,)}
    _change(run, Fault("delay", options={"mean_us": 90_000}))
    assert {link.delays_us() for _ in range(50)} == {(90_000,)}
    _change(run, Fault("reordering", options={"ppm": 500_000, "late_us": 40_000}))
    late = [delay for _ in range(200) for delay in link.delays_us()]
    assert 60 < sum(delay > 90_000 for delay in late) < 140 and max(late) <= 130_000
    run.simulation._transport.network.calm()
    assert {link.delays_us() for _ in range(50)} == {(1_000,)}


def test_an_override_of_a_link_survives_a_fault_of_another_kind() -> None:
    from consortium.scenario.network.model import NetworkModel

    model = NetworkModel(Network(links={"a>b": Link(mean_us=7)}), 1)
    model.change(("a>*",), {"loss_ppm": 1})
    assert (model.spec("a", "b").mean_us, model.spec("a", "b").loss_ppm, model.spec("b", "a").loss_ppm) == (7, 1, 0)


def test_a_dead_broker_delivers_nothing_and_nothing_is_lost_for_good() -> None:
    run = observe(faults=[Fault("broker_kill", at_us=AT), Fault("broker_restart", at_us=2_000_000)])
    assert all(_executed(run, f"node-{i}", AT + 10_000, 2_000_000) == 0 for i in range(1, 5))
    assert Counter(note["state"] for note in run.notes("bus")) == {"down": 4, "up": 4}


def test_a_pause_stops_the_clock_of_one_node_alone() -> None:
    run = observe(faults=[Fault("pause", "node-3", at_us=AT), Fault("resume", "node-3", at_us=2_000_000)])
    assert not [seen for seen in run.frames if seen.sender == "node-3" and AT < seen.t_us < 2_000_000]
    assert _executed(run, "node-2", AT, 2_000_000) > 0


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_a_leader_whose_clock_jumps_an_hour_cannot_move_the_ledgers_time() -> None:
    faults = [Fault("clock_jump", "leader", at_us=AT, options={"wall_us": 3_600_000_000})]
    run = observe(faults=faults, transactions=240, interval_us=50_000)
    whys = {note["why"] for note in run.notes("rejected")}
    assert "the batch's time is too far from our clock" in whys
    times = [note["time_us"] for note in run.notes("executed", "node-3")]
    assert times == sorted(times) and max(times) - run.simulated.genesis.time_us < 60_000_000
    assert run.notes("new_view")


def test_timers_follow_the_drifting_clock_of_their_node() -> None:
    """Three times as fast, the node's pool relays three times as early; a clock that is right is the control."""

    def first_suspicion(ppm: int) -> int:
        drift = Fault("clock_drift", "node-2", at_us=100_000, options={"monotonic_ppm": ppm})
        run = observe(faults=[drift, Fault("kill", "node-1", at_us=AT)], transactions=120)
        return min(note["t_us"] for note in run.notes("suspect", "node-2")) - AT  # type: ignore[no-any-return]

    right, fast = first_suspicion(0), first_suspicion(1_000_000)
    assert fast < right * 3 // 4


# --- all of them -----------------------------------------------------------------------------------------------------


def test_every_fault_has_a_scenario_that_asks_a_question() -> None:
    used: set[str] = set()
    for path in sorted(FOLDER.glob("*.py")):
        value = load_scenario(path)
        assert "?" in value.question, path
        used.update(fault.act for fault in value.faults)
    assert sorted(used) == list(load_acts())


def _small() -> list[Path]:
    paths = sorted(FOLDER.glob("*.py"))
    return [path for path in paths if _path(path).workload.options.get("transactions", 0) <= SMALL]


@pytest.mark.parametrize("path", sampled(_small(), 5, lambda path: path.stem))
def test_every_fault_scenario_keeps_all_claims(path: Path) -> None:
    assert Observed(_path(path)).failed == {}


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault("klil", "node-1", at_us=1), "did you mean 'kill'"),
        (Fault("loss", at_us=1), "missing required field `ppm`"),
        (Fault("loss", at_us=1, options={"ppm": 2_000_000}), "Expected `int` <= 1000000 - at `$.ppm`"),
        (Fault("loss", at_us=1, options={"ppm": 1}, links=("node-1>nobody",)), "'nobody' is not known"),
        (Fault("loss", "node-1", at_us=1, options={"ppm": 1}), "has no target"),
        (Fault("restart", "node-1", at_us=1, options={"disk": "old"}), "Invalid enum value"),
        (
            Fault("clock_jump", "node-1", at_us=1, options={"monotonic_us": -1}),
            "Expected `int` >= 0 - at `$.monotonic_us`",
        ),
    ],
)
def test_a_fault_that_cannot_be_meant_is_one_sentence(fault: Fault, word: str) -> None:
    with pytest.raises(ScenarioError) as told:
        scenario(faults=[fault])
    assert word in str(told.value)


def test_what_local_processes_cannot_do_is_told_before_anything_is_made() -> None:
    check_runs_locally(scenario(faults=[Fault("clock_jump", "node-1", at_us=1)]))
    with pytest.raises(ScenarioError, match="--on simulator"):
        check_runs_locally(scenario(BehaviourSpec("twin", "leader")))


def test_the_same_seed_gives_the_same_trace_with_every_kind_of_fault() -> None:
    faults = [
        Fault("loss", at_us=100_000, options={"ppm": 50_000}),
        Fault("clock_drift", "node-2", options={"monotonic_ppm": 5_000, "wall_ppm": -5_000}),
        Fault("kill", "node-3", after_us=300_000, options={"outputs": 3}),
        Fault("disk_flip", "node-3", after_us=300_000),
        Fault("restart", "node-3"),
        Fault("calm", after_us=300_000),
    ]
    first, second = (Observed(scenario(faults=faults, transactions=80)) for _ in range(2))
    assert first.trace == second.trace and first.frames == second.frames
