"""A crash in the middle of a step: what was stored before it survives, what follows it was never done."""

from adversary_kit import scenario

from consortium.core.machine import Apply, Store
from consortium.scenario.scenario import Disk
from consortium.simulation.run import Simulation


def test_a_crash_that_comes_with_a_sync_takes_the_outputs_that_follow() -> None:
    simulation = Simulation(scenario(disk=Disk(sync_us=0, commit_us=20_000)))
    computer = simulation.computers["node-1"]
    simulation._start(computer)
    before = len(computer.disk.votes)
    computer.outputs_left = 1
    simulation._carry(computer, [Store(b"vote", None), Apply(1, (("meta", b"key", b"value"),)), Store(b"late", None)])
    assert computer.host is None
    kept = [record for block in computer.disk.votes[before:] for record, _ in block]
    assert kept == [b"vote"]
    assert not computer.disk._applies and not computer.disk._waiting
