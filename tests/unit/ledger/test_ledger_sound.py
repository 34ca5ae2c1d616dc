"""Rows that a disk has bent are never given away, for who serves them would be taken for a liar. None is stood on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Received, Send
from consortium.core.membership import Epoch
from consortium.ledger.boot import check_stored
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Snapshot
from consortium.ledger.rows import Damaged, DictRows, height_key
from consortium.ledger.snapshot import link, make_base
from consortium.runs.run import blocks, head_height, ledger_epochs
from tests.unit.ledger.ledger_kit import Chain, make_genesis
from tests.unit.ledger.ledger_net import Net, Node

GENESIS = make_genesis(checkpoint_interval=4, window=8, idle_seal_us=2_000_000)
NONCE = bytes(16)


def bent(rows: DictRows, table: str, key: bytes, bit: int) -> DictRows:
    """A copy in which one bit of a row's value, or behind that of its key, is another."""
    value = rows.get(table, key)
    assert value is not None
    both = bytearray(value + key)
    both[bit // 8] ^= 1 << bit % 8
    copy = rows.copy()
    copy.stage([(table, key, None), (table, bytes(both[len(value) :]), bytes(both[: len(value)]))])
    return copy


def bits(rows: DictRows, table: str, key: bytes, step: int = 1) -> range:
    return range(0, 8 * len((rows.get(table, key) or b"") + key), step)


@pytest.fixture(scope="module")
def chain() -> Chain:
    chain = Chain(GENESIS)
    chain.grow(20)
    return chain


@pytest.fixture(scope="module")
def based(chain: Chain) -> Chain:
    """The same ledger from the snapshot of height 20 on, and a seal on it."""
    linked = link(chain.rows, 20, 20)
    assert linked is not None
    young = Chain(GENESIS)
    young.ledger.install(make_base(chain.ledger.head, linked, list(chain.rows.range("state", b"", b"\xff"))))
    young.grow(3)
    young.seal()
    return young


def answered(node: Node, message: Any) -> Iterator[tuple[Any, bytes]]:
    """What a member gives to one who asks. Raises Damaged."""
    for effect in node.catch_up.step(node.net.now, Received("bob", message, None, 0, b"")):  # type: ignore[arg-type]
        if isinstance(effect, Send):
            yield effect.message, effect.attachment


def blocks_of(node: Node) -> list[Any]:
    ((answer, attachment),) = answered(node, FetchBlocks("ada", NONCE, 1, 64))
    assert isinstance(answer, Blocks)
    found: list[Any] = msgspec.msgpack.decode(attachment)
    return found


@pytest.mark.parametrize("table", ["batch", "certificate", "seal", "block"])
def test_a_rotten_row_of_a_block_is_never_given_away(chain: Chain, table: str) -> None:
    """Regression (hostile suite, finding 10): an honest member with a rotten disk was shunned as a liar."""
    key = height_key(8)
    assert len(blocks_of(Net(GENESIS, ()).boot("ada", chain.rows.copy()))) == 20, "positive control"
    for bit in range(0, 8 * len(chain.rows.get(table, key) or b""), 61):
        ada = Net(GENESIS, ()).boot("ada", bent(chain.rows, table, key, bit))
        with pytest.raises(Damaged, match="height 8"):
            blocks_of(ada)


def test_a_row_that_rots_after_it_was_proven_is_not_given_away_either(chain: Chain) -> None:
    rows = chain.rows.copy()
    ada = Net(GENESIS, ()).boot("ada", rows)
    assert blocks_of(ada) == blocks_of(ada)
    batch = rows.get("batch", height_key(8)) or b""
    rows.stage([("batch", height_key(8), batch[:-1] + bytes([batch[-1] ^ 1]))])
    with pytest.raises(Damaged, match="height 8"):
        blocks_of(ada)
    rows.stage([("batch", height_key(8), None)])
    with pytest.raises(Damaged, match="block 8 is missing"):
        blocks_of(ada)


def test_blocks_below_a_snapshot_are_no_damage(based: Chain) -> None:
    ada = Net(GENESIS, ()).boot("ada", based.rows.copy())
    assert blocks_of(ada) == []
    ((_, attachment),) = answered(ada, FetchBlocks("ada", NONCE, 21, 64))
    assert len(msgspec.msgpack.decode(attachment)) == 3


def test_a_rotten_state_is_not_given_away_as_a_snapshot(chain: Chain) -> None:
    question = FetchSnapshot("ada", NONCE, 0, 0)
    ((answer, _),) = answered(Net(GENESIS, ()).boot("ada", chain.rows.copy()), question)
    assert isinstance(answer, Snapshot) and answer.height == 20
    rows = chain.rows.copy()
    ada = Net(GENESIS, ()).boot("ada", rows)
    key, value = next(iter(rows.all("state")))
    rows.stage([("state", key, value[:-1] + bytes([value[-1] ^ 1]))])
    with pytest.raises(Damaged, match="state root of height 20"):
        list(answered(ada, question))


def test_a_checkpoint_is_signed_over_what_was_executed_and_not_over_what_a_disk_says(chain: Chain) -> None:
    rows = Chain(GENESIS).rows
    net = Net(GENESIS, ())
    ada = net.boot("ada", rows)
    for height in range(1, 4):
        ada.hear(chain.decision(chain.add("ada", "x", height), height=height))
    block = rows.get("block", height_key(3)) or b""
    rows.stage([("block", height_key(3), block[:-1] + bytes([block[-1] ^ 1]))])
    net.run(3_000_000)
    voted = [message.header_digest for _, message in net.sent if type(message).__name__ == "Checkpoint"]
    assert voted and set(voted) == {ada.chain.ledger.head_digest}


# --- a boot ----------------------------------------------------------------------------------------------------------


def booted(rows: DictRows) -> None:
    """Raises Damaged."""
    chain = Chain(GENESIS, rows)
    check_stored(rows, GENESIS, chain.verifier, chain.ledger.head_height)


@pytest.mark.parametrize("which", ["from the genesis", "from a snapshot"])
def test_no_bent_word_of_the_tables_that_a_node_begins_with_is_stood_on(chain: Chain, based: Chain, which: str) -> None:
    """Regression (hostile suite, finding 10). The state that a snapshot began with is read by `verify` alone."""
    rows = (chain if which == "from the genesis" else based).rows
    booted(rows.copy())
    tried = 0
    for table in ("meta", "epoch", "base"):
        for key, _ in list(rows.all(table)):
            if key.startswith(b"state"):
                continue
            for bit in bits(rows, table, key, 1 if table == "meta" else 13):
                with pytest.raises(Damaged):
                    booted(bent(rows, table, key, bit))
                tried += 1
    assert tried > 500


@pytest.mark.parametrize("table", ["meta", "epoch", "seal", "state", "block"])
def test_a_table_that_was_emptied_is_no_new_ledger(chain: Chain, table: str) -> None:
    rows = chain.rows.copy()
    rows.stage([(table, key, None) for key, _ in list(rows.all(table))])
    with pytest.raises(Damaged, match="no head" if table == "meta" else None):
        booted(rows)


# --- other readers ---------------------------------------------------------------------------------------------------


def test_whoever_reads_a_bent_ledger_raises_what_is_told_in_a_sentence(chain: Chain) -> None:
    """A key of seven bytes among those of heights 240 to 303 was read for ever; a bent epoch ended a conductor."""
    assert len(list(blocks(chain.rows))) == 21 and ledger_epochs(GENESIS, chain.rows).newest.number == 0
    rows = chain.rows.copy()
    rows.stage([("block", height_key(240), b"x"), ("block", bytes(6) + b"\x01", b"x")])
    rows.stage([("block", height_key(height), b"x") for height in range(21, 240)])
    with pytest.raises(Damaged, match="a height is stored that is none"):
        list(blocks(rows))
    rows = chain.rows.copy()
    rows.stage([("base", b"height", b"\xff" * 8)])
    with pytest.raises(Damaged):
        head_height(rows)
    for number, first_height in ((3, 9), (1, 0)):
        rows = chain.rows.copy()
        rows.stage([("epoch", height_key(1), encode(Epoch(number, first_height, GENESIS.members)))])
        with pytest.raises(Malformed, match="the row of epoch 1"):
            ledger_epochs(GENESIS, rows)
