"""Sealed boxes are libsodium's own; what is bent, or meant for another, is refused as malformed and nothing else."""

import pytest
from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from consortium.core.codec import Malformed
from consortium.core.crypto import SUITES
from consortium.core.sealing import SEAL_OVERHEAD_BYTES, SEALINGS, decrypt_body, encrypt_body

SECRET, OTHER, SEED, KEY = b"s" * 32, b"o" * 32, b"e" * 32, b"k" * 32


@pytest.mark.parametrize("name", sorted(SUITES))
def test_what_is_sealed_to_a_member_is_opened_by_its_secret_alone(name: str) -> None:
    suite, sealing = SUITES[name](), SEALINGS[name]
    sealed = sealing.seal(suite.public_key(SECRET), SEED, KEY)
    assert sealing.unseal(SECRET, sealed) == KEY
    assert sealed == sealing.seal(suite.public_key(SECRET), SEED, KEY), "randomness is an argument"
    assert KEY not in sealed
    with pytest.raises(Malformed):
        sealing.unseal(OTHER, sealed)
    for bent in (
        b"",
        sealed[:-1],
        bytes([sealed[0] ^ 1]) + sealed[1:],
        sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:],
    ):
        with pytest.raises(Malformed):
            sealing.unseal(SECRET, bent)


def test_a_sealed_box_is_what_libsodium_opens_and_makes() -> None:
    signing = SigningKey(SECRET)
    private: PrivateKey = signing.to_curve25519_private_key()
    sealed = SEALINGS["ed25519"].seal(bytes(signing.verify_key), SEED, KEY)
    assert SealedBox(private).decrypt(sealed) == KEY and len(sealed) == len(KEY) + SEAL_OVERHEAD_BYTES
    theirs = SealedBox(signing.verify_key.to_curve25519_public_key()).encrypt(KEY)
    assert SEALINGS["ed25519"].unseal(SECRET, theirs) == KEY


@pytest.mark.parametrize("key", [b"", b"x" * 31, bytes(32), b"\xff" * 32])
def test_a_key_that_is_no_point_is_refused(key: bytes) -> None:
    with pytest.raises(Malformed):
        SEALINGS["ed25519"].seal(key, SEED, KEY)


def test_a_body_is_of_its_key_and_of_what_it_is_about() -> None:
    cipher = encrypt_body(KEY, b"lines/b-1", b"record")
    assert decrypt_body(KEY, b"lines/b-1", cipher) == b"record" and b"record" not in cipher
    for key, about, bent in (
        (OTHER, b"lines/b-1", cipher),
        (KEY, b"lines/b-2", cipher),
        (KEY, b"lines/b-1", cipher[1:]),
        (KEY, b"", b""),
    ):
        with pytest.raises(Malformed):
            decrypt_body(key, about, bent)
