"""One member's keys at work on boxes: lock a record, open a box, seal its data key to another member."""

from __future__ import annotations

from collections.abc import Mapping

from consortium.core.codec import Malformed, encode
from consortium.core.crypto import KeySuite
from consortium.core.keyring import GENERATIONS_MAX, Keyring
from consortium.core.membership import Purpose
from consortium.core.sealing import SEALINGS, decrypt_body, encrypt_body
from consortium.core.vault import CONTENTS, Box, Contents, Salts, commit, derive_secret


class Locksmith:
    """`secrets`: this member's own. Everything it makes follows from them and from its arguments."""

    def __init__(self, suite: KeySuite, secrets: Mapping[Purpose, bytes], me: str) -> None:
        self._sealing = SEALINGS[suite.name]
        self._keyring = Keyring(suite, secrets)
        own = secrets.get("encrypt", b"")  # without it nobody can seal anything to this member
        self._key = derive_secret(own, "vault", me)
        self.salts = self.salts_of(secrets, me)

    @staticmethod
    def salts_of(secrets: Mapping[Purpose, bytes], me: str) -> Salts:
        """The salts of a member with these secrets."""
        return Salts(derive_secret(secrets.get("encrypt", b""), "salts", me))

    def nonce(self, identity: str) -> bytes:
        """16 bytes for a question, the same for the same identity."""
        return derive_secret(self._key, "nonce", identity)[:16]

    def lock(self, handle: str, record: bytes, key: bytes) -> Box:
        """A box of our own record for ourselves; `key` is our registered one. Raises Malformed for one that nothing can
        be sealed to."""
        salt = self.salts.salt(handle)
        commitment = commit(salt, record)
        data_key = derive_secret(self._key, f"data key {commitment.hex()}", handle)
        box = Box(handle, commitment, b"", b"")
        cipher = encrypt_body(data_key, box.about, encode(Contents(salt, record)))
        return Box(handle, commitment, cipher, self._wrap(handle, commitment, data_key, key, "own"))

    def open(self, box: Box) -> Contents:
        """What is in a box whose data key is sealed to us. Raises Malformed where it cannot be opened, or holds
        something that is not the record of its commitment."""
        contents = CONTENTS.decode(decrypt_body(self._data_key(box), box.about, box.cipher))
        if commit(contents.salt, contents.record) != box.commitment:
            raise Malformed("the record is not that of its commitment")
        return contents

    def seal_to(self, box: Box, key: bytes, nonce: bytes) -> Box:
        """The same box, openable by the holder of `key` instead. Raises Malformed."""
        wrap = self._wrap(box.handle, box.commitment, self._data_key(box), key, nonce.hex())
        return Box(box.handle, box.commitment, box.cipher, wrap)

    def _wrap(self, handle: str, commitment: bytes, data_key: bytes, key: bytes, what_for: str) -> bytes:
        seed = derive_secret(self._key, f"wrap {commitment.hex()} {key.hex()}", f"{what_for} {handle}")
        return self._sealing.seal(key, seed, data_key)

    def _data_key(self, box: Box) -> bytes:
        for number in range(GENERATIONS_MAX):
            secret = self._keyring.generation("encrypt", number)
            if secret is None:
                break
            try:
                return self._sealing.unseal(secret, box.wrap)
            except Malformed:
                continue
        raise Malformed("the box is sealed to no key of ours")
