"""Votes of one phase: a member holds one place. And the simulator's way to keep them answers as the plain one does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.core.messages import Certificate, Signed
from consortium.core.votes import PLAIN, VoteKeeping, Votes
from consortium.simulation.shortcuts.keeping import CountedKeeping
from consortium.simulation.shortcuts.tally import Box

NAMES = ("a", "b", "c", "d", "e")
PLACES = {name: place for place, name in enumerate(NAMES)}
DIGESTS = (b"one", b"two")
KEEPINGS = pytest.mark.parametrize("keeping", (PLAIN, CountedKeeping()), ids=("plain", "counted"))


def vote(name: str, view: int, digest: bytes) -> Signed:
    return Signed(name, b"%d %s" % (view, digest), name.encode())


def add(votes: Votes, name: str, view: int, digest: bytes) -> int:
    return votes.add(vote(name, view, digest), view, digest)


@KEEPINGS
def test_a_member_counts_once_and_moves_its_vote_to_a_later_view(keeping: VoteKeeping) -> None:
    votes = keeping.votes(PLACES)
    assert [add(votes, name, 0, b"one") for name in ("a", "b", "a")] == [1, 2, 0]
    assert add(votes, "a", 0, b"two") == 0, "of the same view the first counts"
    assert votes.conflict("a", 0, b"two") == vote("a", 0, b"one") and votes.conflict("a", 0, b"one") is None
    assert add(votes, "a", 2, b"two") == 1
    assert (len(votes), votes.count(0, b"one"), votes.count(2, b"two")) == (2, 1, 1)
    assert votes.counts() == {(0, b"one"): 1, (2, b"two"): 1}


@KEEPINGS
def test_a_certificate_holds_the_first_voters_by_name(keeping: VoteKeeping) -> None:
    votes = keeping.votes(PLACES)
    for name in ("d", "a", "c"):
        add(votes, name, 0, b"one")
    assert votes.certificate(0, b"one", 2) == Certificate(b"0 one", (("a", b"a"), ("c", b"c")))
    assert votes.voters(0, b"one") == ["a", "c", "d"]
    with pytest.raises(AssertionError):
        votes.certificate(0, b"one", 4)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3), st.sampled_from(DIGESTS)), max_size=24))
def test_counted_votes_answer_as_plain_ones(said: list[tuple[str, int, bytes]]) -> None:
    plain, counted = PLAIN.votes(PLACES), CountedKeeping().votes(PLACES)
    for name, view, digest in said:
        assert plain.conflict(name, view, digest) == counted.conflict(name, view, digest)
        assert add(plain, name, view, digest) == add(counted, name, view, digest)
        assert plain.counts() == counted.counts() and len(plain) == len(counted)
    for name in (*NAMES, "stranger"):
        assert plain.signed(name) == counted.signed(name)
    for (view, digest), count in plain.counts().items():
        assert plain.voters(view, digest) == counted.voters(view, digest)
        assert plain.certificate(view, digest, count) == counted.certificate(view, digest, count)


def test_only_what_follows_from_a_shared_certificate_is_made_once() -> None:
    box = Box()
    box.votes.append(vote("a", 0, b"one"))
    shared = box.certificate(1)
    assert shared is not None
    own = Certificate(shared.body, shared.signatures)
    for keeping, certificate, times in ((PLAIN, shared, 2), (CountedKeeping(), own, 2), (CountedKeeping(), shared, 1)):
        made: list[int] = []
        for _ in range(2):
            keeping.made_of(certificate, ("what",), lambda made=made: made.append(1))  # type: ignore[misc]
        assert len(made) == times
