"""HotStuff's side of a lost log: ballots bind views, so what outlives them is a QC of a view beyond all of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consortium.core.machine import Effect, Persist, Started
from consortium.core.messages import Certificate
from consortium.protocols.hotstuff.messages import Ballot, Recall, Timeout
from tests.hotstuff_bench import Bench, Recalled, noted, said

OTHERS = ("n0", "n1", "n2")
TERM = 8  # views of one leader, and the bound where nobody proves a view above 0


def _lost(quorum: Certificate | None = None, records: Sequence[bytes] = ()) -> Bench:
    """n3 after a boot without its log; the others have told it how far they signed, n1 with this QC."""
    bench = Bench()
    bench.state.is_recalled = False
    questions = said(bench.step(Started(tuple(records), b"")), Recall)
    for question in questions:
        for name in OTHERS:
            proof = quorum if name == "n1" else None
            bench.hear(name, Recalled("n3", question.nonce, proof, None, (), None, 1))
    return bench


def _follow(bench: Bench, views: int) -> list[Effect]:
    """It hears the proposals of so many views, and each fourth height is sealed as soon as it is executed."""
    effects: list[Effect] = []
    for block in bench.line(*range(views)):
        effects += bench.propose(block)
        head = bench.state.head
        if head % 4 == 0 and head > bench.state.stable:
            effects += bench.seal(head)
    return effects


def test_it_votes_again_above_a_qc_of_a_view_beyond_all_of_its_own() -> None:
    bench = _lost()
    effects = _follow(bench, TERM + 6)
    (again,) = noted(effects, "votes_again")
    ballots = said(effects, Ballot)
    assert again == {"height": 8} and [ballot.view for ballot in ballots] == [10, 11, 12, 13]


@pytest.mark.parametrize(("view", "bound"), [(None, TERM), (5, TERM), (6, 2 * TERM)])
def test_what_the_others_prove_of_their_views_sets_the_bound(view: int | None, bound: int) -> None:
    """A QC of view 6 proves that a member is in view 7, the last of its term, and we may have been in view 16."""
    other = Bench()
    proof = None if view is None else other.quorum(other.line(*range(8))[view])
    assert _lost(proof).replica._lost.bound == (0, 1, bound)


def test_until_then_it_says_nothing_that_binds_it() -> None:
    bench = _lost()
    effects = _follow(bench, TERM + 1)
    effects += bench.time_out(TERM, *OTHERS[:2])
    effects += bench.wait(10_000_000, "progress")
    assert said(effects, Ballot) == said(effects, Timeout) == []


def test_that_qc_binds_it_as_if_it_had_voted_for_it_and_for_good() -> None:
    bench = _lost()
    effects: list[Effect] = []
    for block in bench.line(*range(TERM + 3)):
        effects += bench.propose(block)
    bench.state.current.pending = None
    effects += bench.seal(8)
    own = bench.state.own
    assert (own.voted, own.proposed, own.timed, own.locked) == (9, 9, 9, 7)
    records = [effect.record for effect in effects if isinstance(effect, Persist)]
    again = Bench()
    again.step(Started(tuple(records), b""))
    own = again.state.own
    assert (own.voted, own.proposed, own.timed, own.locked) == (9, 9, 9, 7) and not again.replica._lost.is_lost


@pytest.mark.parametrize(("timed", "height"), [(0, 4), (1, None)])
def test_a_member_names_its_height_where_it_can_prove_as_high_a_view_as_it_signed_in(
    timed: int, height: int | None
) -> None:
    bench = Bench()
    bench.state.own.height, bench.state.own.timed = 4, timed
    (answer,) = said(bench.hear("n1", Recall(b"q")), Recalled)
    assert answer.signed_height == height
