"""A member's secrets by purpose, and those that take their place: found by the public key that is registered.

A new voting key comes out of the recovery secret, which is kept apart from the others: who stole a voting key cannot
make the next one, and who lost a disk can. Keys of other purposes are renewed in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping

from consortium.core.codec import tagged_hash
from consortium.core.crypto import KeySuite
from consortium.core.membership import Epoch, NodeId, Purpose

GENERATIONS_MAX = 16


class Keyring:
    """`secrets`: the first ones. Generation 0 of a purpose is its first secret; later ones need the recovery secret."""

    def __init__(self, suite: KeySuite, secrets: Mapping[Purpose, bytes]) -> None:
        self._suite = suite
        self._secrets = dict(secrets)
        self._found: dict[tuple[Purpose, bytes | None], bytes] = {}

    def generation(self, purpose: Purpose, number: int) -> bytes | None:
        """The secret of this generation; None where this member has not what it takes."""
        if number == 0:
            return self._secrets.get(purpose)
        recover = self._secrets.get("recover")
        if recover is None:
            return None
        return tagged_hash(b"consortium renewed key", recover, purpose.encode(), number.to_bytes(4, "big"))

    def public_key(self, purpose: Purpose, number: int) -> bytes:
        secret = self.generation(purpose, number)
        assert secret is not None, f"no {purpose} secret of generation {number}"
        return self._suite.public_key(secret)

    def secret(self, purpose: Purpose, epoch: Epoch | None, name: NodeId) -> bytes:
        """The secret of the key that `name` has in this epoch; the first one where it has none, or a strange one."""
        registered = None if epoch is None else epoch.key(name, purpose)
        found = self._found.get((purpose, registered))
        if found is None:
            found = self._found[purpose, registered] = self._search(purpose, registered)
        return found

    def _search(self, purpose: Purpose, registered: bytes | None) -> bytes:
        for number in range(GENERATIONS_MAX if registered is not None else 0):
            secret = self.generation(purpose, number)
            if secret is not None and self._suite.public_key(secret) == registered:
                return secret
        return self._secrets[purpose]
