"""Parameters change by votes, with an epoch, for everybody at one height: batches, timers, and what verifies them."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from consortium.contracts.governance.governance import PASSED, PROPOSALS
from consortium.core.genesis import Parameters, tuned
from consortium.scenario.scenario import Fault, Scenario
from tests.simulation.membership_runs import Ran, deed, scenario_of

BURST = {"transactions": 800, "interval_us": 6_000}


def _small_batches(scenario: Scenario) -> Scenario:
    parameters = replace(scenario.parameters, batch_transactions_max=2, batch_delay_us=30_000)
    return replace(scenario, parameters=parameters)


def _largest(ran: Ran, below: int) -> tuple[int, int]:
    """Transactions of the largest block below a height, and of the largest from there on."""
    counts = Counter(int.from_bytes(key[:8], "big") for key, _ in ran.rows("m0").all("receipt") if key[:8] > bytes(8))
    return (
        max(count for height, count in counts.items() if height < below),
        max(count for height, count in counts.items() if height >= below),
    )


def test_a_vote_for_larger_batches_and_other_timers_holds_from_its_epoch_on_for_everybody() -> None:
    tuning = {"batch_transactions_max": 40, "timer_base_us": 300_000, "batches_in_flight": 2}
    faults = (Fault("kill", "m3", at_us=300_000), Fault("restart", "last", after_us=2_500_000))
    ran = Ran(_small_batches(scenario_of([deed(0, 600, "tune", tuning=tuning)], load=BURST, faults=faults)))
    for name in ("m0", "m3"):
        assert ran.epochs(name).newest.tuning == dict(sorted(tuning.items()))
    (first, second) = ran.epochs()
    assert first.tuning == {} and second.members == first.members and second.digest != first.digest
    before, after = _largest(ran, second.first_height)
    assert before == 2 < after <= 40
    for node in ran.simulation.nodes.values():
        assert node.host is not None
        state = node.host.parts.consensus.state  # type: ignore[attr-defined]
        assert state.parameters == tuned(ran.genesis.parameters, second) != ran.genesis.parameters
        assert state.parameters.timer_base_us == 300_000 and state.parameters.window == 8
    assert not ran.noted("view_change", node="m0") and not ran.noted("suspect", node="m0")


def test_what_may_not_be_tuned_is_refused_and_begins_no_epoch() -> None:
    """Window and interval, from which activation is computed; values out of bounds; nothing at all."""
    unfit: list[dict[str, int]] = [{}, {"window": 64}, {"checkpoint_interval": 64}, {"batches_in_flight": 0}]
    deeds = [deed(index, 300, "tune", tuning=tuning) for index, tuning in enumerate(unfit)]
    ran = Ran(scenario_of(deeds))
    assert ran.epochs().newest.number == 0
    assert list(ran.ledger("m0").reader.range(PROPOSALS, "", "~")) == []
    codes = Counter(outcome.receipt.code for past in ran.ledger("m0").history() for outcome in past.outcomes)
    assert codes["bad-tuning"] == len(unfit)


def test_batches_are_never_made_smaller_than_the_bundles_that_they_took() -> None:
    """Lowered again, a bundle that was signed meanwhile would fit into no batch, and its leader be blamed for ever."""
    deeds = [deed(0, 300, "tune", tuning={"batch_transactions_max": 40})]
    deeds.append(deed(1, 3_500, "tune", tuning={"batch_transactions_max": 3}))
    ran = Ran(_small_batches(scenario_of(deeds, load={"transactions": 400, "interval_us": 40_000})))
    assert ran.epochs().newest.number == 1
    proposals = dict(ran.ledger("m0").reader.range(PROPOSALS, "", "~"))
    assert [proposal.status for proposal in proposals.values()] == [PASSED]
    small = replace(ran.epochs().newest, tuning={"batch_transactions_max": 1})
    assert tuned(Parameters(), small).batch_transactions_max == Parameters().batch_transactions_max
