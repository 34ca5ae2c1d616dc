"""Seals and header chains: of the members of their height, over what execution gave, each header with its parent."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consortium.core.codec import Malformed, encode
from consortium.core.header import decode_header
from consortium.core.machine import Effect, Note, Received, Send, Stable
from consortium.core.membership import Epoch
from consortium.core.messages import Signed
from consortium.core.seals import HEADERS_MAX, Checkpoint, Linked, check_link, check_seal
from consortium.ledger.messages import Blocks, Sealed
from consortium.ledger.rows import height_key
from consortium.ledger.snapshot import link, make_base
from tests.unit.ledger.ledger_kit import NAMES, Chain, certify, make_genesis
from tests.unit.ledger.ledger_net import Net

GENESIS = make_genesis(checkpoint_interval=4, window=8, idle_seal_us=2_000_000)


def checkpoint(name: str, height: int, digest: bytes) -> Received:
    message = Checkpoint(height, digest)
    certificate = certify(GENESIS, message, (name,))
    return Received(name, message, Signed(name, certificate.body, certificate.signatures[0][1]), 0, b"")


def stables(effects: Any) -> list[int]:
    return [effect.height for effect in effects if isinstance(effect, Stable)]


def test_votes_of_f_plus_1_that_came_before_the_block_seal_it_no_more_than_after_it() -> None:
    net = Net(GENESIS, NAMES)
    source = Chain(GENESIS)
    dan = net.nodes["dan"]
    source.grow(4, seal_each=100)
    digest = source.ledger.head_digest
    for name in NAMES[:2]:
        dan.hear(checkpoint(name, 4, digest))
    for height in range(1, 5):
        dan.hear(_stored(source, height))
    assert dan.chain.ledger.head_digest == digest and dan.sealer.stable_height == 0
    dan.hear(checkpoint("cyd", 4, digest))
    assert dan.sealer.stable_height == 4


def _stored(chain: Chain, height: int) -> Any:
    from consortium.core.machine import Decide
    from consortium.core.seals import decode_certificate

    batch, certificate = (chain.rows.get(table, height_key(height)) for table in ("batch", "certificate"))
    assert certificate is not None
    return Decide(height, batch or None, decode_certificate(certificate))


def test_a_seal_by_post_over_another_header_than_ours_seals_nothing_and_is_told_loudly() -> None:
    net = Net(GENESIS, NAMES)
    source = Chain(GENESIS)
    dan = net.nodes["dan"]
    source.grow(3, seal_each=100)
    for height in range(1, 4):
        dan.hear(_stored(source, height))
    seal = Sealed(certify(GENESIS, Checkpoint(3, b"x" * 32)))
    effects: list[Effect] = list(dan.sealer.step(net.now, Received("ada", seal, Signed("ada", b"", b""), 0, b"")))
    assert stables(effects) == [] and dan.sealer.stable_height == 0
    (note,) = (effect for effect in effects if isinstance(effect, Note))
    assert note.kind == "diverged" and note.fields["is_proven"]


def test_a_seal_is_of_the_members_of_its_height() -> None:
    chain = Chain(GENESIS)
    chain.epochs.add(Epoch(1, 9, (*GENESIS.members[:3], replace(GENESIS.members[3], role="bureau"))))
    for height, epoch in ((8, 0), (9, 1)):
        seal = certify(GENESIS, Checkpoint(height, b"h" * 32), epoch=epoch)
        assert check_seal(seal, chain.epochs, chain.verifier).height == height
    for height, epoch in ((9, 0), (8, 1)):
        with pytest.raises(Malformed, match=f"a seal of height {height} by epoch {epoch}"):
            check_seal(certify(GENESIS, Checkpoint(height, b"h" * 32), epoch=epoch), chain.epochs, chain.verifier)


def test_a_seal_that_comes_with_a_block_is_over_the_header_that_execution_gave() -> None:
    source = Chain(GENESIS)
    source.grow(24)
    net = Net(GENESIS, ())
    for name in NAMES[:3]:
        net.boot(name, source.rows.copy())
    other = encode(certify(GENESIS, Checkpoint(8, b"x" * 32)))
    true = source.rows.get("seal", height_key(8))
    assert true is not None

    def lie(effect: Any) -> Any:
        if not isinstance(effect, Send) or not isinstance(effect.message, Blocks):
            return effect
        from hashlib import sha256

        import msgspec

        entries = msgspec.msgpack.decode(effect.attachment)
        changed = encode([[batch, held, other if seal == true else seal] for batch, held, seal in entries])
        return effect._replace(message=replace(effect.message, digest=sha256(changed).digest()), attachment=changed)

    for node in net.nodes.values():
        node.lies = lie
    dan = net.boot("dan")
    net.run(10_000_000)
    assert dan.head == 24 and dan.chain.ledger.head == source.ledger.head
    assert "a seal over another header" in [fields["why"] for fields in dan.noted("rejected")]
    assert dan.chain.rows.get("seal", height_key(8)) is None
    assert dan.sealer.stable_height == 24


@pytest.fixture(scope="module")
def linked() -> tuple[Chain, Linked]:
    """Headers of heights 2, 3 and 4, under the seal of 4."""
    chain = Chain(GENESIS)
    chain.grow(6)
    found = link(chain.rows, 2, 4)
    assert found is not None and len(found.headers) == 3
    return chain, found


def test_the_first_header_is_proven_through_its_children_by_the_seal(linked: tuple[Chain, Linked]) -> None:
    chain, found = linked
    assert check_link(found, chain.epochs, chain.verifier).height == 2


def test_headers_that_do_not_lead_to_the_seal_prove_nothing(linked: tuple[Chain, Linked]) -> None:
    chain, found = linked
    first, second, third = found.headers
    forged = encode(replace(decode_header(first), state=b"s" * 32))
    seal = certify(GENESIS, Checkpoint(4, b"x" * 32))
    for bad, why in (
        (found._replace(headers=(forged, second, third)), "another parent"),
        (found._replace(headers=(first, third)), "consecutive"),
        (found._replace(headers=(first, second)), "another header"),
        (found._replace(headers=()), "headers, at most"),
        (found._replace(headers=(first,) * (HEADERS_MAX + 1)), "headers, at most"),
        (found._replace(seal=seal), "another header"),
    ):
        with pytest.raises(Malformed, match=why):
            check_link(bad, chain.epochs, chain.verifier)


def test_rows_that_have_not_the_headers_root_or_stand_twice_are_no_snapshot(linked: tuple[Chain, Linked]) -> None:
    chain, _ = linked
    head = chain.ledger.head
    state = list(chain.rows.range("state", b"", b"\xff"))
    found = Linked((encode(head),), certify(GENESIS, Checkpoint(head.height, chain.ledger.head_digest)))
    assert make_base(head, found, state).header == head
    for bad in (state[:-1], [*state, state[0]], [(state[0][0], b"\x90"), *state[1:]]):
        with pytest.raises(Malformed):
            make_base(head, found, bad)
