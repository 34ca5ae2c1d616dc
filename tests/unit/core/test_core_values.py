"""Quorums, Merkle trees, codec, keys, transactions: the values everything stands on."""

import itertools
import json
import re

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.core import merkle
from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.crypto import Ed25519, KeyedHash
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, Parameters, decode_genesis, encode_genesis
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import Certificate, MessageCodec, Signed
from consortium.core.quorum import faults_max, quorum_size, weak_size
from consortium.core.transaction import (
    Bundle,
    Bundles,
    decode_batch,
    encode_batch,
    encode_transaction,
    sign_bundle,
    transaction_id,
)
from consortium.core.verifier import Verifier
from consortium.node.submission import Busy, Submission

SUITE = Ed25519()
CHAIN = b"c" * 32


@pytest.mark.parametrize("n", range(1, 200))
def test_two_quorums_share_an_honest_member_and_the_honest_make_one(n: int) -> None:
    f, q = faults_max(n), quorum_size(n)
    assert 3 * f + 1 <= n < 3 * (f + 1) + 1
    assert 2 * q - n >= f + 1
    assert q <= n - f
    assert 2 * (q - 1) - n < f + 1, "and a smaller one would not do"
    assert weak_size(n) == f + 1


def test_two_f_plus_one_would_be_wrong_at_five() -> None:
    assert quorum_size(5) == 4 != 2 * faults_max(5) + 1


def test_the_root_is_that_of_rfc_6962() -> None:
    # certificate-transparency test vectors: the tree of the first n of these leaves
    leaves = [
        bytes.fromhex(text)
        for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    ]
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_a_path_proves_its_leaf_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, size, root = merkle.path(leaves, index), len(leaves), merkle.commitment(leaves)
    assert merkle.is_committed(leaves[index], index, size, path, root)
    assert not merkle.is_committed(leaves[index] + b"x", index, size, path, root)
    assert not merkle.is_committed(leaves[index], index, size, (*path, b"\0" * 32), root)
    assert not merkle.is_committed(leaves[index], size, size, path, root)


@pytest.mark.parametrize("size", range(1, 18))
def test_neither_index_nor_number_of_leaves_can_be_said_otherwise(size: int) -> None:
    """Regression (hostile suite, finding 11): "0 of 8" was as well "0 of 5", and "3 of 4" was "6 of 7"."""
    leaves = [bytes([number]) for number in range(size)]
    root = merkle.commitment(leaves)
    for index in range(size):
        path = merkle.path(leaves, index)
        held = [
            (other, many)
            for many in range(40)
            for other in range(-1, many + 1)
            if merkle.is_committed(leaves[index], other, many, path, root)
        ]
        assert held == [(index, size)]


def test_no_leaves_at_all_are_a_number_too() -> None:
    assert merkle.commitment([]) != merkle.commitment([b""]) != merkle.root([b""])
    assert not merkle.is_committed(b"", 0, 0, (), merkle.commitment([]))
    assert not merkle.is_committed(b"", 0, 1 << 64, (), merkle.commitment([b""]))


def test_no_odd_leaf_is_doubled() -> None:
    assert merkle.root([b"a", b"b", b"c"]) != merkle.root([b"a", b"b", b"c", b"c"])


@given(st.binary(max_size=200))
def test_a_decoder_raises_malformed_and_nothing_else(data: bytes) -> None:
    for kind in (Bundle, Certificate, Signed, tuple[bytes, ...], dict[str, int]):
        try:
            Decoder(kind, 100).decode(data)
        except Malformed:
            continue


def test_deep_nesting_is_malformed_not_a_crash() -> None:
    with pytest.raises(Malformed):
        Decoder(object, 1_000_000).decode(b"\x91" * 500_000)


def test_sizes_are_bounded_before_parsing() -> None:
    with pytest.raises(Malformed, match="at most 10"):
        Decoder(bytes, 10).decode(encode(b"x" * 20))


def test_a_second_encoding_of_the_same_value_is_refused() -> None:
    decoder: Decoder[tuple[int, ...]] = Decoder(tuple[int, ...], 100)
    assert decoder.decode(b"\x91\xcd\x00\x05") == (5,)
    with pytest.raises(Malformed):
        decoder.decode_canonical(b"\x91\xcd\x00\x05")


def test_our_wire_is_plain_messagepack() -> None:
    raw = sign_bundle(CHAIN, SUITE, b"s" * 32, "hospital-1", [encode_transaction(3, "bill", "issue", {"a": 1})])
    form, member, key, transactions, signature = msgpack.unpackb(raw)
    assert (form, member, key, len(signature)) == (1, "hospital-1", SUITE.public_key(b"s" * 32), 64)
    assert msgpack.unpackb(transactions[0]) == [3, "bill", "issue", {"a": 1}]


@pytest.mark.parametrize("suite", [Ed25519(), KeyedHash()], ids=["ed25519", "keyed-hash"])
def test_a_signature_holds_for_its_bytes_and_key_alone(suite: Ed25519 | KeyedHash) -> None:
    key, other = suite.public_key(b"1" * 32), suite.public_key(b"2" * 32)
    signature = suite.sign(b"1" * 32, b"words")
    assert suite.verify(key, b"words", signature)
    assert not suite.verify(other, b"words", signature)
    assert not suite.verify(key, b"other words", signature)
    for index in range(len(signature)):
        assert not suite.verify(
            key, b"words", signature[:index] + bytes([signature[index] ^ 1]) + signature[index + 1 :]
        )
    assert not suite.verify(b"", b"words", signature)
    assert not suite.verify(key, b"words", b"")


def test_a_weak_key_is_not_sound() -> None:
    assert SUITE.is_sound_key(SUITE.public_key(b"1" * 32))
    assert not SUITE.is_sound_key(b"\0" * 32)
    assert not SUITE.is_sound_key(b"\1" + b"\0" * 31)
    assert not SUITE.is_sound_key(b"short")


def test_one_transaction_has_one_id_whatever_bundle_carries_it() -> None:
    bundles = Bundles(CHAIN, SUITE)
    one, two = (encode_transaction(number, "bill", "issue", {}) for number in (1, 2))
    alone = bundles.open(sign_bundle(CHAIN, SUITE, b"s" * 32, "h", [one]))
    both = bundles.open(sign_bundle(CHAIN, SUITE, b"s" * 32, "h", [two, one]))
    assert alone.ids == (both.ids[1],) == (transaction_id(CHAIN, "h", one),)
    assert transaction_id(CHAIN, "g", one) != transaction_id(CHAIN, "h", one) != transaction_id(b"d" * 32, "h", one)


def test_a_bundle_with_any_byte_changed_is_refused_or_another_members() -> None:
    bundles = Bundles(CHAIN, SUITE)
    raw = sign_bundle(CHAIN, SUITE, b"s" * 32, "hospital", [encode_transaction(1, "bill", "issue", {"x": 7})])
    bundles.open(raw)
    for index, bit in itertools.product(range(len(raw)), (1, 128)):
        changed = raw[:index] + bytes([raw[index] ^ bit]) + raw[index + 1 :]
        with pytest.raises(Malformed):
            bundles.open(changed)


def test_a_bundle_may_not_repeat_a_transaction_or_be_empty() -> None:
    bundles = Bundles(CHAIN, SUITE)
    one = encode_transaction(1, "bill", "issue", {})
    for transactions in ([one, one], []):
        with pytest.raises(Malformed):
            bundles.open(sign_bundle(CHAIN, SUITE, b"s" * 32, "h", transactions))


def test_a_batch_is_canonical_and_of_a_known_format() -> None:
    raw = encode_batch(5, [b"one", b"two"])
    assert decode_batch(raw).bundles == (b"one", b"two")
    for wrong in (raw + b"\0", b"\x93\x02" + raw[2:], b"", encode_batch(-1, [])):
        with pytest.raises(Malformed):
            decode_batch(wrong)


def members(n: int) -> tuple[tuple[bytes, ...], Epoch]:
    secrets = tuple(bytes([index + 1]) * 32 for index in range(n))
    named = tuple(
        Member(
            f"m{index}",
            "hospital",
            "validator",
            {"submit": SUITE.public_key(bytes([index + 101]) * 32), "vote": SUITE.public_key(secret)},
        )
        for index, secret in enumerate(secrets)
    )
    return secrets, Epoch(0, 1, named)


def certificate(codec: MessageCodec, secrets: tuple[bytes, ...], signers: list[int], message: Busy) -> Certificate:
    body = codec.statement(0, message)
    return Certificate(body, tuple((f"m{index}", SUITE.sign(secrets[index], body)) for index in signers))


def test_a_certificate_counts_distinct_members_of_its_epoch_in_order() -> None:
    secrets, epoch = members(4)
    codec = MessageCodec(CHAIN, SUITE.name, (Submission, Busy))
    verifier = Verifier(codec, SUITE)
    message = Busy(b"d" * 32, 1)
    assert verifier.check_certificate(certificate(codec, secrets, [0, 1, 3], message), epoch, 3) == message
    for signers in ([0, 1], [0, 0, 1], [1, 0, 3]):
        with pytest.raises(Malformed):
            verifier.check_certificate(certificate(codec, secrets, signers, message), epoch, 3)
    good = certificate(codec, secrets, [0, 1, 2, 3], message)
    poisoned = Certificate(good.body, (*good.signatures[:3], ("m3", b"\0" * 64)))
    with pytest.raises(Malformed):
        verifier.check_certificate(poisoned, epoch, 3)


def test_a_statement_of_another_chain_or_epoch_does_not_open() -> None:
    secrets, epoch = members(4)
    epochs = Epochs((epoch,))
    message = Busy(b"d" * 32, 1)
    for chain, number in ((b"x" * 32, 0), (CHAIN, 1)):
        body = MessageCodec(chain, SUITE.name, (Submission, Busy)).statement(number, message)
        verifier = Verifier(MessageCodec(CHAIN, SUITE.name, (Submission, Busy)), SUITE)
        with pytest.raises(Malformed):
            verifier.open(Signed("m0", body, SUITE.sign(secrets[0], body)), epochs)


def test_a_genesis_file_gives_back_its_value_and_its_chain_depends_on_every_part() -> None:
    _, epoch = members(4)
    genesis = Genesis(FORMAT, "test", 5, "ed25519", "pbft", Parameters(), epoch.members)
    again = decode_genesis(encode_genesis(genesis))
    assert again == genesis and again.chain == genesis.chain
    other = Genesis(FORMAT, "test", 5, "ed25519", "pbft", Parameters(window=64), epoch.members)
    assert other.chain != genesis.chain
    with pytest.raises(ValueError, match="not a genesis file"):
        decode_genesis(b"{}")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"suite": "x"}, "suite: there is no key suite 'x'; known are ed25519, keyed-hash"),
        ({"time_us": 10**30}, "time_us: 10"),
        ({"time_us": -1}, "time_us: -1"),
        ({"parameters": {"checkpoint_interval": 0}}, "parameters.checkpoint_interval: 0"),
        ({"parameters": {"window": 1 << 70}}, "parameters.window"),
        ({"members": []}, "at least one must be of kind validator"),
    ],
)
def test_a_genesis_out_of_range_is_refused_with_a_sentence_that_names_the_field(
    change: dict[str, object], sentence: str
) -> None:
    _, epoch = members(4)
    data = encode_genesis(Genesis(FORMAT, "test", 5, "ed25519", "pbft", Parameters(batch_delay_us=0), epoch.members))
    assert decode_genesis(data)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        decode_genesis(json.dumps(json.loads(data) | change).encode())


def test_a_batch_is_taken_apart_once_and_the_same_for_equal_bytes() -> None:
    raws = [sign_bundle(CHAIN, SUITE, b"s" * 32, "m", [encode_transaction(n, "c", "o", {})]) for n in (1, 2)]
    bundles = Bundles(CHAIN, SUITE)
    batch = encode_batch(7, raws)
    decoded = bundles.decode_batch(batch)
    assert bundles.decode_batch(batch) is decoded
    assert bundles.decode_batch(bytes(bytearray(batch))) == decoded
    assert decoded.bundles == tuple(raws)
    assert decoded.digests == tuple(bundles.open(raw).digest for raw in raws)
    for count in range(20):  # others push it out
        bundles.decode_batch(encode_batch(count, raws[:1]))
    assert bundles.decode_batch(batch) == decoded
    with pytest.raises(Malformed):
        bundles.decode_batch(batch + b"\x00")
    mutable = bytearray(batch)
    bundles.decode_batch(mutable)  # type: ignore[arg-type]
    mutable[-1] ^= 1
    assert bundles.decode_batch(mutable).bundles != decoded.bundles  # type: ignore[arg-type]
