"""What a simulation signed is taken at its word; whatever differs from it in one byte is verified, and refused."""

from __future__ import annotations

import pytest

from consortium.core.crypto import Ed25519
from consortium.simulation.shortcuts import own_signatures
from consortium.simulation.shortcuts.own_signatures import OwnSignatures

SECRET, OTHER = b"s" * 32, b"o" * 32


class Watched(Ed25519):
    def __init__(self) -> None:
        super().__init__()
        self.verified = 0

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        self.verified += 1
        return super().verify(key, statement, signature)


def test_what_was_signed_here_is_not_verified_again() -> None:
    watched = Watched()
    suite = OwnSignatures(watched)
    signature = suite.sign(SECRET, b"a vote")
    assert signature == Ed25519().sign(SECRET, b"a vote")
    assert suite.verify(suite.public_key(SECRET), b"a vote", signature)
    assert watched.verified == 0


def test_what_was_signed_elsewhere_is_verified() -> None:
    watched = Watched()
    suite = OwnSignatures(watched)
    signature = Ed25519().sign(SECRET, b"a vote")
    assert suite.verify(suite.public_key(SECRET), b"a vote", signature)
    assert watched.verified == 1


@pytest.mark.parametrize("bent", ["key", "statement", "signature", "cut", "long"])
def test_a_byte_that_differs_is_refused(bent: str) -> None:
    suite = OwnSignatures(Ed25519())
    key, statement = suite.public_key(SECRET), b"a vote"
    signature = suite.sign(SECRET, statement)
    suite.sign(OTHER, statement)
    said = {
        "key": (suite.public_key(OTHER), statement, signature),
        "statement": (key, b"a note", signature),
        "signature": (key, statement, signature[:-1] + bytes([signature[-1] ^ 1])),
        "cut": (key, statement[1:], signature + statement[:1]),
        "long": (key + signature[:1], statement, signature[1:]),
    }[bent]
    assert not suite.verify(*said)


def test_the_oldest_is_forgotten_and_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_signatures, "KEPT_MAX", 2)
    watched = Watched()
    suite = OwnSignatures(watched)
    first = suite.sign(SECRET, b"first")
    for later in (b"second", b"third"):
        suite.sign(SECRET, later)
    assert suite.verify(suite.public_key(SECRET), b"first", first)
    assert watched.verified == 1
