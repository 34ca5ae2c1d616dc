"""What HotStuff received when it came to share PBFT's parts: mends that its own copy had missed."""

from __future__ import annotations

import pytest

from consortium.core.codec import encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import Executed, Now, Received, Started
from consortium.core.membership import Epoch, Member
from consortium.protocols.common.records import FORMAT
from consortium.protocols.hotstuff import PROTOCOL
from consortium.protocols.hotstuff.messages import Recall, Told
from consortium.protocols.hotstuff.records import StateRecord
from tests.hotstuff_bench import Bench, Recalled, noted, said
from tests.pbft_network import secret

OTHERS = ("n0", "n1", "n2")


def _told(bench: Bench, *heights: int) -> None:
    for height in heights:
        bench.hear("n0", Told("n3", b"", height, None, None, None, None))


@pytest.mark.parametrize(("unasked", "is_behind"), [(3, True), (4, False)])
def test_answers_that_nobody_asked_for_are_rationed(unasked: int, is_behind: bool) -> None:
    """Each costs checks of signatures. The control: an answer within the ration is believed."""
    bench = Bench()
    bench.hear("n1", Told("n3", b"", 900, None, None, None, None))
    _told(bench, *[0] * unasked, 900)
    assert bench.replica._retransmission.has_open_work() is is_behind
    bench.now = Now(bench.now.monotonic_us + bench.timeout_us, bench.now.wall_us)
    _told(bench, 900)
    assert bench.replica._retransmission.has_open_work(), "the next period has a ration of its own"


def _booted(*records: StateRecord) -> tuple[Bench, list[bytes]]:
    """After a boot with these records and an empty ledger, and the nonces that it asked with."""
    bench = Bench()
    bench.state.is_recalled = False
    members = [
        Member(name, "x", "validator", {"vote": KeyedHash().public_key(secret(name))}) for name in ("n3", *OTHERS)
    ]
    bench.epochs.add(Epoch(1, 9, tuple(sorted(members, key=lambda member: member.name))))
    effects = bench.step(Started(tuple(encode(record) for record in records)))
    return bench, [message.nonce for message in said(effects, Recall)]


def _answer(bench: Bench, nonce: bytes, epoch: int) -> None:
    for name in OTHERS:
        message = Recalled("n3", nonce, None, None, (), None, None)
        bench.step(Received(name, message, bench.signed(name, message), epoch, b""))


@pytest.mark.parametrize("logged", [0, 1])
def test_a_node_that_lost_its_ledger_votes_in_no_epoch_that_its_log_is_past(logged: int) -> None:
    """Its log has forgotten what it said there. The control: with a log of this epoch it votes."""
    bench, (nonce,) = _booted(StateRecord(FORMAT, logged, 5, 5, 5, 0, None))
    _answer(bench, nonce, 0)
    assert bench.state.is_recalled is (logged == 0) and bench.state.may_vote is (logged == 0)
    if logged == 0:
        return
    effects = bench.step(Executed(8, bytes(32), bench.epochs.newest))
    (nonce,) = [message.nonce for message in said(effects, Recall)]
    _answer(bench, nonce, 1)
    assert bench.state.is_recalled and bench.state.own.voted == 4, "its log binds it in the epoch that it is of"


@pytest.mark.parametrize("is_recalled", [True, False])
def test_a_run_that_says_that_nobody_ever_voted_is_believed(is_recalled: bool) -> None:
    bench = Bench()
    replica = PROTOCOL.build(bench.state.context._replace(is_recalled=is_recalled))
    effects = list(replica.step(bench.now, Started(())))
    assert (said(effects, Recall) == []) is is_recalled and noted(effects, "observing") == []
