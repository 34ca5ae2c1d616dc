"""Transactions, bundles and batches: bytes, ids and who signed what.

transaction  canonical MessagePack [number, contract, operation, arguments]; carried as opaque bytes.
             id = H(tag, chain, member, bytes), whatever bundle carries it.
bundle       one or more transactions of one member under one signature over the Merkle root of their ids.
batch        what one height orders: a proposed time and bundles, as opaque bytes; digest = H(tag, bytes).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from consortium.core import merkle
from consortium.core.codec import Decoder, Digest, Malformed, encode, tagged_hash
from consortium.core.crypto import KeySuite

FORMAT = 1
TRANSACTION_BYTES_MAX = 32_768
BUNDLE_TRANSACTIONS_MAX = 1_000
BUNDLE_BYTES_MAX = 1_000_000
BATCH_BYTES_MAX = 8_000_000
NAME_BYTES_MAX = 64
OPENED_BYTES, OPENED_BYTES_EACH = 700, 120  # of objects, for a bundle and for a transaction in it
BATCHES_REMEMBERED = 8
NUMBER_WINDOW = 4_096  # of a member's numbers; so far below its highest used one, a number can be used no more


class Call(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A decoded transaction; `arguments` are still bytes, for the contract's operation to type."""

    number: int
    contract: str
    operation: str
    arguments: msgspec.Raw


class Bundle(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """As on the wire. `key` is the member's submit key; whether it is registered is judged at execution."""

    format: int
    member: str
    key: Digest
    transactions: tuple[bytes, ...]
    signature: bytes


class Batch(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """`time_us`: the leader's wall clock at proposal. `bundles`: each the canonical bytes of one Bundle."""

    format: int
    time_us: int
    bundles: tuple[bytes, ...]


class DecodedBatch(NamedTuple):
    """A batch taken apart; `digests`: those of its bundles, in order."""

    time_us: int
    bundles: tuple[bytes, ...]
    digests: tuple[bytes, ...]


class Opened(NamedTuple):
    """A bundle whose encoding and signature have been verified (under the key that it carries)."""

    digest: bytes
    raw: bytes
    member: str
    key: bytes
    transactions: tuple[bytes, ...]
    ids: tuple[bytes, ...]

    @property
    def bytes_held(self) -> int:
        """What it takes in memory: its transactions stand in it twice, and every object costs something."""
        return OPENED_BYTES + 2 * len(self.raw) + OPENED_BYTES_EACH * len(self.ids)


_CALL: Decoder[Call] = Decoder(Call, TRANSACTION_BYTES_MAX)
_BUNDLE: Decoder[Bundle] = Decoder(Bundle, BUNDLE_BYTES_MAX)
_BATCH: Decoder[Batch] = Decoder(Batch, BATCH_BYTES_MAX)


def encode_transaction(number: int, contract: str, operation: str, arguments: Any) -> bytes:
    return encode((number, contract, operation, arguments))


def decode_call(transaction: bytes) -> Call:
    """Raises Malformed. The arguments' own canonical form is checked where they are typed."""
    return _CALL.decode(transaction)


def transaction_id(chain: bytes, member: str, transaction: bytes) -> bytes:
    return tagged_hash(b"consortium transaction", chain, member.encode(), transaction)


def _id_prefix(chain: bytes, member: str) -> bytes:
    """The bytes that `tagged_hash` would put before a transaction's own length and bytes."""
    tag, name = b"consortium transaction", member.encode()
    return b"".join(
        (len(tag).to_bytes(1, "big"), tag, len(chain).to_bytes(4, "big"), chain, len(name).to_bytes(4, "big"), name)
    )


def bundle_statement(chain: bytes, suite: str, member: str, ids: Sequence[bytes]) -> bytes:
    """The bytes that a bundle's signature covers."""
    return encode(("consortium bundle", FORMAT, chain, suite, member, merkle.root(ids)))


def sign_bundle(chain: bytes, suite: KeySuite, secret: bytes, member: str, transactions: Sequence[bytes]) -> bytes:
    """The canonical bytes of a bundle of these transactions."""
    ids = [transaction_id(chain, member, transaction) for transaction in transactions]
    signature = suite.sign(secret, bundle_statement(chain, suite.name, member, ids))
    return encode(Bundle(FORMAT, member, suite.public_key(secret), tuple(transactions), signature))


def bundle_digest(raw: bytes) -> bytes:
    return sha256(b"consortium bundle\x00" + raw).digest()


def encode_batch(time_us: int, bundles: Sequence[bytes]) -> bytes:
    return encode(Batch(FORMAT, time_us, tuple(bundles)))


def decode_batch(raw: bytes) -> Batch:
    """Raises Malformed, also where the encoding is not canonical or the format unknown."""
    batch = _BATCH.decode_canonical(raw)
    if batch.format != FORMAT or not 0 <= batch.time_us < 1 << 62:
        raise Malformed(f"batch of format {batch.format}, time {batch.time_us}")
    return batch


def batch_digest(raw: bytes) -> bytes:
    return sha256(b"consortium batch\x00" + raw).digest()


def another_version(batch: bytes, number: int) -> bytes:
    """The same bundles at another time: another digest, and as fit as the first. Number 0 is the batch itself; what is
    no batch stays what it is."""
    if number == 0:
        return batch
    try:
        decoded = decode_batch(batch)
    except Malformed:
        return batch
    return encode_batch(decoded.time_us + number, decoded.bundles)


NULL_DIGEST = sha256(b"consortium null request").digest()  # PBFT's null request: an empty height, no body


class Bundles:
    """Opens bundles: decode, check, verify once per process, remember by digest (bounded, oldest forgotten). Takes
    batches apart once: the very same bytes object is judged, ordered, executed and dropped from the pool."""

    def __init__(
        self, chain: bytes, suite: KeySuite, remember_max: int = 20_000, remember_bytes_max: int = 32_000_000
    ) -> None:
        self.chain = chain
        self.suite = suite
        self._known: OrderedDict[bytes, Opened] = OrderedDict()
        self._known_bytes = 0
        self._remember_max = remember_max
        self._remember_bytes_max = remember_bytes_max
        self._prefixes: dict[str, bytes] = {}
        self._batches: deque[tuple[bytes, DecodedBatch]] = deque(maxlen=BATCHES_REMEMBERED)

    def decode_batch(self, raw: bytes) -> DecodedBatch:
        """Like `decode_batch`, with the digests of the bundles. Raises Malformed."""
        for held, decoded in self._batches:
            if held is raw:
                return decoded
        batch = decode_batch(raw)
        decoded = DecodedBatch(batch.time_us, batch.bundles, tuple([bundle_digest(bundle) for bundle in batch.bundles]))
        if type(raw) is bytes:  # what cannot change
            self._batches.append((raw, decoded))
        return decoded

    def open(self, raw: bytes, *, is_trusted: bool = False, digest: bytes | None = None) -> Opened:
        """Verify one bundle; `is_trusted` skips the signature (under a commit certificate). `digest`: that of `raw`,
        where it is known already. Raises Malformed."""
        if digest is None:
            digest = bundle_digest(raw)
        known = self._known.get(digest)
        if known is not None:
            return known
        return self.verify(self.decode(raw), raw, digest, is_trusted=is_trusted)

    def recall(self, digest: bytes) -> Opened | None:
        """A bundle that was verified here before and is still remembered."""
        return self._known.get(digest)

    def decode(self, raw: bytes) -> Bundle:
        """Its parts, before any signature is looked at. Raises Malformed."""
        bundle = _BUNDLE.decode_canonical(raw)
        if bundle.format != FORMAT:
            raise Malformed(f"bundle of format {bundle.format}")
        if not 1 <= len(bundle.transactions) <= BUNDLE_TRANSACTIONS_MAX:
            raise Malformed(f"a bundle of {len(bundle.transactions)} transactions")
        if not 1 <= len(bundle.member.encode()) <= NAME_BYTES_MAX:
            raise Malformed("a member's name of wrong length")
        if len(bundle.signature) != self.suite.signature_bytes:
            raise Malformed("a signature of wrong length")
        if max(map(len, bundle.transactions)) > TRANSACTION_BYTES_MAX:
            raise Malformed("a transaction is too long")
        return bundle

    def verify(self, bundle: Bundle, raw: bytes, digest: bytes, *, is_trusted: bool = False) -> Opened:
        """Open what `decode` gave: no transaction twice, and the signature holds. Raises Malformed."""
        ids = self._ids(bundle)
        if len(set(ids)) != len(ids):
            raise Malformed("a transaction stands twice in its bundle")
        if not is_trusted:
            statement = bundle_statement(self.chain, self.suite.name, bundle.member, ids)
            if not self.suite.verify(bundle.key, statement, bundle.signature):
                raise Malformed("the bundle's signature is wrong")
        opened = Opened(digest, bytes(raw), bundle.member, bundle.key, bundle.transactions, ids)
        if not is_trusted:
            self._known[digest] = opened
            self._known_bytes += opened.bytes_held
            while len(self._known) > self._remember_max or self._known_bytes > self._remember_bytes_max:
                self._known_bytes -= self._known.popitem(last=False)[1].bytes_held
        return opened

    def _ids(self, bundle: Bundle) -> tuple[bytes, ...]:
        prefix = self._prefixes.get(bundle.member)
        if prefix is None:
            prefix = _id_prefix(self.chain, bundle.member)
            if len(self._prefixes) < 10_000:
                self._prefixes[bundle.member] = prefix
        return tuple([sha256(prefix + len(body).to_bytes(4, "big") + body).digest() for body in bundle.transactions])
