"""What this simulation signed itself need not be verified: signing made the signature that verifying asks for.

A signature counts as known only with its own key and statement, byte for byte; whatever else comes is verified. So a
forged, bent or foreign one is refused as ever, and the trace is the same with this and without.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from consortium.core.crypto import KEY_BYTES, KeySuite

KEPT_MAX = 50_000


class OwnSignatures:
    """A key suite that remembers the newest of what it signed."""

    def __init__(self, suite: KeySuite) -> None:
        self.name = suite.name
        self.signature_bytes = suite.signature_bytes
        self.public_key = suite.public_key
        self.is_sound_key = suite.is_sound_key
        self._suite = suite
        self._signed: OrderedDict[bytes, None] = OrderedDict()

    def sign(self, secret: bytes, statement: bytes) -> bytes:
        signature = self._suite.sign(secret, statement)
        self._signed[_token(self.public_key(secret), statement, signature)] = None
        if len(self._signed) > KEPT_MAX:
            self._signed.popitem(last=False)
        return signature

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        is_whole = len(key) == KEY_BYTES and len(signature) == self.signature_bytes
        if is_whole and _token(key, statement, signature) in self._signed:
            return True
        return self._suite.verify(key, statement, signature)


def _token(key: bytes, statement: bytes, signature: bytes) -> bytes:
    """Key and signature have one length each, so no two cuts of the same bytes have one token."""
    return sha256(key + signature + statement).digest()
