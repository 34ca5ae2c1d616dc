"""Who said it: a signature, a key, a digest and a nonce have one length each, wherever they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from consortium.core.canonical import structs_of
from consortium.core.codec import DIGEST_BYTES, NONCE_BYTES, Malformed, encode
from consortium.core.crypto import KEY_BYTES, SUITES
from consortium.core.header import Header
from consortium.core.membership import Epoch, Epochs, Member
from consortium.core.messages import Certificate, Message, MessageCodec, Signed
from consortium.core.proven import EpochsProof, ReceiptProof, StateProof, TransactionProof
from consortium.core.seals import Checkpoint
from consortium.core.transaction import Bundle, Bundles, bundle_digest, encode_transaction, sign_bundle
from consortium.core.verifier import Verifier
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.sealer import Sealer
from consortium.node.pool import BundlePool
from consortium.node.replies import Replies
from consortium.protocols import load_protocols

CHAIN = bytes(range(32))
SECRET = b"s" * 32
MESSAGES: tuple[type[Message], ...] = (
    *BundlePool.messages,
    *Sealer.messages,
    *CatchUp.messages,
    *Replies.messages,
    *(kind for protocol in load_protocols().values() for kind in protocol.messages),
)
FREE: dict[tuple[str, str], str] = {
    ("Signed", "body"): "a statement",
    ("Signed", "signature"): "the verifier knows the key suite",
    ("Certificate", "body"): "a statement",
    ("Certificate", "signatures"): "the verifier knows the key suite",
    ("Bundle", "transactions"): "each up to a bound",
    ("Bundle", "signature"): "`Bundles` knows the key suite",
    ("Snapshot", "headers"): "each a header",
    ("Snapshot", "seal"): "a certificate",
    ("Snapshot", "epochs"): "each a link",
    ("TransactionProof", "transaction"): "up to a bound",
    ("TransactionProof", "headers"): "each a header",
    ("ReceiptProof", "receipt"): "up to a bound",
    ("ReceiptProof", "headers"): "each a header",
    ("StateProof", "key"): "the name of a row",
    ("StateProof", "value"): "a row",
    ("StateProof", "headers"): "each a header",
    ("Path", "bucket"): "whole entries, which `is_proven` asks for",
    ("EpochLink", "header"): "a header",
    ("Member", "keys"): "core/identity.py judges them before they are registered",
}


def epochs_of(suite: Any) -> Epochs:
    member = Member("m", "hospital", "validator", {"vote": suite.public_key(SECRET)})
    return Epochs((Epoch(0, 1, (member,)),))


@pytest.mark.parametrize("name", sorted(SUITES))
def test_what_was_verified_cannot_be_cut_at_another_place(name: str) -> None:
    """A signature of 167 bytes was accepted: 64 of a true one, and 103 of what it was over."""
    suite = SUITES[name]()
    codec = MessageCodec(CHAIN, name, (Checkpoint,))
    inner = codec.statement(0, Checkpoint(7, b"d" * DIGEST_BYTES))
    outer = b"x" * 103 + inner
    signature = suite.sign(SECRET, outer)
    verifier, key = Verifier(codec, suite), suite.public_key(SECRET)
    assert verifier.is_signed(key, outer, signature)
    forged = signature + outer[:103]
    assert not verifier.is_signed(key, inner, forged)
    with pytest.raises(Malformed, match="signature of 'm' is wrong"):
        verifier.open(Signed("m", inner, forged), epochs_of(suite))
    with pytest.raises(Malformed, match="signature of 'm' is wrong"):
        verifier.check_certificate(Certificate(inner, (("m", forged),)), epochs_of(suite).newest, 1)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_every_cut_of_a_sound_statement_but_its_own_is_refused(name: str) -> None:
    suite = SUITES[name]()
    codec = MessageCodec(CHAIN, name, (Checkpoint,))
    body = codec.statement(0, Checkpoint(7, b"d" * DIGEST_BYTES))
    signature = suite.sign(SECRET, body)
    verifier, epochs = Verifier(codec, suite), epochs_of(suite)
    assert verifier.open(Signed("m", body, signature), epochs).epoch == 0, "positive control"
    whole = signature + body
    for cut in range(len(whole) + 1):
        if cut != len(signature):
            assert not verifier.is_signed(suite.public_key(SECRET), whole[cut:], whole[:cut])
            with pytest.raises(Malformed):
                verifier.open(Signed("m", whole[cut:], whole[:cut]), epochs)


@pytest.mark.parametrize("name", sorted(SUITES))
def test_a_suite_says_how_long_its_keys_and_signatures_are(name: str) -> None:
    suite = SUITES[name]()
    key, signature = suite.public_key(SECRET), suite.sign(SECRET, b"said")
    assert (len(key), len(signature)) == (KEY_BYTES, suite.signature_bytes)
    assert suite.verify(key, b"said", signature) and suite.is_sound_key(key)
    for longer, other in ((key + b"\x00", signature), (key, signature + b"\x00"), (key[:-1], signature)):
        assert not suite.verify(longer, b"said", other)
    assert not suite.verify(key, b"said", signature[:-1])
    assert not suite.is_sound_key(key[:-1]) and not suite.is_sound_key(key + b"\x00")


@pytest.mark.parametrize("is_trusted", [False, True])
def test_a_bundle_whose_signature_has_another_length_is_none(is_trusted: bool) -> None:
    suite = SUITES["ed25519"]()
    bundles = Bundles(CHAIN, suite)
    raw = sign_bundle(CHAIN, suite, SECRET, "m", [encode_transaction(1, "bill", "issue", {})])
    assert bundles.open(raw, is_trusted=is_trusted)
    bundle = msgspec.msgpack.decode(raw, type=Bundle)
    for bent in (
        msgspec.structs.replace(bundle, signature=bundle.signature + b"\x00"),
        msgspec.structs.replace(bundle, signature=bundle.signature[:-1]),
        msgspec.structs.replace(bundle, key=bundle.key + b"\x00"),
    ):
        with pytest.raises(Malformed):
            bundles.open(encode(bent), is_trusted=is_trusted, digest=bundle_digest(encode(bent)))


def bytes_fields() -> Iterator[tuple[type[msgspec.Struct], str, Any]]:
    """Every field of bytes that a peer or a proof may bring: its struct, its name, and the type of the bytes."""
    seen: dict[type[msgspec.Struct], None] = {}
    for kind in (*MESSAGES, Header, Bundle, TransactionProof, ReceiptProof, StateProof, EpochsProof):
        seen.update(dict.fromkeys(structs_of(kind)))
    for struct in seen:
        info = msgspec.inspect.type_info(struct)
        assert isinstance(info, msgspec.inspect.StructType)
        for field in info.fields:
            for found in of_bytes(field.type):
                yield struct, field.name, found


def of_bytes(info: Any) -> Iterator[Any]:
    if isinstance(info, msgspec.inspect.BytesType):
        yield info
    for name in ("type", "item_type", "key_type", "value_type"):
        if hasattr(info, name):
            yield from of_bytes(getattr(info, name))
    for each in (*getattr(info, "types", ()), *getattr(info, "item_types", ())):
        yield from of_bytes(each)


def test_each_field_of_bytes_has_one_length_or_a_reason() -> None:
    found = list(bytes_fields())
    assert len(found) > 60, "positive control"
    free = set()
    for struct, name, info in found:
        is_exact = info.min_length is not None and info.min_length == info.max_length
        if (struct.__name__, name) == ("Header", "batch") and struct.__module__.endswith("hotstuff.messages"):
            continue  # 32 bytes or none, which `header_fault` asks for
        if not is_exact:
            free.add((struct.__name__, name))
    assert free == set(FREE), "a digest, a nonce or a key is `codec.Digest` or `codec.Nonce`"


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: f"{kind.__module__.split('.')[-2]}-{kind.__name__}")
def test_a_message_with_a_digest_or_nonce_of_another_length_is_not_decoded(kind: type[Message]) -> None:
    codec = MessageCodec(CHAIN, "ed25519", (kind,))
    exact = {"digest": DIGEST_BYTES, "header_digest": DIGEST_BYTES, "nonce": NONCE_BYTES}
    values = {field.name: sample(field.type) for field in msgspec.inspect.type_info(kind).fields}  # type: ignore[attr-defined]
    good = kind(**values)
    assert codec.decode(codec.statement(0, good), 0) == good, "positive control"
    for name, size in exact.items():
        for wrong in (size - 1, size + 1, 0):
            if name in values:
                with pytest.raises(Malformed):
                    codec.decode(codec.statement(0, kind(**{**values, name: b"x" * wrong})), 0)


def sample(info: Any) -> Any:
    """A value of this type."""
    match info:
        case msgspec.inspect.BytesType():
            return b"x" * (info.min_length or 1)
        case msgspec.inspect.StrType():
            return "m"
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType():
            return 1
        case msgspec.inspect.UnionType() | msgspec.inspect.NoneType():
            return None
        case msgspec.inspect.StructType():
            return info.cls(**{field.name: sample(field.type) for field in info.fields})
        case msgspec.inspect.TupleType():
            return tuple(map(sample, info.item_types))
        case msgspec.inspect.Metadata():
            return sample(info.type)
        case msgspec.inspect.LiteralType():
            return info.values[0]
        case msgspec.inspect.DictType():
            return {}
        case msgspec.inspect.RawType():
            return msgspec.Raw(b"\xc0")
        case msgspec.inspect.AnyType():
            return None
        case _:
            return ()
