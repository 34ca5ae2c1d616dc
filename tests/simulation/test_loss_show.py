"""What loss of messages costs, by the scenario that asks for it."""

from pathlib import Path

from consortium.lab.measures.measures import measure
from consortium.scenario.load import load_scenario
from consortium.simulation.run import simulate


def test_with_a_fifth_lost_and_a_third_repeated_no_leader_falls_and_batches_stay_full() -> None:
    """Of scenarios/faults/loss_and_duplication.py in virtual time. Before its mends the same seed cost two leaders, and
    what a lost submission held was ordered 64 transactions at a time."""
    path = Path(__file__).resolve().parents[2] / "scenarios" / "faults" / "loss_and_duplication.py"
    changes = ["suite=keyed-hash", "network.default.mean_us=5_000", "workload.options.transactions=8_000"]
    simulated = simulate(load_scenario(path, changes, seed=2))
    assert simulated.is_done
    figures = measure(simulated.trace)
    assert figures["view_changes"] == 0
    assert figures["throughput"] > 2_000
