"""Ciphers for private records: a record's body under its data key, and a data key sealed to one member.

Data keys are sealed in libsodium's sealed boxes, to X25519 keys that follow from the members' registered Ed25519
`encrypt` keys. Randomness is an argument, like everywhere in a pure room: `seed` takes the place of the ephemeral key,
so two seals with one seed must be of one plaintext. What comes out is what `nacl.public.SealedBox` opens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from nacl import bindings
from nacl.exceptions import CryptoError

from consortium.core.codec import Malformed, tagged_hash

DATA_KEY_BYTES = 32
SEAL_OVERHEAD_BYTES = 48  # an ephemeral public key and an authenticator
_NONCE = bytes(24)  # of bodies: a data key encrypts one plaintext


class Sealing(NamedTuple):
    """`seal(public key, seed, plaintext)` and `unseal(secret, sealed)`; the second raises Malformed, and so does the
    first for a key that is no point."""

    seal: Callable[[bytes, bytes, bytes], bytes]
    unseal: Callable[[bytes, bytes], bytes]


def encrypt_body(data_key: bytes, about: bytes, body: bytes) -> bytes:
    """XChaCha20-Poly1305; `about` is authenticated with it. A data key is used for one body and no other."""
    return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(body, about, _NONCE, data_key)


def decrypt_body(data_key: bytes, about: bytes, cipher: bytes) -> bytes:
    """Raises Malformed where key, body or `about` is not that of the encryption."""
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(cipher, about, _NONCE, data_key)
    except (CryptoError, ValueError, TypeError):
        raise Malformed("the body was not encrypted under this key") from None


@lru_cache(maxsize=256)
def _curve_public(key: bytes) -> bytes:
    return bindings.crypto_sign_ed25519_pk_to_curve25519(key)


@lru_cache(maxsize=64)
def _curve_pair(secret: bytes) -> tuple[bytes, bytes]:
    own = bindings.crypto_sign_ed25519_sk_to_curve25519(bindings.crypto_sign_seed_keypair(secret)[1])
    return bindings.crypto_scalarmult_base(own), own


def _seal(key: bytes, seed: bytes, plaintext: bytes) -> bytes:
    try:
        public = _curve_public(key)
        ephemeral, own = bindings.crypto_box_seed_keypair(seed)
        nonce = blake2b(ephemeral + public, digest_size=24).digest()
        return ephemeral + bindings.crypto_box(plaintext, nonce, public, own)
    except (CryptoError, ValueError, TypeError, RuntimeError):
        raise Malformed("not a key that anything can be sealed to") from None


def _unseal(secret: bytes, sealed: bytes) -> bytes:
    try:
        return bindings.crypto_box_seal_open(sealed, *_curve_pair(secret))
    except (CryptoError, ValueError, TypeError, RuntimeError):
        raise Malformed("not sealed to this key") from None


def _mock(tag: bytes) -> Sealing:
    """SIMULATION ONLY, like the suites that it serves: whoever knows the public key can open."""

    def key_of(public: bytes) -> bytes:
        return tagged_hash(b"mock seal", public)

    def seal(key: bytes, seed: bytes, plaintext: bytes) -> bytes:
        return encrypt_body(tagged_hash(b"mock seal of", key_of(key), seed), b"", plaintext) + seed

    def unseal(secret: bytes, sealed: bytes) -> bytes:
        public = tagged_hash(tag, secret)
        return decrypt_body(tagged_hash(b"mock seal of", key_of(public), sealed[-32:]), b"", sealed[:-32])

    return Sealing(seal, unseal)


SEALINGS = {  # by name of the key suite
    "ed25519": Sealing(_seal, _unseal),
    "keyed-hash": _mock(b"keyed-hash key"),
    "plain": _mock(b"plain key"),
}
