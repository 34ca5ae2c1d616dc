"""No message of a member, however odd its fields and attachment, makes the ledger's siblings raise or move."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.codec import encode
from consortium.core.machine import Behind, Received
from consortium.core.messages import Certificate, Signed
from consortium.core.seals import Checkpoint
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Sealed, Snapshot, Status
from tests.unit.ledger.ledger_kit import NAMES, Chain, certify, make_genesis
from tests.unit.ledger.ledger_net import Net

GENESIS = make_genesis(checkpoint_interval=4, window=8, snapshot_gap=20)
SOURCE = Chain(GENESIS)
SOURCE.grow(6)
SEAL = certify(GENESIS, Checkpoint(3, bytes(32)))

HEIGHTS = st.one_of(st.integers(-2, 12), st.sampled_from([-(1 << 63), 1 << 62, (1 << 64) - 1, 25, 40]))
BYTES = st.one_of(st.binary(max_size=40), st.sampled_from([bytes(32), SOURCE.ledger.head_digest]))
NAME = st.sampled_from([*NAMES, "eve", ""])
SEALS = st.one_of(
    st.just(SEAL),
    st.builds(Certificate, BYTES, st.lists(st.tuples(NAME, BYTES), max_size=4).map(tuple)),
    st.builds(lambda height: certify(GENESIS, Checkpoint(height, bytes(32))), HEIGHTS),
)
HEADERS = st.lists(
    st.one_of(BYTES, st.integers(0, 6).map(lambda h: SOURCE.rows.get("block", h.to_bytes(8, "big")))), max_size=3
).map(tuple)
ROWS = st.lists(st.tuples(BYTES, BYTES), max_size=3)
ATTACHMENTS = st.one_of(
    st.binary(max_size=40),
    ROWS.map(encode),
    st.lists(st.tuples(st.none() | BYTES, SEALS.map(encode), st.none() | SEALS.map(encode)), max_size=3).map(encode),
    st.integers(1, 3_000).map(lambda depth: b"\x91" * depth),
)
MESSAGES = st.one_of(
    st.builds(Checkpoint, HEIGHTS, BYTES),
    st.builds(Sealed, SEALS),
    st.builds(Status, HEIGHTS, HEIGHTS, HEIGHTS),
    st.builds(FetchBlocks, NAME, BYTES, HEIGHTS, HEIGHTS),
    st.builds(FetchSnapshot, NAME, BYTES, HEIGHTS, HEIGHTS),
    st.tuples(st.just("blocks"), HEIGHTS, ATTACHMENTS),
    st.tuples(st.just("snapshot"), HEIGHTS, HEIGHTS, HEIGHTS, HEADERS, SEALS.map(encode) | BYTES, ATTACHMENTS),
)


def _hear(net: Net, sender: str, drawn: Any) -> None:
    """Answers take the nonce of a question that is really open, so that they get as far as they can."""
    ada = net.nodes["ada"]
    message, attachment = drawn, b""
    if isinstance(drawn, tuple):
        attachment = drawn[-1]
        fetch = ada.catch_up._fetch
        nonces = [] if fetch is None else list(fetch._requests)
        nonce = nonces[0] if nonces else b"none"
        digest = sha256(attachment).digest()
        if drawn[0] == "blocks":
            first = fetch._requests[nonce].first if nonces and hasattr(fetch, "ready") else drawn[1]
            message = Blocks("ada", nonce, first, digest)
        else:
            _, height, part, parts, headers, seal, _ = drawn
            part = fetch._requests[nonce][0] if nonces and hasattr(fetch, "linked") else part
            message = Snapshot("ada", nonce, height, part, parts, headers, seal, digest)
        sender = sender if fetch is None else fetch.peer
    ada.hear(Received(sender, message, Signed(sender, b"", b""), 0, attachment))


@settings(max_examples=300, deadline=None)
@given(
    heard=st.lists(st.tuples(st.sampled_from(NAMES[1:]), MESSAGES), max_size=12),
    behind=HEIGHTS,
    has_blocks=st.booleans(),
)
def test_no_message_makes_a_sibling_raise(heard: list[tuple[str, Any]], behind: int, has_blocks: bool) -> None:
    net = Net(GENESIS, ())
    ada = net.boot("ada", SOURCE.rows.copy() if has_blocks else None)
    before = ada.head
    ada.hear(Behind(max(0, behind)))
    for sender, drawn in heard:
        _hear(net, sender, drawn)
        net.run(400_000)
    net.run(40_000_000)
    assert ada.head == before
    assert ada.sealer.stable_height in (0, 4, before)  # the head too, where two drawn votes are of its true digest
