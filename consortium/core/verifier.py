"""Verifies signed statements and certificates under the keys of their epoch; remembers what it verified."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.crypto import KEY_BYTES, KeySuite
from consortium.core.membership import Epoch, Epochs
from consortium.core.messages import Certificate, Message, MessageCodec, Signed

REMEMBERED_BYTES_MAX = 512  # larger messages are decoded anew each time
DECODED_MAX = 256  # bodies whose message is kept: votes of one kind are equal by bytes


class Foreign(Malformed):
    """A statement of a chain, an epoch or a member that this node does not know, or of a kind that its version does not
    have. It may be sound: who lags knows fewer epochs than the others, and an older version fewer kinds."""


class Verified(NamedTuple):
    epoch: int
    message: Message


class Verifier:
    """Sign bytes, verify bytes, then decode. Every failure is `Malformed`; nothing else is ever raised.

    The cache is keyed by the hash of key, signature and body, bounded, and may be shared between the hosts of one
    simulation: what it says depends on those bytes alone. Key and signature have one length each, which is checked
    before the hash is looked up: so no other cut of the same bytes is ever taken for what was verified.
    """

    def __init__(self, codec: MessageCodec, suite: KeySuite, remember_max: int = 20_000) -> None:
        self.codec = codec
        self.suite = suite
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._opened: OrderedDict[bytes, Verified] = OrderedDict()
        self._decoded: OrderedDict[bytes, Verified] = OrderedDict()
        self._remember_max = remember_max

    def is_signed(self, key: bytes, body: bytes, signature: bytes) -> bool:
        if len(key) != KEY_BYTES or len(signature) != self.suite.signature_bytes:
            return False
        token = sha256(key + signature + body).digest()
        if token in self._verified:
            return True
        if not self.suite.verify(key, body, signature):
            return False
        self._verified[token] = None
        if len(self._verified) > self._remember_max:
            self._verified.popitem(last=False)
        return True

    def open(self, signed: Signed, epochs: Epochs) -> Verified:
        """The message that a member signed, in the epoch that it names. Raises Foreign where nothing of it could be
        verified, or where its signature holds and its kind is strange; else Malformed."""
        for epoch in self._epochs(signed.body, epochs):
            key = epoch.key(signed.sender, "vote")
            if key is None:
                raise Foreign(f"{signed.sender!r} is no member of epoch {epoch.number}")
            if len(key) != KEY_BYTES or len(signed.signature) != self.suite.signature_bytes:
                raise Malformed(f"the signature of {signed.sender!r} is wrong: it has another length")
            token = sha256(key + signed.signature + signed.body).digest()
            known = self._opened.get(token)
            if known is not None:
                return known
            if not self.is_signed(key, signed.body, signed.signature):
                raise Malformed(f"the signature of {signed.sender!r} is wrong")
            verified = self._decoded.get(signed.body)
            if verified is None:
                verified = Verified(epoch.number, self._decode(signed.body, epoch.number))
            if len(signed.body) <= REMEMBERED_BYTES_MAX:
                self._decoded[signed.body] = verified  # the body names its epoch
                if len(self._decoded) > DECODED_MAX:
                    self._decoded.popitem(last=False)
                self._opened[token] = verified
                if len(self._opened) > self._remember_max:
                    self._opened.popitem(last=False)
            return verified
        raise Foreign("a statement of another chain, key suite or unknown epoch")

    def _decode(self, body: bytes, epoch: int) -> Message:
        try:
            return self.codec.decode(body, epoch)
        except Malformed:
            if name := self.codec.strange_kind(body):
                raise Foreign(f"a message {name} that this version does not know") from None
            raise

    def check_certificate(self, certificate: Certificate, epoch: Epoch, signers_min: int) -> Message:
        """The message on which at least `signers_min` distinct validators of `epoch` put their signatures.

        Every signature must hold and the names must be in order: a certificate has one form. Raises Malformed.
        """
        message = self.codec.decode(certificate.body, epoch.number)
        names = [name for name, _ in certificate.signatures]
        if len(names) < signers_min:
            raise Malformed(f"{len(names)} signatures, {signers_min} needed")
        if names != sorted(set(names)) or len(names) > epoch.n:
            raise Malformed("signers must be distinct and in order")
        for name, signature in certificate.signatures:
            key = epoch.key(name, "vote")
            if key is None or not epoch.is_validator(name):
                raise Malformed(f"{name!r} is no validator of epoch {epoch.number}")
            if not self.is_signed(key, certificate.body, signature):
                raise Malformed(f"the signature of {name!r} is wrong")
        return message

    def _epochs(self, body: bytes, epochs: Epochs) -> Iterator[Epoch]:
        """The epoch whose prefix the body has (newest first; at most one can match)."""
        number = epochs.newest.number
        while (epoch := epochs.number(number)) is not None:
            if body.startswith(self.codec.prefix(number)):
                yield epoch
                return
            number -= 1
