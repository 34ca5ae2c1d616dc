"""Batches that the pool holds for in flight: those of the branch that may be decided, and no others."""

from __future__ import annotations

from collections.abc import Iterable

from consortium.core.protocol import Pool
from consortium.protocols.hotstuff.tree import Block


class InFlight:
    """By digest. The pool proposes none of their bundles again until they are executed or wait again."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._digests: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._digests)

    def take_off(self, digest: bytes) -> None:
        """We proposed this batch, which the pool itself made."""
        self._digests[digest] = None

    def fly(self, digest: bytes, body: bytes) -> None:
        """This batch, proposed by another, is in flight."""
        if body and digest not in self._digests:
            self._digests[digest] = None
            self._pool.order(body)

    def land(self, digest: bytes) -> None:
        """This batch is decided."""
        self._digests.pop(digest, None)

    def follow(self, branch: Iterable[Block]) -> None:
        """In flight is what stands on this branch (highest first), and nothing else: what another branch held waits
        again."""
        ours = {block.batch: block.body for block in reversed(list(branch))}
        if any(digest not in ours for digest in self._digests):
            self.clear()
        for digest, body in ours.items():
            self.fly(digest, body or b"")

    def clear(self) -> None:
        """Everything waits again."""
        self._pool.release()
        self._digests.clear()
