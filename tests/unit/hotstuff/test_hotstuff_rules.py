"""HotStuff's rules one by one: who may propose, what is voted for, what is locked, what is decided."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.codec import Malformed
from consortium.core.evidence import check_conflict
from consortium.core.machine import Send, Submit
from consortium.core.messages import Certificate
from consortium.protocols.hotstuff.certificates import check_decision, leader_of, next_term, open_quorum
from consortium.protocols.hotstuff.messages import Ballot, Certified, FetchBlock, Proposal, Timeout, Told
from tests.hotstuff_bench import Bench, decided, noted, persisted_before, said

QUORUM = ("n0", "n1", "n2")


# --- votes ----------------------------------------------------------------------------------------------------------


def test_a_ballot_goes_to_the_next_leader_after_its_record() -> None:
    bench = Bench()
    effects = bench.propose(bench.block(None, 0))
    assert persisted_before(effects, Ballot)
    assert [e.to for e in effects if isinstance(e, Send) and isinstance(e.message, Ballot)] == ["n0"]
    assert bench.state.own.voted == 0


def test_nobody_votes_twice_in_a_view_and_two_proposals_are_evidence() -> None:
    bench = Bench()
    assert said(bench.propose(bench.block(None, 0, b"one")), Ballot)
    effects = bench.propose(bench.block(None, 0, b"two"))
    assert said(effects, Ballot) == []
    assert noted(effects, "rejected")[0]["why"] == "equivocation"
    wish = next(effect for effect in effects if isinstance(effect, Submit))
    check_conflict(wish.calls[0][2], bench.codec.chain, "keyed-hash")


def test_only_the_leader_of_a_view_proposes_in_it() -> None:
    bench = Bench()
    block = bench.block(None, 0)
    effects = bench.hear("n1", Proposal(0, block.digest, 1, ()), b"")
    assert noted(effects, "rejected")[0]["why"] == "not the leader of that view"


def test_a_block_on_an_older_qc_than_the_lock_gets_no_vote_and_one_on_the_lock_does() -> None:
    bench = Bench()
    first, second, third = bench.line(0, 1, 2)
    for block in (first, second, third):
        bench.propose(block)
    assert bench.state.own.locked == 0  # the vote for the third: QCs of the second and of the first under it
    timeouts = bench.certificate(Timeout(6))
    stale = bench.block(None, 8)
    assert said(bench.propose(stale, timeouts), Ballot) == []
    other = Bench()
    for block in other.line(0, 1, 2):
        other.propose(block)
    assert said(other.propose(other.block(other.tree.get(first.digest), 8), timeouts), Ballot)


def test_a_lock_is_the_parents_parent_whatever_their_views() -> None:
    bench = Bench()
    first = bench.block(None, 0)
    second = bench.block(first, 8)
    bench.propose(first)
    bench.propose(second, bench.certificate(Timeout(0)))
    assert bench.state.own.locked == -1
    bench.propose(bench.block(second, 9))
    assert bench.state.own.locked == 0


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"height": 3}, "its heights do not follow"),
        ({"certified": 1}, "its heights do not follow"),
    ],
)
def test_a_block_whose_heights_do_not_follow_gets_no_vote(fields: dict[str, Any], why: str) -> None:
    bench = Bench()
    effects = bench.propose(bench.block(None, 0, **fields))
    assert said(effects, Ballot) == []
    assert why in noted(effects, "rejected")[0]["why"]


def test_a_block_that_says_that_more_is_decided_than_we_know_waits() -> None:
    bench = Bench()
    first, second = bench.line(0, 1)
    bench.propose(first)
    bench.propose(second)
    third = bench.block(second, 2, base=1, certified=1)
    assert said(bench.propose(third), Ballot) == []
    assert noted(bench.propose(third), "rejected") == []


def test_an_empty_block_is_voted_for_only_while_heights_wait_for_votes() -> None:
    bench = Bench()
    effects = bench.propose(bench.block(None, 0, None))
    assert said(effects, Ballot) == []
    assert "carries nothing" in noted(effects, "rejected")[0]["why"]
    bench = Bench()
    first = bench.block(None, 0)
    bench.propose(first)
    assert said(bench.propose(bench.block(first, 1, None)), Ballot)


def test_an_unfit_batch_gets_no_vote() -> None:
    bench = Bench()
    effects = bench.propose(bench.block(None, 0, b"unfit"))
    assert said(effects, Ballot) == [] and noted(effects, "rejected")


def test_nothing_is_voted_for_without_its_batch_which_is_fetched() -> None:
    bench = Bench()
    block = bench.block(None, 0)
    effects = bench.propose(block, body=False)
    assert said(effects, Ballot) == []
    assert {fetch.digest for fetch in said(effects, FetchBlock)} == {block.digest}


def test_a_view_that_was_left_gets_no_vote_any_more() -> None:
    bench = Bench()
    bench.offer(b"work")
    effects = bench.wait(1_000_000, "progress")
    assert persisted_before(effects, Timeout) and said(effects, Timeout) == [Timeout(0)]
    assert said(bench.propose(bench.block(None, 0)), Ballot) == []


# --- decisions ------------------------------------------------------------------------------------------------------


def test_three_consecutive_views_decide_the_first_with_the_qc_of_the_third() -> None:
    bench = Bench()
    first, second, third = bench.line(0, 1, 2)
    assert decided([*bench.propose(first), *bench.propose(second), *bench.propose(third)]) == []
    assert decided(bench.propose(bench.block(third, 3))) == [1]


@pytest.mark.parametrize("views", [(0, 1, 8), (0, 8, 9), (0, 8, 16)])
def test_a_gap_in_the_views_decides_nothing(views: tuple[int, ...]) -> None:
    bench = Bench()
    blocks = bench.line(*views)
    for block in (*blocks, bench.block(blocks[-1], views[-1] + 1)):
        bench.propose(block, bench.certificate(Timeout(block.view - 2)) if block.view in (8, 16) else None)
    assert bench.state.own.voted == views[-1] + 1 and bench.state.decided == 0


def test_what_lies_under_the_three_chain_is_decided_with_it() -> None:
    bench = Bench()
    blocks = bench.line(0, 8, 9, 10)
    assert bench.ballot(blocks[-1]).height == 1
    assert bench.ballot(blocks[-1]).commits == (blocks[0].batch, blocks[1].batch)
    for block in blocks:
        bench.propose(block, bench.certificate(Timeout(6)) if block.view == 8 else None)
    assert decided(bench.hear("n1", Certified(bench.quorum(blocks[-1])))) == [1, 2]


def test_one_certificate_proves_a_decision_offline_and_nothing_else() -> None:
    bench = Bench()
    blocks = bench.line(0, 8, 9, 10)
    certificate = bench.quorum(blocks[-1])

    def check(height: int, digest: bytes, proof: Certificate = certificate) -> None:
        check_decision(proof, bench.epochs, height, digest, bench.verifier)

    check(1, blocks[0].batch)
    check(2, blocks[1].batch)
    few = Certificate(certificate.body, certificate.signatures[:-1])
    for height, digest, proof in (
        (2, blocks[0].batch, certificate),
        (3, blocks[2].batch, certificate),
        (1, blocks[0].batch, few),
        (1, blocks[0].batch, bench.certificate(Timeout(1))),
        (1, blocks[0].batch, bench.quorum(blocks[2])),
    ):
        with pytest.raises(Malformed):
            check(height, digest, proof)


def test_a_qc_needs_a_quorum_of_validators_who_say_the_same() -> None:
    bench = Bench()
    ballot = bench.ballot(bench.block(None, 0))
    assert open_quorum(bench.certificate(ballot), bench.epoch, bench.verifier).view == 0
    for bad in (bench.certificate(ballot, ("n0", "n1")), bench.certificate(ballot, ("n0", "n1", "nobody"))):
        with pytest.raises(Malformed):
            open_quorum(bad, bench.epoch, bench.verifier)


# --- leading --------------------------------------------------------------------------------------------------------


def test_leaders_take_turns_of_eight_views_and_who_is_waited_for_in_vain_loses_its_own() -> None:
    """In the last view of a term the ballots go to the next leader: it is the one that is passed over."""
    epoch = Bench().epoch
    assert [leader_of(epoch, view) for view in (0, 7, 8, 31, 32)] == ["n0", "n0", "n1", "n3", "n0"]
    assert [next_term(view) for view in (0, 6, 7, 8)] == [8, 8, 16, 16]


def test_a_leader_collects_a_quorum_and_proposes_on_it_and_two_ballots_of_one_view_are_evidence() -> None:
    bench = Bench("n0")
    proposal = said(bench.offer(b"work"), Proposal)[0]
    assert (proposal.view, proposal.height) == (0, 1)
    ballot = said_ballot(bench)
    assert said(bench.hear("n1", ballot), Proposal) == []
    other = Ballot(ballot.view, bytes(32), ballot.height, ballot.commits)
    effects = bench.hear("n1", other)
    assert noted(effects, "rejected")[0]["why"] == "equivocation" and any(isinstance(e, Submit) for e in effects)
    effects = bench.hear("n2", ballot)
    assert [proposal.view for proposal in said(effects, Proposal)] == [1]


def said_ballot(bench: Bench) -> Ballot:
    """That of everybody for the proposal of our view."""
    block = bench.state.current.pending
    decision = bench.state.tree.decided_by(block)
    return Ballot(block.view, block.digest, decision.height, decision.commits)


def test_a_batch_alone_is_pushed_by_two_empty_blocks_and_then_all_is_quiet() -> None:
    bench = Bench("n0")
    effects = bench.offer(b"work")
    views = 0
    while said(effects, Proposal):
        views += 1
        ballot = said_ballot(bench)
        effects = [*bench.hear("n1", ballot), *bench.hear("n2", ballot)]
    assert views == 3 and decided(effects) == [1]
    assert len(said(effects, Certified)) == 1  # no proposal carries the last QC: it is told by itself
    assert bench.state.tree.get(bench.state.high_digest).height == 1


# --- the pacemaker --------------------------------------------------------------------------------------------------


def test_f_plus_one_that_left_make_us_leave_and_a_quorum_ends_the_term() -> None:
    bench = Bench()
    assert said(bench.time_out(0, "n0"), Timeout) == []
    effects = bench.time_out(0, "n1")
    assert said(effects, Timeout) == [Timeout(0)]  # ours: and with it a quorum
    assert bench.state.view == 8 and bench.replica.leader == "n1"
    assert noted(effects, "new_view") == [{"view": 8, "leader": "n1"}]


def test_one_member_alone_moves_nobody_however_far_it_asks() -> None:
    bench = Bench()
    for view in (0, 5, 1 << 40, (1 << 53) - 1):
        bench.time_out(view, "n1")
    assert bench.state.view == 0 and bench.state.own.timed == -1


def test_a_new_leader_builds_on_the_newest_qc_that_came_with_the_timeouts() -> None:
    bench = Bench("n1")
    first = bench.block(None, 0)
    bench.propose(first)
    effects = [*bench.time_out(1, "n2", quorum=bench.quorum(first)), *bench.time_out(1, "n0")]
    assert [proposal.view for proposal in said(effects, Proposal)] == [8]
    assert bench.state.current.pending.header.parent == first.digest


def test_a_term_that_does_not_follow_its_parent_must_show_why() -> None:
    bench = Bench()
    for timeouts in (None, bench.certificate(Timeout(9)), bench.certificate(Timeout(6), ("n0", "n1"))):
        effects = bench.propose(bench.block(None, 8), timeouts)
        assert said(effects, Ballot) == [] and noted(effects, "rejected")
        bench = Bench()
    assert said(bench.propose(bench.block(None, 8), bench.certificate(Timeout(6))), Ballot)


def test_the_timer_doubles_with_fruitless_terms_and_comes_back_with_decisions() -> None:
    bench = Bench()
    base_us = bench.timeout_us
    waits = []
    for view in (0, 8, 16, 24):
        bench.time_out(view, *QUORUM)
        waits.append(bench.timeout_us)
    assert waits == [base_us, 2 * base_us, 4 * base_us, 8 * base_us]
    blocks = [bench.block(None, 32)]
    bench.propose(blocks[0], bench.certificate(Timeout(24)))
    for view in (33, 34, 35):
        blocks.append(bench.block(blocks[-1], view))
        bench.propose(blocks[-1])
    assert bench.state.decided == 1 and bench.timeout_us == base_us


def test_an_idle_replica_is_quiet() -> None:
    bench = Bench()
    assert bench.wait(5_000_000, "progress") == [] and bench.wait(5_000_000, "retransmit") == []


@pytest.mark.parametrize(("liars", "is_behind"), [(("eye", "owl"), False), (("n0", "n1"), True)])
def test_what_observers_claim_to_have_executed_is_no_reason_to_ask(liars: tuple[str, ...], is_behind: bool) -> None:
    """f+1 validators show that we lag: the positive control. Any number of observers may be liars."""
    bench = Bench(observers=("eye", "owl"))
    for name in liars:
        bench.hear(name, Told("n3", b"", 1 << 52, None, None, None, None))
    assert bench.replica._retransmission.has_open_work() is is_behind
