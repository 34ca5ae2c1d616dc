"""A node's own clocks: those of the machine until a fault bends them, and bent in the same way after a restart."""

from consortium.core.machine import Now
from nodes.process.clock import Bend, NodeClock, now

TRUE = Now(1_000_000, 50_000_000)


def test_clocks_that_nobody_bent_are_those_of_the_machine() -> None:
    clock = NodeClock()
    before, shown, after = now(), clock.now(), now()
    assert before.monotonic_us <= shown.monotonic_us <= after.monotonic_us
    assert clock.shown(TRUE) == TRUE and clock.true_delay_us(10) == 10


def test_a_jump_stays_and_a_drift_grows_until_it_ends() -> None:
    clock = NodeClock()
    bends = [Bend(1_000_000, -5_000_000, 2_000_000, 0, 0)]
    clock.bend(bends)
    assert clock.shown(TRUE) == Now(3_000_000, 45_000_000)
    bends.append(Bend(2_000_000, 0, 0, 100_000, -100_000))
    clock.bend([list(each) for each in bends])  # as it comes over the pipe
    assert clock.shown(Now(3_000_000, 52_000_000)) == Now(4_900_000, 47_100_000)
    assert clock.true_delay_us(900_000) == 1_000_000
    bends.append(Bend(3_000_000, 0, 0, 0, 0))
    clock.bend(bends)
    assert clock.shown(Now(9_000_000, 58_000_000)) == Now(10_900_000, 53_100_000)
    assert clock.true_delay_us(900_000) == 900_000


def test_a_restarted_nodes_clocks_are_as_bent_as_before() -> None:
    bends = [Bend(1_000_000, 7, 9, 50, 60), Bend(4_000_000, -7, 0, 50, 60)]
    first, second = NodeClock(), NodeClock()
    first.bend(bends[:1])
    first.bend(bends)
    second.bend(bends)
    true = Now(99_000_000, 3)
    assert first.shown(true) == second.shown(true) != true
