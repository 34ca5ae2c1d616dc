"""When a HotStuff replica leaves a view: T counts from the work, and falls with the first block of a term.

n=4, T = 1 s; a term has eight views.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consortium.core.machine import Effect, SetTimer
from consortium.protocols.hotstuff.messages import Ask, Ballot, Timeout
from tests.hotstuff_bench import Bench, noted, said
from tests.pbft_network import PARAMETERS

T_US = PARAMETERS.timer_base_us
QUORUM = ("n0", "n1", "n2")


def waits(effects: Sequence[Effect], timer: str = "progress") -> list[int]:
    return [effect.delay_us for effect in effects if isinstance(effect, SetTimer) and effect.name[1] == timer]


def after(bench: Bench, delay_us: int) -> None:
    bench.now = type(bench.now)(bench.now.monotonic_us + delay_us, bench.now.wall_us + delay_us)


def test_nobody_leaves_a_view_before_work_has_waited_for_the_leaders_time() -> None:
    """Found with work that comes seldom: the timer was still set from older work, and counted from the view's begin."""
    bench = Bench()
    assert waits(bench.offer(b"one")) == [T_US]
    after(bench, T_US - 100_000)
    bench.pool.known.clear()  # executed by a block that came another way
    bench.offer(b"two")
    effects = bench.wait(100_000, "progress")
    assert said(effects, Timeout) == [] and waits(effects) == [T_US - 100_000]
    assert said(bench.wait(T_US - 100_001, "progress"), Timeout) == []
    assert said(bench.wait(1, "progress"), Timeout) == [Timeout(0)]


def test_who_stood_still_longer_than_the_leaders_time_hears_it_out_before_it_leaves() -> None:
    bench = Bench()
    bench.offer(b"one")
    effects = bench.wait(3 * T_US, "progress")
    assert said(effects, Timeout) == [] and waits(effects) == [T_US]
    assert said(bench.wait(3 * T_US, "progress"), Timeout) == [Timeout(0)], "not twice in a row"


def test_a_proposal_of_which_we_have_no_bundle_is_owed_since_it_came() -> None:
    bench = Bench()
    after(bench, 5 * T_US)
    assert waits(bench.propose(bench.block(None, 0))) == [T_US]
    assert said(bench.wait(T_US - 1, "progress"), Timeout) == []
    assert said(bench.wait(1, "progress"), Timeout) == [Timeout(0)]


def term(bench: Bench, first: int, took_us: int) -> list[Effect]:
    """Views from `first` on, each ending after so long, until a block is decided."""
    blocks = [bench.block(None, first)]
    effects = bench.propose(blocks[0], bench.certificate(Timeout(first - 8)))
    for view in range(first + 1, first + 4):
        after(bench, took_us)
        blocks.append(bench.block(blocks[-1], view))
        effects += bench.propose(blocks[-1])
    assert bench.state.decided == 1
    return effects


@pytest.mark.parametrize(("took_us", "left_us"), [(1_000, T_US), (3 * T_US, 8 * T_US)])
def test_the_first_block_of_a_term_brings_the_leaders_time_back_as_far_as_its_slowest_view_allows(
    took_us: int, left_us: int
) -> None:
    """After an outage the next fault costs T, and not what the outage had cost; and the timer that was set before is
    set anew. Where views are slow, T stays long."""
    bench = Bench()
    for view in range(0, 48, 8):
        bench.time_out(view, *QUORUM)
    bench.offer(b"one")
    bench.offer(b"two")
    assert bench.timeout_us == 32 * T_US
    bench.wait(0, "progress")
    effects = term(bench, 48, took_us)
    assert bench.timeout_us == left_us and waits(effects)[-1] == left_us


def test_a_view_that_we_left_makes_no_noise_while_nothing_waits() -> None:
    """Found in an idle consortium: one member that had left the view of the others said so every 4 T, for ever."""
    bench = Bench()
    bench.offer(b"one")
    assert said(bench.wait(T_US, "progress"), Timeout)
    bench.wait(T_US, "retransmit")
    assert said(bench.wait(T_US, "retransmit"), Ask), "the control: work waits"
    bench.pool.known.clear()
    assert bench.wait(4 * T_US, "retransmit") == []
    assert waits(bench.offer(b"two"), "retransmit")
    assert said(bench.wait(T_US, "retransmit"), Timeout) == [Timeout(0)]


@pytest.mark.parametrize(
    ("age_us", "is_accepted", "blamed"),
    [(60_000_000, True, []), (90_000_000, False, [""]), (-11_000_000, False, ["n0"])],
)
def test_a_batch_may_be_old_where_its_leader_may_have_said_it_since_then(
    age_us: int, is_accepted: bool, blamed: list[str]
) -> None:
    bench = Bench()
    block = bench.block(None, 0)
    after(bench, age_us)
    effects = bench.propose(block)
    assert bool(said(effects, Ballot)) is is_accepted
    assert [note["sender"] for note in noted(effects, "rejected")] == blamed
