"""Replies over blocks that hold requests of applications: who says one, when a block is acknowledged, what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core import merkle
from consortium.core.codec import encode
from consortium.core.contract import OK, Receipt
from consortium.core.crypto import SUITES
from consortium.core.header import Header, header_bytes_digest
from consortium.core.machine import Broadcast, Effect, Executed, Note, Now, Outcome, Receipted, Received
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import Signed, statement
from consortium.core.proven import Anchor, ProofError
from consortium.core.replies import Reply, verify_acknowledged, verify_acknowledged_receipt
from consortium.core.requests import request_number
from consortium.node.replies import AHEAD_HEIGHTS, KEPT_HEIGHTS, OLD_US, Replies

SUITE = SUITES["ed25519"]()
CHAIN = b"c" * 32
NAMES = ("a", "b", "c", "d", "e")
MEMBERS = tuple(
    Member(name, "hospital", "observer" if name == "e" else "validator", {"vote": SUITE.public_key(name.encode() * 32)})
    for name in NAMES
)
EPOCH = Epoch(0, 1, MEMBERS)
NOW = Now(0, 1_000_000)
OURS, THEIRS = b"o" * 32, b"t" * 32
RECEIPTS = [encode(Receipt(bytes([index]) * 32, OK, "", ())) for index in range(5)]


def header(height: int = 7, chain: bytes = CHAIN, epoch: int = 0) -> bytes:
    roots = (b"n" * 32, b"p" * 32, b"b" * 32, b"x" * 32, merkle.commitment(RECEIPTS), b"s" * 32)
    return encode(Header(3, chain, height, epoch, *roots, 1))


def signature(name: str, data: bytes, height: int = 7) -> bytes:
    said = statement(CHAIN, "ed25519", 0, Reply(height, header_bytes_digest(data)))
    return SUITE.sign(name.encode() * 32, said)


def body(height: int, digest: bytes) -> bytes:
    return statement(CHAIN, "ed25519", 0, Reply(height, digest))


class Site:
    def __init__(self, me: str = "a", height: int = 0) -> None:
        self.replies = Replies(me, Epochs((EPOCH,)), height)
        self.height = height

    def execute(self, *numbers: int, digest: bytes = OURS, time_us: int = 1_000_000, replay: bool = False) -> Any:
        self.height += 1
        outcomes = tuple(Outcome("a", number, "c", "o", b"", Receipt(b"i" * 32, OK, "", ())) for number in numbers)
        self.replies.step(NOW, Executed(self.height, digest, EPOCH))
        return list(self.replies.step(NOW, Receipted(self.height, time_us, outcomes, replay)))

    def hear(self, sender: str, height: int, digest: bytes = OURS, epoch: int = 0) -> list[Effect]:
        signed = Signed(sender, body(height, digest), sender.encode())
        return list(self.replies.step(NOW, Received(sender, Reply(height, digest), signed, epoch, b"")))


REQUEST = request_number(20260730, 1)


def test_a_block_with_a_request_is_replied_to_and_no_other() -> None:
    site = Site()
    assert site.execute(1, 2) == [] and site.execute() == []
    assert site.execute(3, REQUEST) == [Broadcast(Reply(3, OURS), b"", 0)]
    assert site.execute(REQUEST, replay=True) == [], "history"
    assert site.execute(REQUEST, time_us=NOW.wall_us - OLD_US - 1) == [], "nobody waits for what is caught up with"
    assert Site("e").execute(REQUEST) == [], "an observer's word counts for nothing"


def test_f_plus_1_with_the_same_block_acknowledge_it_once() -> None:
    site = Site()
    assert site.hear("b", 1) == [], "before it was executed here"
    assert site.hear("c", 1, THEIRS) == []
    assert site.execute(REQUEST) == [Broadcast(Reply(1, OURS), b"", 0)], "one alone may lie"
    (note,) = site.hear("a", 1)
    assert note == Note("acknowledged", {"height": 1, "by": ["a", "b"]})
    assert site.hear("d", 1) == [] and dict(site.replies.matching(1)) == {"a": b"a", "b": b"b", "d": b"d"}


def test_replies_that_came_first_acknowledge_a_block_as_it_is_executed() -> None:
    site = Site()
    site.hear("b", 1)
    site.hear("c", 1)
    reply, note = site.execute(REQUEST)
    assert isinstance(reply, Broadcast) and note == Note("acknowledged", {"height": 1, "by": ["b", "c"]})


def test_what_others_have_said_often_enough_need_not_be_looked_at() -> None:
    """Of a block that is acknowledged here the very statement that was said here; nothing else, and nothing before."""
    site = Site()
    site.execute(REQUEST)
    site.hear("a", 1)
    assert not site.replies.is_needless(body(1, OURS)), "one is not enough"
    site.hear("b", 1)
    assert site.replies.is_needless(body(1, OURS))
    assert not site.replies.is_needless(body(1, THEIRS)), "who says something else is to be noted"
    assert not site.replies.is_needless(body(2, OURS)) and not site.replies.is_needless(b"")
    assert not Site("e").replies.is_needless(b"")
    for _ in range(KEPT_HEIGHTS):
        site.execute(REQUEST)
    assert not site.replies.is_needless(body(1, OURS)), "what is forgotten is bounded"


def test_a_block_that_others_acknowledged_first_is_needless_once_it_is_said_here() -> None:
    site = Site()
    site.hear("b", 1)
    site.hear("c", 1)
    site.execute(REQUEST)
    assert not site.replies.is_needless(body(1, OURS))
    assert site.hear("a", 1) == [] and site.replies.is_needless(body(1, OURS))


def test_who_says_two_things_of_one_block_is_noted_and_counts_for_the_first() -> None:
    site = Site()
    site.execute(REQUEST)
    site.hear("b", 1, THEIRS)
    (note,) = site.hear("b", 1)
    assert isinstance(note, Note) and note.kind == "reply_differs" and note.fields["by"] == "b"
    assert dict(site.replies.matching(1)) == {}


@pytest.mark.parametrize(("sender", "epoch"), [("e", 0), ("z", 0), ("b", 1)])
def test_a_reply_of_no_validator_of_its_epoch_is_refused(sender: str, epoch: int) -> None:
    (note,) = Site().hear(sender, 1, epoch=epoch)
    assert isinstance(note, Note) and note.kind == "rejected"


def test_what_is_kept_is_bounded_whatever_members_say() -> None:
    site = Site()
    for height in range(3 * AHEAD_HEIGHTS):
        for sender in "bcd":
            site.hear(sender, height)
    assert len(site.replies._said) == AHEAD_HEIGHTS
    for _ in range(2 * KEPT_HEIGHTS):
        site.execute(REQUEST)
        site.hear("b", site.height + AHEAD_HEIGHTS)
    assert len(site.replies._said) <= KEPT_HEIGHTS + AHEAD_HEIGHTS
    site.execute()
    assert site.hear("b", site.height) == [] and dict(site.replies.matching(site.height)) == {}


def test_an_acknowledged_header_is_judged_from_the_members_alone() -> None:
    data, anchor = header(), Anchor(CHAIN, "ed25519", EPOCH)
    replies = {name: signature(name, data) for name in ("a", "b")}
    assert verify_acknowledged(anchor, data, replies).header.height == 7
    path = merkle.path(RECEIPTS, 3)
    _, receipt = verify_acknowledged_receipt(anchor, data, replies, RECEIPTS[3], 3, 5, path)
    assert receipt.transaction == bytes([3]) * 32
    with pytest.raises(ProofError, match="receipt does not lie"):
        verify_acknowledged_receipt(anchor, data, replies, RECEIPTS[2], 3, 5, path)
    junk = {
        "a": replies["a"],
        "e": signature("e", data),
        "z": signature("b", data),
        "b": signature("c", data),
        "c": b"",
    }
    for few in ({}, {"a": replies["a"]}, junk, {**replies, "b": signature("b", header(8), 8)}):
        with pytest.raises(ProofError, match="have acknowledged this block; 2 are needed"):
            verify_acknowledged(anchor, data, few)
    for wrong, words in ((header(chain=b"d" * 32), "another chain"), (header(epoch=1), "epoch 1"), (b"x", "no header")):
        with pytest.raises(ProofError, match=words):
            verify_acknowledged(anchor, wrong, replies)
