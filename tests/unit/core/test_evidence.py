"""Two votes of one member that exclude each other, and pairs that prove nothing."""

from __future__ import annotations

import pytest

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.crypto import KeyedHash
from consortium.core.evidence import (
    HEIGHT_MAX,
    STATEMENT_BYTES_MAX,
    Evidence,
    check_conflict,
    is_signed_by,
    make_evidence,
    open_vote,
)
from consortium.core.messages import Signed, Vote, statement

SUITE = KeyedHash()
CHAIN = b"c" * 32
KEY = SUITE.public_key(b"m" * 32)


class Ballot(Vote, frozen=True):
    """Any kind of vote."""


class Other(Vote, frozen=True):
    """Another kind."""


def said(vote: Vote, sender: str = "m", epoch: int = 0, chain: bytes = CHAIN, secret: bytes = b"m" * 32) -> Signed:
    body = statement(chain, SUITE.name, epoch, vote)
    return Signed(sender, body, SUITE.sign(secret, body))


ONE, TWO = Ballot(2, 9, b"1" * 32), Ballot(2, 9, b"2" * 32)


def test_two_votes_for_one_thing_convict_their_sender_in_one_form() -> None:
    evidence = make_evidence(said(ONE), said(TWO))
    assert evidence == make_evidence(said(TWO), said(ONE))
    seen = check_conflict(evidence, CHAIN, SUITE.name)
    assert (seen.kind, seen.view, seen.height) == ("Ballot", 2, 9)
    assert is_signed_by(evidence, KEY, SUITE.name)
    decoder: Decoder[Evidence] = Decoder(Evidence, 10_000)
    assert decoder.decode_canonical(encode(evidence)) == evidence, "a file to carry away"


PROVE_NOTHING = {
    "different senders": (said(TWO, sender="n"), "different senders"),
    "another view": (said(Ballot(3, 9, b"2" * 32)), "different kinds, epochs, views or heights"),
    "another height": (said(Ballot(2, 8, b"2" * 32)), "different kinds, epochs, views or heights"),
    "another kind": (said(Other(2, 9, b"2" * 32)), "different kinds, epochs, views or heights"),
    "another epoch": (said(TWO, epoch=1), "different kinds, epochs, views or heights"),
    "the same batch": (said(ONE), "the same batch"),
    "another chain": (said(TWO, chain=b"d" * 32), "another chain"),
    "a height beyond reason": (said(Ballot(2, HEIGHT_MAX, b"2" * 32)), "out of bounds"),
    "a digest that is none": (said(Ballot(2, 9, b"2")), "no vote"),
}


@pytest.mark.parametrize("name", list(PROVE_NOTHING))
def test_a_pair_that_excludes_nothing_is_refused_with_a_sentence(name: str) -> None:
    other, why = PROVE_NOTHING[name]
    with pytest.raises(Malformed, match=why):
        check_conflict(make_evidence(said(ONE), other), CHAIN, SUITE.name)


def test_a_pair_the_wrong_way_round_has_not_its_one_form() -> None:
    good = make_evidence(said(ONE), said(TWO))
    with pytest.raises(Malformed, match="order"):
        check_conflict(Evidence(good.second, good.first), CHAIN, SUITE.name)


def test_one_true_signature_is_not_enough() -> None:
    for forged in (
        make_evidence(said(ONE), said(TWO, secret=b"x" * 32)),
        make_evidence(said(ONE, secret=b"x" * 32), said(TWO)),
    ):
        assert not is_signed_by(forged, KEY, SUITE.name)


def test_bytes_that_are_no_vote_are_told_in_our_own_words() -> None:
    for body in (b"", b"\x95", b"x" * (STATEMENT_BYTES_MAX + 1)):
        with pytest.raises(Malformed, match="a statement is no vote"):
            open_vote(body)
