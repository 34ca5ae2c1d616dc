"""Rules of the ledger that have two conditions, each condition alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from consortium.core.codec import encode, sha256
from consortium.core.machine import Behind, Received, Send
from consortium.core.membership import Epoch
from consortium.core.messages import Signed
from consortium.core.seals import Checkpoint, Linked
from consortium.core.transaction import batch_digest
from consortium.ledger.certificate import newest_seal, stored_seals
from consortium.ledger.messages import Blocks, Sealed
from consortium.ledger.rows import height_key
from consortium.ledger.snapshot import make_base
from consortium.ledger.verify import verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, NOW, PROTOCOL, Ballot, Chain, certify, make_genesis
from tests.unit.ledger.ledger_net import Net

GENESIS = make_genesis(checkpoint_interval=4, window=8, idle_seal_us=2_000_000)
SECOND = Epoch(1, 9, GENESIS.members)


@pytest.mark.parametrize(("epoch", "sealed"), [(0, 4), (1, 0)])
def test_a_checkpoint_counts_in_the_epoch_of_its_height_alone(epoch: int, sealed: int) -> None:
    """Its sender is a validator of both."""
    net = Net(GENESIS, NAMES)
    source, dan = Chain(GENESIS), net.nodes["dan"]
    dan.chain.epochs.add(SECOND)
    for _ in range(4):
        decided = source.decision(source.add("ada", "x", 1))
        source.ledger.step(net.now, decided)
        net.decide(decided, ("dan",))
    for name in NAMES[:3]:
        vote = certify(GENESIS, Checkpoint(4, source.ledger.head_digest), (name,), epoch)
        signed = Signed(name, vote.body, vote.signatures[0][1])
        dan.hear(Received(name, Checkpoint(4, source.ledger.head_digest), signed, epoch, b""))
    assert dan.sealer.stable_height == sealed


# --- a snapshot takes the place of all that was there -----------------------------------------------------------------


def _with_snapshot() -> tuple[Chain, Chain]:
    """A ledger of 9 blocks with two seals onto which the snapshot of a longer one was laid, and the longer one."""
    source, young = Chain(GENESIS), Chain(GENESIS)
    source.grow(20, seal_each=100)
    young.grow(9, seal_each=4)
    assert stored_seals(young.rows) == (2, 8)
    head = source.ledger.head
    linked = Linked((encode(head),), certify(GENESIS, Checkpoint(head.height, source.ledger.head_digest)))
    young.ledger.install(make_base(head, linked, list(source.rows.range("state", b"", b"\xff"))))
    return young, source


def test_a_snapshot_onto_a_ledger_that_has_seals_leaves_none_of_them() -> None:
    young, source = _with_snapshot()
    assert stored_seals(young.rows) == (0, 0) and newest_seal(young.rows) == (0, None)
    seal = young.seal()
    assert stored_seals(young.rows) == (1, 20) and newest_seal(young.rows) == (20, seal)
    verified = verify_ledger(GENESIS, young.rows, CONTRACTS, PROTOCOL)
    assert (verified.first_height, verified.seals, verified.sealed_height) == (20, 1, 20)
    assert Chain(GENESIS, young.rows.copy()).ledger.head == source.ledger.head


@pytest.mark.parametrize("table", ["batch", "block", "certificate", "receipt", "seal"])
def test_a_snapshot_leaves_nothing_of_the_blocks_that_were_there(table: str) -> None:
    young, _ = _with_snapshot()
    assert [key for key, _ in young.rows.all(table) if key[:8] < height_key(20)] == []


# --- an epoch that has not begun ------------------------------------------------------------------------------------


def _two_epochs() -> Chain:
    """Twelve blocks, the last four of the second epoch, which no contract made; heights 4 and 8 are sealed."""
    chain = Chain(GENESIS)
    chain.epochs.add(SECOND)
    for height in range(1, 13):
        decided = chain.decision(chain.add("ada", "x", 1))
        if height >= SECOND.first_height:
            ballot = Ballot(height, batch_digest(decided.batch or b""))
            decided = decided._replace(certificate=certify(GENESIS, ballot, epoch=1))
        chain.ledger.step(NOW, decided)
        if height in (4, 8):
            chain.seal()
    return chain


def _without_seals(effect: Any) -> Any:
    """An answer to FETCH-BLOCKS that has no seal in it."""
    if not isinstance(effect, Send) or not isinstance(effect.message, Blocks):
        return effect
    blocks = [[batch, held, None] for batch, held, _ in msgspec.msgpack.decode(effect.attachment)]
    attachment = encode(blocks)
    return effect._replace(message=replace(effect.message, digest=sha256(attachment)), attachment=attachment)


def test_nothing_of_an_epoch_is_executed_from_others_before_the_last_block_before_it_is_sealed() -> None:
    source = _two_epochs()
    net = Net(GENESIS, ())
    for name in NAMES[:3]:
        node = net.boot(name, source.rows.copy())
        node.lies = _without_seals
        node.chain.epochs.add(SECOND)
    net.passes = lambda sender, receiver, message: not isinstance(message, Sealed | Checkpoint)
    dan = net.boot("dan")
    dan.chain.epochs.add(SECOND)
    dan.hear(Behind(12))
    net.run(3_000_000)
    assert (dan.head, dan.sealer.stable_height) == (8, 0)
    net.passes = lambda *_: True
    net.run(20_000_000)
    assert dan.head == 12 and dan.sealer.stable_height >= 8
