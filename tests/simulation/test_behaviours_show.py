"""Each behaviour does what it says, as seen on the wire and in the trace; and with at most f of them all claims hold.

`observe` judges all claims of the honest nodes; each test shows the act itself, and that honest members do not do it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.behaviours import load_behaviours
from consortium.core.codec import Malformed
from consortium.core.messages import decode_frame
from consortium.core.transaction import decode_batch
from consortium.runs.trace import count_refused
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import BehaviourSpec, Disk, Fault
from tests.adversary_kit import Observed, observe, scenario
from tests.sampling import sampled

TIMER_US = 1_000_000
FOLDER = Path(__file__).resolve().parent.parent.parent / "scenarios" / "attacks"
ELSEWHERE = {"fork": "test_fork_control.py", "flooding_at_half_load": "a load for real processes"}


def test_a_silent_member_says_nothing_while_it_lasts() -> None:
    run = observe(
        BehaviourSpec("silent", "leader", from_us=1_000_000, to_us=3_000_000), interval_us=100_000, transactions=320
    )
    when = [seen.t_us for seen in run.frames if seen.sender == "node-1"]
    assert not [t for t in when if 1_000_000 <= t < 3_000_000]
    assert min(when) < 1_000_000 and max(when) >= 3_000_000
    assert [seen for seen in run.frames if seen.sender == "node-2" and 1_000_000 <= seen.t_us < 3_000_000]
    assert run.notes("new_view", "node-2")[0]["leader"] == "node-2"
    phases = [(r["act"], r["target"], r["phase"], r["t_us"]) for r in run.notes("fault")]
    assert phases == [
        ("behaviour:silent", "node-1", "begin", 1_000_000),
        ("behaviour:silent", "node-1", "end", 3_000_000),
    ]


def test_a_deaf_and_silent_member_executes_nothing() -> None:
    run = observe(BehaviourSpec("silent", "node-4", options={"deaf": True}))
    assert not run.notes("executed", "node-4")[1:]
    assert run.notes("executed", "node-3")[1:]


def test_a_slow_leader_delays_each_proposal_and_keeps_its_place() -> None:
    run = observe(BehaviourSpec("slow_leader", "leader", from_us=500_000, to_us=2_500_000))
    orders = {said.message.height: said.t_us for said in run.said("node-1", "PrePrepare")}  # type: ignore[attr-defined]
    waits = [(note["t_us"], orders[note["height"]] - note["t_us"]) for note in run.notes("proposed", "node-1")]
    slow = [wait for t_us, wait in waits if 500_000 <= t_us < 2_500_000]
    assert slow and min(slow) >= TIMER_US * 3 // 4
    assert max(wait for t_us, wait in waits if not 500_000 <= t_us < 2_500_000) < 10_000
    assert not run.notes("suspect") and not run.notes("view_change")
    _is_noted_as_slow(run)


def test_a_slow_hotstuff_leader_is_noted_too() -> None:
    lie = BehaviourSpec("slow_leader", "leader", from_us=500_000, to_us=2_500_000)
    _is_noted_as_slow(Observed(replace(scenario(lie), protocol="hotstuff")))


def _is_noted_as_slow(run: Observed) -> None:
    """By the others, by its name, and only while it is slow."""
    notes = run.notes("slow_leader")
    assert {note["leader"] for note in notes} == {"node-1"} and {note["node"] for note in notes} >= {"node-2", "node-3"}
    assert all(note["waited_us"] > TIMER_US // 2 and note["t_us"] > 500_000 for note in notes)
    assert min(note["t_us"] for note in notes) < 2_500_000 + TIMER_US


def test_a_targeted_member_is_told_late_and_only_it() -> None:
    run = observe(BehaviourSpec("targeted_delay", "leader", options={"to": ["node-3"], "delay_us": 200_000}))
    first: dict[tuple[str, bytes], int] = {}
    for said in run.said("node-1", "PrePrepare"):
        first.setdefault((said.to or "", said.frame.signed.body), said.t_us)
    gaps = [t_us - first["node-2", body] for (to, body), t_us in first.items() if to == "node-3"]
    assert gaps and all(198_000 <= gap <= 202_000 for gap in gaps)
    assert {t_us - first["node-2", body] for (to, body), t_us in first.items() if to == "node-4"} == {0}
    assert not run.notes("suspect") and not run.notes("view_change")


def test_an_equivocating_leader_orders_two_batches_at_one_height() -> None:
    run = observe(BehaviourSpec("equivocating_leader", "leader", from_us=300_000), n=7, transactions=210)
    assert run.double_said("PrePrepare")["node-1"] > 0
    assert set(run.double_said("PrePrepare")) == {"node-1"}
    assert [note for note in run.notes("rejected") if note["why"] == "equivocation" and note["sender"] == "node-1"]


@pytest.mark.parametrize(
    "groups",
    [
        [["node-2"], ["node-3"], ["node-4"]],
        [["node-2", "node-3"], ["node-4"]],
        [["node-2"], ["node-3", "node-4"]],
        [["node-2"], []],
    ],
)
def test_any_split_of_the_members_is_told_as_many_batches(groups: list[list[str]]) -> None:
    run = observe(BehaviourSpec("equivocating_leader", "leader", options={"groups": groups}), transactions=80)
    told: dict[str, bytes] = {}
    for said in run.said("node-1", "PrePrepare"):
        message: Any = said.message
        if (message.view, message.height) == (0, 1):
            assert told.setdefault(said.to or "", message.digest) == message.digest
    versions = [{told[name] for name in group} for group in groups if group]
    assert all(len(version) == 1 for version in versions)
    assert len(set().union(*versions)) == len(versions)
    assert sorted(told) == sorted(name for group in groups for name in group)


def test_withheld_votes_never_leave_but_everything_else_does() -> None:
    run = observe(BehaviourSpec("withheld_votes", "node-3"))
    kinds = Counter(type(said.message).__name__ for said in run.said("node-3"))
    assert kinds["Prepare"] == kinds["Commit"] == 0 < kinds["Checkpoint"]
    assert Counter(type(said.message).__name__ for said in run.said("node-2"))["Commit"] > 0


def test_votes_may_be_withheld_from_one_member_alone() -> None:
    run = observe(BehaviourSpec("withheld_votes", "node-3", options={"to": ["node-4"], "messages": ["Commit"]}))
    to = Counter(said.to for said in run.said("node-3", "Commit"))
    assert to["node-4"] == 0 < to["node-2"] == to["node-1"]


def test_double_votes_are_two_signatures_of_one_member_at_one_height() -> None:
    run = observe(BehaviourSpec("double_votes", "node-4"))
    for kind in ("Prepare", "Commit"):
        assert list(run.double_said(kind)) == ["node-4"]
    assert {note["sender"] for note in run.notes("rejected") if note["why"] == "equivocation"} == {"node-4"}


def test_forged_messages_name_others_and_nobody_believes_them() -> None:
    run = observe(BehaviourSpec("forged_messages", "node-4"))
    names = {said.sender for said in run.said("node-4")}
    assert names == {"node-1", "node-2", "node-3", "node-4"}
    assert {said.sender for said in run.said("node-3")} == {"node-3"}
    spoofed = [note for note in run.notes("rejected") if "in the name of" in note["why"]]
    assert {note["sender"] for note in spoofed} == {"node-4"}, "whom a forgery names did nothing"
    assert sum(map(count_refused, spoofed)) > 100
    usurped = [note for note in run.notes("rejected") if note["why"] == "not the leader of that view"]
    assert {note["sender"] for note in usurped} == {"node-4"}


def test_replayed_messages_are_old_statements_of_others_word_for_word() -> None:
    run = observe(BehaviourSpec("replayed_messages", "node-4", options={"every_us": 30_000}))
    firsts: dict[bytes, int] = {}
    ages = []
    for said in run.said():
        signature = said.frame.signed.signature
        if said.by == "node-4" and said.sender != "node-4":
            ages.append(said.t_us - firsts[signature])
        else:
            firsts.setdefault(signature, said.t_us)
    assert len(ages) > 200 and max(ages) > 1_000_000
    assert {said.sender for said in run.said("node-3")} == {"node-3"}


def test_a_poisoned_view_change_is_refused_and_the_view_still_changes() -> None:
    for lie in ("claims", "seal", "repeat", "omit"):
        run = observe(
            BehaviourSpec("poisoned_view_change", "node-6", options={"lie": lie, "provoke_us": 300_000}),
            faults=[Fault("kill", "node-1", at_us=600_000), Fault("restart", "node-1", after_us=1_500_000)],
            n=7,
            transactions=210,
        )
        refused = [r for r in run.notes("rejected") if r.get("message") == "ViewChange"]
        assert {note["sender"] for note in refused} <= {"node-6"}
        assert refused or lie in ("omit", "repeat")  # leaving out is well formed; so is repeating nothing
        assert run.notes("new_view", "node-3")


def test_a_bad_new_view_is_refused_by_all_and_the_next_leader_takes_over() -> None:
    for lie in ("orders", "drop", "few", "forged"):
        run = observe(
            BehaviourSpec("silent", "node-1", from_us=500_000),
            BehaviourSpec("bad_new_view", "node-2", options={"lie": lie}),
            n=7,
            transactions=140,
        )
        refused = [r for r in run.notes("rejected") if r.get("message") == "NewView"]
        assert {note["sender"] for note in refused} == {"node-2"}, lie
        assert {note["leader"] for note in run.notes("new_view", "node-5")} == {"node-3"}, lie


def test_view_inflation_moves_nobody() -> None:
    run = observe(BehaviourSpec("view_inflation", "node-4"))
    views = [said.message.view for said in run.said("node-4", "ViewChange")]  # type: ignore[attr-defined]
    assert max(views) > 1 << 50
    doubts = [said.message.view for said in run.said("node-4", "Suspect")]  # type: ignore[attr-defined]
    assert max(doubts) > 1 << 50 and 0 in doubts
    noted = [*run.notes("view_change"), *run.notes("suspect")]
    assert not [note for note in noted if note["node"] != "node-4"]


def _members_in_batches(run: Observed, leader: str, from_us: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    bundles = run.simulation._shared.bundles
    for said in run.said(leader, "PrePrepare"):
        if said.t_us >= from_us and said.frame.attachment:
            counts.update(bundles.open(raw).member for raw in decode_batch(said.frame.attachment).bundles)
    return counts


def test_a_censored_member_is_heard_once_it_was_overtaken() -> None:
    run = observe(
        BehaviourSpec("censorship", "leader", from_us=300_000, options={"client": "node-3"}), transactions=400
    )
    members = _members_in_batches(run, "node-1", 310_000)
    assert members["node-3"] == 0 < members["node-2"]
    assert "overtaken" in {note["why"] for note in run.notes("view_change")}
    assert max(note["latency_us"] for note in run.notes("included", "node-3")) < 4 * TIMER_US


@pytest.mark.parametrize("about", ["heights", "bodies", "certificates"])
def test_a_lying_peer_is_left_and_another_one_asked(about: str) -> None:
    run = observe(
        BehaviourSpec("lying_catch_up", "node-1,node-2", options={"about": [about]}),
        faults=[Fault("kill", "node-7", at_us=500_000), Fault("restart", "node-7", after_us=1_500_000)],
        n=7,
        transactions=420,
    )
    if about == "heights":
        assert {r["to_height"] > 40_000 for r in run.notes("catching_up")} >= {True}
    else:
        assert [r for r in run.notes("rejected", "node-7") if r["sender"] in ("node-1", "node-2")]
    assert {r["sender"] for r in run.notes("rejected")} <= {"node-1", "node-2"}


def test_a_lying_snapshot_is_refused() -> None:
    wiped = {"disk": "empty"}
    run = observe(
        BehaviourSpec("lying_catch_up", "node-1,node-2", options={"about": ["snapshots"]}),
        faults=[Fault("kill", "node-7", at_us=2_000_000), Fault("restart", "node-7", after_us=500_000, options=wiped)],
        n=7,
        transactions=490,
        batch_transactions_max=4,
        snapshot_gap=40,
    )
    whys = [r["why"] for r in run.notes("rejected", "node-7") if r["sender"] in ("node-1", "node-2")]
    assert "the snapshot does not have the state root of its header" in whys


def test_flooding_is_a_thousand_messages_a_second_and_leaves_most_of_the_service() -> None:
    flood = BehaviourSpec("flooding", "node-4", from_us=500_000, to_us=2_500_000)
    run = observe(flood, interval_us=50_000, transactions=400)
    frames = [s for s in run.frames if s.sender == "node-4" and 500_000 <= s.t_us < 2_500_000]
    assert len(frames) >= 2_000
    clean = observe(interval_us=50_000, transactions=400)
    executed = [_executed_by(each, 2_500_000) for each in (run, clean)]
    assert executed[0] >= 0.7 * executed[1]
    assert not run.notes("suspect") and not run.notes("view_change")


def _executed_by(run: Observed, t_us: int) -> int:
    return sum(r["transactions"] for r in run.notes("executed", "node-2") if r["t_us"] <= t_us and r["height"])


def test_corrupt_bytes_are_no_frames_or_wrong_ones() -> None:
    run = observe(BehaviourSpec("corrupt_bytes", "node-2"))

    def broken(node: str) -> int:
        count = 0
        for seen in run.frames:
            if seen.sender == node:
                try:
                    decode_frame(seen.payload)
                except Malformed:
                    count += 1
        return count

    assert broken("node-2") > 20 and broken("node-3") == 0
    refused = run.notes("rejected", "node-3")
    assert {note["sender"] for note in refused} == {"node-2"} and sum(map(count_refused, refused)) > 20


def test_a_twin_leader_proposes_twice_under_one_name() -> None:
    run = observe(BehaviourSpec("twin", "leader"), n=7, transactions=210)
    assert {seen.sender for seen in run.frames} >= {"node-1", "node-1~twin"}
    assert list(run.double_said("PrePrepare")) == ["node-1"]


def test_behaviours_compose_and_each_does_its_own() -> None:
    run = observe(
        BehaviourSpec("double_votes", "node-4"),
        BehaviourSpec("withheld_votes", "node-4", options={"messages": ["Commit"]}),
    )
    assert list(run.double_said("Prepare")) == ["node-4"]
    assert [said for said in run.said("node-4", "Commit") if said.to is None] == []


def test_with_more_than_f_traitors_the_fork_is_found() -> None:
    """The positive control: the same behaviours, one traitor too many, and agreement fails."""

    def forked(run: Observed) -> None:
        assert "agreement" in run.failed

    observe(
        BehaviourSpec("equivocating_leader", "leader", options={"groups": [["node-2", "node-3"], ["node-4"]]}),
        BehaviourSpec("double_votes", "f+1", options={"accomplice": True}),
        check=forked,
        transactions=40,
    )


def test_the_same_conspiracy_with_f_traitors_forks_nothing() -> None:
    observe(
        BehaviourSpec("equivocating_leader", "leader"),
        BehaviourSpec("double_votes", "f", options={"accomplice": True}),
        n=7,
        transactions=210,
    )


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_behaviour_has_a_scenario_that_asks_a_question() -> None:
    used: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.py")):
        value = load_scenario(path)
        assert "?" in value.question, path
        used.update({spec.name: path.name for spec in value.behaviours})
    assert sorted(used) == sorted(load_behaviours())


HERE = [path for path in sorted(FOLDER.glob("*.py")) if path.stem not in ELSEWHERE]


@pytest.mark.parametrize("path", sampled(HERE, 4, lambda path: path.stem))
def test_every_attack_scenario_keeps_all_claims(path: Path) -> None:
    run = Observed(load_scenario(path, ["suite=keyed-hash"]))
    assert run.failed == {}


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        (BehaviourSpec("silnt", "leader"), "did you mean 'silent'"),
        (BehaviourSpec("silent", "node-9"), "'node-9' is no member"),
        (BehaviourSpec("silent", "leader", options={"def": True}), "known are deaf"),
        (BehaviourSpec("silent", "leader", from_us=5, to_us=5), "end after its beginning"),
        (BehaviourSpec("censorship", "leader", options={"client": "nobody"}), "'nobody' is no member"),
        (BehaviourSpec("twin", "leader", options={"groups": [["node-2"]]}), "two groups"),
    ],
)
def test_a_behaviour_that_cannot_be_meant_is_one_sentence(spec: BehaviourSpec, word: str) -> None:
    with pytest.raises(ScenarioError, match=r"behaviours\.0") as told:
        scenario(spec)
    assert word in str(told.value)


def test_the_same_seed_gives_the_same_trace_with_traitors() -> None:
    specs: tuple[Any, ...] = (
        BehaviourSpec("corrupt_bytes", "node-2"),
        BehaviourSpec("flooding", "node-3", options={"rate": 200}),
    )
    first, second = (Observed(scenario(*specs, n=7, transactions=70)) for _ in range(2))
    assert first.trace == second.trace and first.frames == second.frames
    assert Observed(scenario(*specs, n=7, transactions=70, seed=2)).frames != first.frames


def test_a_traitor_that_was_paused_is_not_missed_at_the_end() -> None:
    """Regression (adversary fuzz): the record of its resume counted it among the honest nodes, at height 0."""
    faults = [Fault("pause", "node-4", at_us=600_000), Fault("resume", "node-4", after_us=300_000)]
    observe(BehaviourSpec("forged_messages", "node-4"), faults=faults, transactions=80)


def test_a_snapshot_ends_the_wait_of_what_it_holds() -> None:
    """Regression (adversary fuzz, seed 1008): evidence of double votes and the load take numbers from one another; a
    node that jumped over the refusals with a snapshot waited for ever, and asked for views for ever."""
    faults = [
        Fault("kill", "node-5", at_us=700_000, options={"outputs": 5}),
        Fault("restart", "node-5", after_us=100_000),
        Fault("broker_kill", at_us=800_000),
        Fault("broker_restart", after_us=500_000),
    ]
    run = observe(
        BehaviourSpec("double_votes", "node-3", to_us=1_500_000),
        faults=faults,
        n=7,
        transactions=140,
        interval_us=80_000,
        seed=1008,
        disk=Disk(0, 60_000),
        batch_transactions_max=4,
        checkpoint_interval=4,
        window=16,
        snapshot_gap=12,
    )
    assert run.notes("snapshot", "node-5")
    assert all(node.host.queues["pool"] == 0 for node in _living(run))


def _living(run: Observed) -> list[Any]:
    return [node for node in run.simulation.nodes.values() if node.host is not None]
