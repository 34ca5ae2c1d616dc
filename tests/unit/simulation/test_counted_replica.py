"""Votes that are counted without a step: which are, which are not, and that they are remembered like the others."""

from __future__ import annotations

from typing import Any

from consortium.core.messages import Signed
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall, Recalled
from consortium.protocols.pbft.recall import VotesOfOthers
from consortium.simulation.shortcuts.held_votes import HELD_MAX, HeldVotes
from consortium.simulation.shortcuts.keeping import CountedKeeping
from consortium.simulation.shortcuts.tally import Tally
from tests.pbft_bench import Bench

OTHER = b"\x07" * 32


def ordered(n: int = 7) -> tuple[Bench, bytes]:
    """A backup that holds the order of height 1, and has said PREPARE."""
    bench = Bench(n, me="n1", keeping=CountedKeeping())
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert bench.said(Prepare) == [Prepare(0, 1, digest)]
    return bench, digest


def counter(bench: Bench) -> Any:
    """The replica with the short way around it."""
    return bench.replica


def test_votes_below_a_quorum_are_counted_and_the_one_that_makes_it_is_stepped() -> None:
    bench, digest = ordered()
    count = counter(bench).count
    assert [count(bench.received(name, Prepare(0, 1, digest))) for name in ("n2", "n3", "n4")] == [True, True, False]


def test_nobody_is_counted_twice_nor_a_leader_nor_a_stranger() -> None:
    bench, digest = ordered()
    count = counter(bench).count
    assert count(bench.received("n2", Prepare(0, 1, digest)))
    assert not count(bench.received("n2", Prepare(0, 1, digest)))
    assert not count(bench.received("n0", Prepare(0, 1, digest)))
    assert not count(bench.received("n1", Prepare(0, 1, digest)))


def test_what_is_of_another_view_height_epoch_or_batch_is_stepped() -> None:
    bench, digest = ordered()
    count = counter(bench).count
    assert not count(bench.received("n3", Commit(0, 1, digest))._replace(epoch=1))
    assert count(bench.received("n2", Commit(0, 1, digest)))
    strange = (Commit(1, 1, digest), Commit(0, 2, digest), Commit(0, 999, digest), Commit(0, 1, OTHER))
    assert not any(count(bench.received("n3", vote)) for vote in strange)


def test_once_a_member_chose_otherwise_everybody_is_stepped() -> None:
    bench, digest = ordered()
    assert counter(bench).count(bench.received("n2", Commit(0, 1, digest)))
    bench.do(bench.received("n3", Commit(0, 1, OTHER)))
    assert not counter(bench).count(bench.received("n4", Commit(0, 1, digest)))


def recalled(bench: Bench, name: str) -> tuple[Signed, ...]:
    """What the replica answers to a member that asks for its votes."""
    bench.out.clear()
    bench.hear(name, Recall(b"a nonce of 16 by"))
    (answer,) = bench.said(Recalled)
    return answer.votes


def test_what_was_counted_is_told_to_one_that_asks_for_its_votes() -> None:
    bench, digest = ordered()
    vote = bench.received("n2", Prepare(0, 1, digest))
    assert recalled(bench, "n2") == ()
    assert counter(bench).count(vote)
    assert recalled(bench, "n2") == (vote.signed,)


def test_each_members_newest_vote_is_held_however_many_heights_are_counted() -> None:
    bench = Bench(7, me="n1")
    memory = VotesOfOthers()
    held = HeldVotes(memory)
    places = bench.epoch.places
    for height in range(1, 3 * HELD_MAX):
        tally = Tally(7)
        held.hold(Prepare(0, height, OTHER), 0, tally)
        for name in ("n2", "n3") if height == 5 else ("n2",):
            tally.add(places[name], bench.sign(name, Prepare(0, height, OTHER)))
    newest = Prepare(0, 3 * HELD_MAX - 1, OTHER)
    for name in ("n2", "n3"):
        held.tell(name)
    assert memory.of("n2") == (bench.sign("n2", newest),)
    assert memory.of("n3") == (bench.sign("n3", Prepare(0, 5, OTHER)),)
    assert len(held) <= HELD_MAX + 1
