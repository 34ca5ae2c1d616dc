"""Key suites: Ed25519 for real runs; a cheap keyed hash for large simulations only."""

from __future__ import annotations

import hashlib
from typing import Protocol

from nacl import bindings
from nacl.exceptions import CryptoError

from consortium.core.codec import tagged_hash

KEY_BYTES = 32  # of a public key, in every suite


class KeySuite(Protocol):
    """Signs and verifies bytes. A secret is 32 bytes of seed; a public key has `KEY_BYTES`, a signature
    `signature_bytes`: whoever reads one refuses every other length."""

    name: str
    signature_bytes: int

    def public_key(self, secret: bytes) -> bytes: ...

    def sign(self, secret: bytes, statement: bytes) -> bytes: ...

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        """Never raises, whatever the bytes."""
        ...

    def is_sound_key(self, key: bytes) -> bool:
        """Whether the key may be registered: it has the right length and is not weak."""
        ...


class Ed25519:
    """RFC 8032 by libsodium, which refuses small-order keys and non-canonical signatures."""

    name = "ed25519"
    signature_bytes = 64

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
        return bindings.crypto_sign(statement, self._pair(secret)[1])[: self.signature_bytes]

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        if len(signature) != self.signature_bytes or len(key) != KEY_BYTES:
            return False
        try:
            bindings.crypto_sign_open(signature + statement, key)
        except (CryptoError, ValueError, TypeError):
            return False
        return True

    def is_sound_key(self, key: bytes) -> bool:
        return len(key) == KEY_BYTES and bool(bindings.crypto_core_ed25519_is_valid_point(key))


class KeyedHash:
    """SIMULATION ONLY: whoever knows the public key can sign. It costs one hash, so that large n stay fast."""

    name = "keyed-hash"
    signature_bytes = 32

    def public_key(self, secret: bytes) -> bytes:
        return tagged_hash(b"keyed-hash key", secret)

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        return hashlib.blake2b(statement, key=self.public_key(secret), digest_size=32).digest()

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        if len(key) != KEY_BYTES or len(signature) != self.signature_bytes:
            return False
        return hashlib.blake2b(statement, key=key, digest_size=32).digest() == signature

    def is_sound_key(self, key: bytes) -> bool:
        return len(key) == KEY_BYTES


class Plain:
    """SIMULATION ONLY: no cryptography at all, for the speed of the simulator itself. A signature is the beginning of
    the public key: whoever knows the key can sign anything."""

    name = "plain"
    signature_bytes = 8

    def public_key(self, secret: bytes) -> bytes:
        return tagged_hash(b"plain key", secret)

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        return self.public_key(secret)[: self.signature_bytes]

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        return len(key) == KEY_BYTES and key[: self.signature_bytes] == signature

    def is_sound_key(self, key: bytes) -> bool:
        return len(key) == KEY_BYTES


SUITES: dict[str, type[Ed25519] | type[KeyedHash] | type[Plain]] = {
    "ed25519": Ed25519,
    "keyed-hash": KeyedHash,
    "plain": Plain,
}
