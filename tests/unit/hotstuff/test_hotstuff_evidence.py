"""A leader that shows one proposal to some and another to others: the two meet at an honest member, and convict it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from consortium.core.codec import encode
from consortium.core.evidence import Evidence, check_conflict, is_signed_by
from consortium.core.machine import Effect, Send, Submit
from consortium.core.messages import Signed
from consortium.protocols.hotstuff.messages import (
    Ask,
    Ballot,
    BlockFound,
    Carried,
    Certified,
    FetchBlock,
    Proposal,
    Told,
)
from consortium.protocols.hotstuff.proposals import QUESTIONS_MAX, VIEWS_KEPT, Heard
from consortium.protocols.hotstuff.tree import Block
from tests.hotstuff_bench import Bench, noted, said

NONCE = b"n" * 16


def convicted(bench: Bench, effects: Sequence[Effect]) -> list[str]:
    """Whom the wishes to report evidence name; each pair must hold."""
    found = []
    for effect in effects:
        if isinstance(effect, Submit):
            evidence: Evidence = effect.calls[0][2]
            vote = check_conflict(evidence, bench.codec.chain, "keyed-hash")
            assert vote.kind == "Proposal"
            key = bench.epoch.key(evidence.first.sender, "vote")
            assert key is not None and is_signed_by(evidence, key, "keyed-hash")
            found.append(evidence.first.sender)
    return found


def proposal_of(bench: Bench, block: Block, by: str = "n0") -> Signed:
    return bench.signed(by, Proposal(block.view, block.digest, block.height, ()))


def carried(block: Block, *, body: bool = False) -> bytes:
    assert block.header is not None
    return encode(Carried(block.header, block.body if body else None, None))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def ours(bench: Bench) -> Block:
    """What the leader of view 0, n0, told us."""
    block = bench.block(None, 0, b"for us")
    assert said(bench.propose(block), Ballot)
    return block


@pytest.fixture
def theirs(bench: Bench, ours: Block) -> Block:
    """What it told the others."""
    return bench.block(None, 0, b"for them")


# --- a stalled view -------------------------------------------------------------------------------------------------


def test_a_stalled_member_says_which_block_it_heard(bench: Bench, ours: Block) -> None:
    bench.offer(b"work")
    (question,) = said(bench.wait(200_000, "retransmit"), Ask)
    assert question.proposal == ours.digest


def test_who_heard_another_block_shows_it_and_who_heard_the_same_says_nothing(
    bench: Bench, ours: Block, theirs: Block
) -> None:
    effects = bench.hear("n1", Ask(NONCE, 0, 0, 1, theirs.digest))
    (answer,) = said(effects, Told)
    assert answer.proposal == proposal_of(bench, ours)
    assert said(bench.hear("n1", Ask(b"a" * 16, 0, 0, 1, theirs.digest)), Told) == [], "once"
    assert said(bench.hear("n2", Ask(NONCE, 0, 0, 1, ours.digest)), Told) == []
    assert said(bench.hear("n2", Ask(NONCE, 5, 0, 1, theirs.digest)), Told) == [], "another view, another block"
    (answer,) = said(bench.hear("n2", Ask(b"m" * 16, 0, 0, 1, None)), Told)
    assert answer.proposal == proposal_of(bench, ours), "it has none"


def test_the_answer_brings_the_two_together(bench: Bench, ours: Block, theirs: Block) -> None:
    answer = Told("n3", NONCE, 0, None, None, None, proposal_of(bench, theirs))
    effects = bench.hear("n1", answer, carried(theirs))
    assert convicted(bench, effects) == ["n0"] and said(effects, Ballot) == []
    assert noted(effects, "rejected")[0]["sender"] == "n0", "whoever passes it on did nothing wrong"


# --- a quorum that voted for another block --------------------------------------------------------------------------


def fetches(effects: Sequence[Effect]) -> list[tuple[str, bytes, bool]]:
    return [
        (effect.to, effect.message.digest, effect.message.with_body)
        for effect in effects
        if isinstance(effect, Send) and isinstance(effect.message, FetchBlock)
    ]


def test_who_learns_that_others_voted_for_another_block_asks_them_for_it(
    bench: Bench, ours: Block, theirs: Block
) -> None:
    effects = bench.hear("n1", Certified(bench.quorum(theirs)))
    asked = [(to, digest) for to, digest, with_body in fetches(effects) if not with_body]
    assert asked == [("n0", theirs.digest), ("n1", theirs.digest)]
    found = BlockFound("n3", NONCE, theirs.digest, proposal_of(bench, theirs))
    assert convicted(bench, bench.hear("n1", found, carried(theirs))) == ["n0"]


def test_the_liar_does_not_answer_and_the_next_voters_are_asked(bench: Bench, ours: Block, theirs: Block) -> None:
    asked = [to for to, _, with_body in fetches(bench.hear("n1", Certified(bench.quorum(theirs)))) if not with_body]
    later = theirs
    for view in range(1, 8):
        later = bench.block(later, view)
        effects = bench.hear("n1", Certified(bench.quorum(later)))
        asked += [to for to, digest, with_body in fetches(effects) if digest == theirs.digest and not with_body]
    assert set(asked) == {"n0", "n1", "n2"} and len(asked) == 2 * QUESTIONS_MAX


def test_nobody_is_asked_where_the_quorum_voted_for_what_we_heard(bench: Bench, ours: Block) -> None:
    effects = bench.hear("n1", Certified(bench.quorum(ours)))
    assert [with_body for _, _, with_body in fetches(effects) if not with_body] == []


def test_who_is_asked_for_a_block_passes_on_the_proposal_that_it_heard(bench: Bench, ours: Block) -> None:
    effects = bench.hear("n1", FetchBlock("n3", NONCE, ours.digest, False))
    (found,) = said(effects, BlockFound)
    assert found.proposal == proposal_of(bench, ours)


def test_a_proposal_that_another_passes_on_names_nobody_unless_it_is_sound(
    bench: Bench, ours: Block, theirs: Block
) -> None:
    bench.hear("n1", Certified(bench.quorum(theirs)))
    good = proposal_of(bench, theirs)
    forged = (
        Signed("n0", good.body, bytes(32)),
        proposal_of(bench, theirs, by="n1"),
        proposal_of(bench, ours),
        bench.signed("n0", Ballot(0, theirs.digest, 1, ())),
    )
    for wrong in forged:
        effects = bench.hear("n1", BlockFound("n3", NONCE, theirs.digest, wrong), carried(theirs))
        assert convicted(bench, effects) == [] and noted(effects, "rejected")
        assert bench.state.evidence == {}


def test_a_leader_that_was_convicted_is_not_asked_about_again(bench: Bench, ours: Block, theirs: Block) -> None:
    assert convicted(bench, bench.propose(theirs)) == ["n0"]
    effects = bench.hear("n1", Certified(bench.quorum(theirs)))
    assert [to for to, _, with_body in fetches(effects) if not with_body] == []


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_proposals_are_kept_for_the_views_near_ours_alone_and_one_each() -> None:
    heard = Heard()
    bench = Bench()
    first = bench.signed("n0", Proposal(0, b"a" * 32, 1, ()))
    other = bench.signed("n0", Proposal(0, b"b" * 32, 1, ()))
    assert heard.hear(0, b"a" * 32, first, 0) is None and heard.hear(0, b"a" * 32, first, 0) is None
    assert heard.hear(0, b"b" * 32, other, 0) == first, "and again, whatever came between"
    assert heard.hear(1 << 40, b"c" * 32, other, 0) is None and heard.digest_of(1 << 40) is None
    for view in range(1, 1_000):
        heard.hear(view, b"d" * 32, other, view)
    assert len(heard._proposals) <= 2 * VIEWS_KEPT + 1 and heard.digest_of(0) is None
    assert heard.digest_of(999 - VIEWS_KEPT) == b"d" * 32
    heard.clear()
    assert heard.digest_of(999) is None


def test_other_proposals_in_between_hide_no_lie(bench: Bench, ours: Block, theirs: Block) -> None:
    """Only the newest proposal of each leader was kept: one more, of a later view, and the pair was never found."""
    assert bench.hear("n0", Proposal(1, b"later" + bytes(27), 2, ())) is not None
    assert convicted(bench, bench.propose(theirs)) == ["n0"]
