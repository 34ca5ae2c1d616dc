"""Votes that say the same: counted once a member, by name or unnamed."""

from __future__ import annotations

from consortium.core.messages import Signed
from consortium.simulation.shortcuts.tally import NEVER, Box, Tally

VOTES = [Signed(name, b"the same", name.encode()) for name in "dcba"]


def test_a_member_counts_once_and_a_certificate_is_by_name() -> None:
    tally = Tally(4)
    assert [tally.add(3, VOTES[0]), tally.add(3, VOTES[0]), tally.add(1, VOTES[2])] == [1, 1, 2]
    assert tally.certificate(2).signatures == (("b", b"b"), ("d", b"d"))
    assert tally.signed("b") == VOTES[2] and tally.signed("a") is None
    tally.remove(3, "d")
    assert len(tally) == 1 and not tally.seen[3]


def test_what_is_unnamed_counts_until_it_is_named() -> None:
    tally, box = Tally(4), Box()
    tally.votes_until_step = 4
    box.votes.extend(VOTES[:3])
    tally.add(0, VOTES[3])
    tally.add_unnamed(box, 2)
    assert (len(tally), tally.votes_until_step) == (3, 1)
    shared = tally.certificate(3)
    assert shared is box.certificate(3) and [name for name, _ in shared.signatures] == ["b", "c", "d"]
    tally.name_votes([(3, VOTES[0]), (2, VOTES[1]), (0, VOTES[3])])
    assert (len(tally), tally.votes_until_step, tally.unnamed) == (3, 1, 0)
    assert [name for name, _ in tally.certificate(3).signatures] == ["a", "c", "d"]


def test_a_box_with_too_few_votes_is_filled_up_with_ones_own() -> None:
    tally, box = Tally(4), Box()
    tally.add(0, VOTES[3])
    box.votes.extend(VOTES[:1])
    tally.add_unnamed(box, 1)
    assert box.certificate(2) is None
    assert [name for name, _ in tally.certificate(2).signatures] == ["a", "d"]


def test_a_complete_tally_that_is_shared_loses_a_vote_alone() -> None:
    seen, voters = bytearray(b"\x01" * 4), list(VOTES)
    one, other = Tally(4), Tally(4)
    for tally in (one, other):
        tally.complete(seen, voters)
        tally.votes_until_step = NEVER
    one.remove(3, "d")
    assert len(one) == 3 and len(other) == 4 and other.seen[3] == 1
