"""Rules of HotStuff that have two conditions, each condition alone: n=4, quorum 3, weak quorum 2."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.machine import Effect, Executed, Persist, Received, Started
from consortium.core.membership import Epoch
from consortium.core.messages import Message, Signed
from consortium.protocols.hotstuff import PROTOCOL
from consortium.protocols.hotstuff.certificates import open_timeouts
from consortium.protocols.hotstuff.messages import Ballot, Certified, Timeout, root_digest
from consortium.protocols.hotstuff.tree import Block, Tree
from tests.hotstuff_bench import SUITE, Bench, decided, said
from tests.pbft_network import CHAIN, secret

# --- the newest certificate is that of the highest view -------------------------------------------------------------


class Two(Bench):
    """Two QCs: `high` of view 2 at height 3, and `late` of view 8 at height 2, on the same first block."""

    def __init__(self) -> None:
        super().__init__("n3")
        first, second, third = self.line(0, 1, 2)
        self.proposed: list[Effect] = []
        for block in (first, second, third):
            self.proposed += self.propose(block)
        self.high, self.late = third, self.block(first, 8)

    def learn(self, block: Block) -> None:
        self.hear("n2", Certified(self.quorum(block)))


def test_the_newest_qc_is_the_one_of_the_highest_view_however_low_its_block_stands() -> None:
    bench = Two()
    bench.learn(bench.high)
    assert bench.state.high_digest == bench.high.digest, "the control: it is learnt at all"
    bench.propose(bench.late, bench.certificate(Timeout(6)))
    bench.learn(bench.late)
    assert (bench.state.high.view, bench.state.high_digest) == (8, bench.late.digest)


def test_an_older_qc_takes_no_newer_ones_place_however_high_its_block_stands() -> None:
    bench = Two()
    bench.propose(bench.late, bench.certificate(Timeout(6)))
    bench.learn(bench.late)
    bench.learn(bench.high)
    assert (bench.state.high.view, bench.state.high_digest) == (8, bench.late.digest)


@pytest.mark.parametrize("is_late_first", [False, True])
def test_the_newest_qc_of_the_log_is_the_one_of_the_highest_view(is_late_first: bool) -> None:
    bench = Two()
    votes = [*bench.proposed, *bench.propose(bench.block(bench.high, 3))]
    other = Two()
    later = other.propose(other.late, other.certificate(Timeout(6)))
    later += other.propose(other.block(other.late, 9))
    parts = (later, votes) if is_late_first else (votes, later)
    records = tuple(effect.record for part in parts for effect in part if isinstance(effect, Persist))
    replica: Any = PROTOCOL.build(bench.state.context)
    replica.step(bench.now, Started(records))
    assert (replica.state.high.view, replica.state.high.digest) == (8, bench.late.digest)


# --- TIMEOUTs of one view make a certificate ------------------------------------------------------------------------


def test_timeouts_of_several_views_end_no_term_together() -> None:
    bench = Bench()
    effects = [*bench.time_out(5, "n0"), *bench.time_out(6, "n1")]
    assert said(effects, Timeout) == [Timeout(5)], "the lowest of the two: with it three members left a view"
    assert bench.state.view == 0 and bench.state.current.timeouts is None
    bench.time_out(5, "n2")
    assert bench.state.view == 8 and bench.state.current.timeouts is not None
    assert open_timeouts(bench.state.current.timeouts, bench.epoch, bench.verifier) == 5


# --- an epoch that has not begun ------------------------------------------------------------------------------------


class SecondEpoch(Bench):
    """It has executed the last block of the first epoch, which is not sealed; what is said is of the second."""

    def __init__(self) -> None:
        super().__init__("n3")
        self.second = Epoch(1, 9, self.epoch.members)
        self.epochs.add(self.second)
        self.step(Executed(8, bytes(32), self.second))
        self.epoch = self.second
        self.tree = Tree(root_digest(CHAIN, self.second), 8)

    def signed(self, name: str, message: Message) -> Signed:
        body = self.codec.statement(1, message)
        return Signed(name, body, SUITE.sign(secret(name), body))

    def hear(self, sender: str, message: Message, attachment: bytes = b"") -> list[Effect]:
        return self.step(Received(sender, message, self.signed(sender, message), 1, attachment))


def test_nothing_of_an_epoch_is_voted_or_decided_before_the_last_block_before_it_is_sealed() -> None:
    bench = SecondEpoch()
    blocks = bench.line(0, 1, 2)
    effects = [effect for block in blocks for effect in bench.propose(block)]
    effects += bench.hear("n1", Certified(bench.quorum(blocks[-1])))
    assert said(effects, Ballot) == [] and decided(effects) == []
    assert decided(bench.seal(8)) == [9]
