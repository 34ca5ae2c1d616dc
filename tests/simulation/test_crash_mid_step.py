"""A crash in the middle of a step: what was stored before it survives, what follows it was never done."""

from consortium.core.machine import Apply, Store
from consortium.scenario.scenario import Disk
from consortium.simulation.run import Simulation
from tests.adversary_kit import scenario


def test_a_crash_that_comes_with_a_sync_takes_the_outputs_that_follow() -> None:
    simulation = Simulation(scenario(disk=Disk(sync_us=0, commit_us=20_000)))
    node = simulation.nodes["node-1"]
    simulation.lives.start(node)
    before = len(node.disk.votes)
    node.outputs_left = 1
    simulation.driver.carry(node, [Store(b"vote", None), Apply(1, (("meta", b"key", b"value"),)), Store(b"late", None)])
    assert node.host is None
    kept = [record for block in node.disk.votes[before:] for record, _ in block]
    assert kept == [b"vote"]
    assert not node.disk._applies and not node.disk._waiting
