"""Members change while the consortium works: no fork, no stop, and every ledger verifies from the genesis alone."""

from __future__ import annotations

import pytest

from consortium.core.proven import verify_epochs_proof, verify_state_proof
from consortium.ledger.proofs import prove_epochs, prove_state
from consortium.scenario.scenario import Fault
from tests.sampling import sampled
from tests.simulation.membership_runs import Ran, deed, promote, scenario_of


def test_four_become_five_and_then_seven_under_load() -> None:
    ran = Ran(scenario_of([promote(0, 500, 4), promote(1, 1_500, 5), promote(2, 1_500, 6)], observers=3))
    epochs = ran.epochs()
    assert (ran.genesis.first_epoch.n, epochs.newest.n) == (4, 7)
    assert all("Prepare" in ran.voted_in(name, epochs.newest.number) for name in ("m4", "m5", "m6"))
    assert not any(ran.voted_in(name, 0) for name in ("m4", "m5", "m6"))


def test_an_idle_consortium_changes_its_members_too() -> None:
    ran = Ran(scenario_of([promote(0, 500, 4)], observers=1, is_idle=True))
    epoch = ran.epochs().newest
    assert epoch.n == 5
    head = ran.roots["m0"][0]
    assert head == epoch.first_height - 1, "empty batches reach the activation and no further"


@pytest.mark.parametrize("seed", sampled(range(1, 7), 1))
def test_kills_and_loss_around_the_activation_cost_nothing_but_time(seed: int) -> None:
    names = ["m0", "m1", "m2", "m3", "m4"]
    victim = names[seed % 5]
    faults = (
        Fault("kill", victim, at_us=480_000 + 60_000 * seed),
        Fault("restart", "last", after_us=700_000),
        Fault("kill", "leader", at_us=1_500_000 + 50_000 * seed),
        Fault("restart", "last", after_us=900_000),
    )
    deeds = [promote(0, 500, 4), deed(1, 1_400, "rekey", 1), promote(3, 2_500, 5)]
    ran = Ran(scenario_of(deeds, observers=2, seed=seed, loss=0.1, faults=faults))
    assert ran.epochs().newest.n == 6
    first = ran.genesis.first_epoch.key("m1", "vote")
    assert ran.epochs().newest.key("m1", "vote") != first


def test_a_member_that_is_removed_stops_voting_and_the_rest_goes_on() -> None:
    ran = Ran(scenario_of([deed(0, 500, "remove", 4)], validators=5))
    epoch = ran.epochs().newest
    assert epoch.n == 4 and "m4" not in epoch.by_name
    left_us = min(record["t_us"] for record in ran.noted("epoch", node="m4", epoch=epoch.number))
    assert left_us == ran.noted("removed", node="m4")[0]["t_us"]
    assert [record for record in ran.noted("proposed", node="m4") if record["t_us"] > left_us] == []
    assert "Prepare" in ran.voted_in("m4", 0) and ("m4", epoch.number) not in ran.said
    assert ran.noted("executed", node="m4")[-1]["height"] >= epoch.first_height  # it still hears, and follows


def test_a_proposal_without_a_quorum_changes_nothing() -> None:
    ran = Ran(scenario_of([promote(0, 500, 4)], observers=1, load={"against": ["m2", "m3"]}))
    assert ran.epochs().newest.number == 0


def test_observers_execute_and_prove_but_never_vote() -> None:
    ran = Ran(scenario_of([promote(0, 800, 4)], observers=2))
    assert not ran.voted_in("m5", 0) | ran.voted_in("m5", 1)
    assert {"Prepare", "Commit", "Checkpoint"} <= ran.voted_in("m4", 1), "and one that was promoted does"
    ledger = ran.ledger("m5")
    epochs = verify_epochs_proof(ran.genesis, prove_epochs(ledger, ran.rows("m5")))
    assert epochs.newest.digest == ran.epochs().newest.digest
    proven = verify_state_proof(ran.genesis, prove_state(ledger, ran.rows("m5"), "registry.newest", "only"))
    assert proven.header.epoch == 1 and proven.value == ran.rows("m5").get("state", b"registry.newest\x00only")


def test_a_node_that_slept_through_two_changes_catches_up_and_votes_again() -> None:
    faults = (Fault("kill", "m2", at_us=400_000), Fault("restart", "last", after_us=4_000_000))
    ran = Ran(scenario_of([promote(0, 500, 4), promote(1, 1_600, 5)], observers=2, faults=faults))
    back_us = ran.noted("fault", act="restart")[0]["t_us"]
    entered = [record["epoch"] for record in ran.noted("epoch", node="m2")]
    assert ran.epochs().newest.number == 2 and entered[-1] == 2
    last = max(record["t_us"] for record in ran.noted("epoch", node="m2"))
    assert last > back_us


def test_one_that_was_never_a_member_is_admitted_joins_from_nothing_and_votes() -> None:
    admit = deed(0, 500, "admit", 9, role="hospital", kind="validator")
    faults = (Fault("restart", "m9", at_us=2_500_000),)
    ran = Ran(scenario_of([admit], newcomers=("m9",), faults=faults))
    assert "m9" not in ran.genesis.first_epoch.by_name and ran.epochs().newest.is_validator("m9")
    assert ran.noted("admitted", node="m9") and ran.roots["m9"] == ran.roots["m0"]
    assert {"Prepare", "Commit"} <= ran.voted_in("m9", 1) and ("m9", 0) not in ran.said


def test_one_that_nobody_admitted_is_heard_by_nobody() -> None:
    ran = Ran(scenario_of([], newcomers=("m9",), faults=(Fault("restart", "m9", at_us=500_000),)))
    assert ran.roots["m9"][0] < ran.roots["m0"][0] and not ran.voted_in("m9", 0)


def test_a_wiped_node_only_observes_until_its_recovery_key_has_registered_a_new_voting_key() -> None:
    faults = (
        Fault("kill", "m1", at_us=1_000_000),
        Fault("restart", "last", after_us=500_000, options={"disk": "empty"}),
    )
    ran = Ran(scenario_of([deed(1, 2_500, "recover")], faults=faults, load={"transactions": 400}))
    assert ran.noted("observing", node="m1")
    old, new = (epoch.key("m1", "vote") for epoch in (ran.genesis.first_epoch, ran.epochs().newest))
    assert old != new
    assert {"Prepare", "Commit"} <= ran.voted_in("m1", 1)


def test_without_a_new_key_a_wiped_node_votes_again_in_the_next_epoch_at_the_latest() -> None:
    faults = (
        Fault("kill", "m1", at_us=1_000_000),
        Fault("restart", "last", after_us=500_000, options={"disk": "empty"}),
    )
    ran = Ran(scenario_of([promote(0, 2_000, 4)], observers=1, faults=faults))
    (observed,), (again,) = ran.noted("observing", node="m1"), ran.noted("votes_again", node="m1")
    (entered,) = ran.noted("epoch", node="m1")
    assert observed["t_us"] < again["t_us"] <= entered["t_us"] and "Prepare" in ran.voted_in("m1", 1)


def test_the_same_seed_changes_members_at_the_same_heights() -> None:
    runs = [Ran(scenario_of([promote(0, 500, 4)], observers=1, seed=3, loss=0.05)) for _ in range(2)]
    assert runs[0].trace == runs[1].trace


def test_a_damaged_vote_log_ends_the_voting_with_the_renewed_key_and_not_with_the_first_one() -> None:
    faults = (
        Fault("kill", "m2", at_us=4_000_000),
        Fault("disk_flip", "last", options={"table": "votes"}),
        Fault("restart", "last", after_us=300_000),
    )
    ran = Ran(scenario_of([deed(2, 500, "rekey", purposes=["vote"])], faults=faults, load={"transactions": 500}))
    renewed = ran.epochs().newest.key("m2", "vote")
    assert renewed != ran.genesis.first_epoch.key("m2", "vote")
    assert [record["what"].split(",")[0] for record in ran.noted("damaged", node="m2")] == ["votes"]
    shown = ran.noted("observing", node="m2")
    assert [record["shown_by"] for record in shown] == ["m2"], "it knows by itself that its votes are lost"
