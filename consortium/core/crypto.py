"""Key suites: Ed25519 for real runs; a cheap keyed hash for large simulations only."""

from __future__ import annotations

import hashlib
from typing import Protocol

from nacl import bindings
from nacl.exceptions import CryptoError

from consortium.core.codec import tagged_hash

PLAIN_BYTES = 8


class KeySuite(Protocol):
    """Signs and verifies bytes. A secret is 32 bytes of seed; keys and signatures are bytes of fixed length."""

    name: str

    def public_key(self, secret: bytes) -> bytes: ...

    def sign(self, secret: bytes, statement: bytes) -> bytes: ...

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        """Never raises, whatever the bytes."""
        ...

    def is_sound_key(self, key: bytes) -> bool:
        """Whether the key may be registered: right length, not weak."""
        ...


class Ed25519:
    """RFC 8032 by libsodium, which refuses small-order keys and non-canonical signatures."""

    name = "ed25519"

    def __init__(self) -> None:
        self._pairs: dict[bytes, tuple[bytes, bytes]] = {}

    def _pair(self, secret: bytes) -> tuple[bytes, bytes]:
        pair = self._pairs.get(secret)
        if pair is None:
            pair = self._pairs[secret] = bindings.crypto_sign_seed_keypair(secret)
        return pair

    def public_key(self, secret: bytes) -> bytes:
        return self._pair(secret)[0]

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        return bindings.crypto_sign(statement, self._pair(secret)[1])[:64]

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        if len(signature) != 64 or len(key) != 32:
            return False
        try:
            bindings.crypto_sign_open(signature + statement, key)
        except (CryptoError, ValueError, TypeError):
            return False
        return True

    def is_sound_key(self, key: bytes) -> bool:
        return len(key) == 32 and bool(bindings.crypto_core_ed25519_is_valid_point(key))


class KeyedHash:
    """SIMULATION ONLY: whoever knows the public key can sign. It costs one hash, so that large n stay fast."""

    name = "keyed-hash"

    def public_key(self, secret: bytes) -> bytes:
        return tagged_hash(b"keyed-hash key", secret)

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        return hashlib.blake2b(statement, key=self.public_key(secret), digest_size=32).digest()

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        if len(key) != 32 or len(signature) != 32:
            return False
        return hashlib.blake2b(statement, key=key, digest_size=32).digest() == signature

    def is_sound_key(self, key: bytes) -> bool:
        return len(key) == 32


class Plain:
    """SIMULATION ONLY: no cryptography at all, for the speed of the simulator itself. A signature is the beginning of
    the public key: whoever knows the key can sign anything."""

    name = "plain"

    def public_key(self, secret: bytes) -> bytes:
        return tagged_hash(b"plain key", secret)

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        return self.public_key(secret)[:PLAIN_BYTES]

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        return len(key) == 32 and key[:PLAIN_BYTES] == signature

    def is_sound_key(self, key: bytes) -> bool:
        return len(key) == 32


SUITES: dict[str, type[Ed25519] | type[KeyedHash] | type[Plain]] = {
    "ed25519": Ed25519,
    "keyed-hash": KeyedHash,
    "plain": Plain,
}
