"""What a replica knows of one height, and the log of all heights between the watermarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import NULL_DIGEST
from consortium.core.votes import VoteKeeping
from consortium.protocols.pbft.messages import Claim


class Slot:
    """One height. `view`, `digest`, `pre_prepare` are of the newest view in which a PRE-PREPARE was accepted."""

    __slots__ = (
        "bodies",
        "certificate",
        "certificate_view",
        "commit_view",
        "commits",
        "decided_digest",
        "digest",
        "height",
        "later",
        "ordered_us",
        "pre_prepare",
        "prepare_view",
        "prepared",
        "prepared_digest",
        "prepared_view",
        "prepares",
        "refused_view",
        "stored",
        "view",
    )

    def __init__(self, height: int, places: Mapping[NodeId, int], keeping: VoteKeeping) -> None:
        self.height = height
        self.view = -1
        self.digest = b""
        self.ordered_us = 0  # monotonic, when that PRE-PREPARE came; 0: before its view, or before the boot
        self.pre_prepare: Signed | None = None  # None for our own until the host has signed it
        self.later: dict[NodeId, tuple[int, bytes, Signed]] = {}  # PRE-PREPAREs of later views, one a member
        self.bodies: dict[bytes, bytes] = {}
        self.stored: bytes = b""  # digest of the body that is durable in our records
        self.prepares = keeping.votes(places)
        self.commits = keeping.votes(places)
        self.prepared: Claim | None = None
        self.prepared_view = -1
        self.prepared_digest = b""
        self.prepare_view = -1  # newest view in which we said PRE-PREPARE or PREPARE
        self.commit_view = -1  # newest view in which we said COMMIT
        self.refused_view = -1  # view whose batch we judged unfit
        self.certificate: Certificate | None = None
        self.certificate_view = -1
        self.decided_digest: bytes | None = None

    def body(self, digest: bytes) -> bytes | None:
        """The batch of a digest; empty for the null request."""
        return b"" if digest == NULL_DIGEST else self.bodies.get(digest)

    def is_wanted(self, digest: bytes) -> bool:
        """Whether this height needs the body of this digest."""
        return digest in (self.digest, self.decided_digest)

    def keep(self, digest: bytes, body: bytes) -> None:
        """Remember a body, forgetting all but those of the current order, of the decision and of our prepared
        certificate."""
        for other in [known for known in self.bodies if not self.is_wanted(known)]:
            if other not in (self.prepared_digest, digest):
                del self.bodies[other]
        self.bodies[digest] = body

    def best_claim(self, view: int) -> Claim | None:
        """The certificate of the highest view below this one; a commit certificate of view v counts as prepared in v.
        (We may hold a decision of a view that we have not come to: it is no claim for an earlier one.)"""
        if self.certificate is not None and self.prepared_view <= self.certificate_view < view:
            return Claim(None, self.certificate)
        return self.prepared if self.prepared_view < view else None

    def has_support(self, members_min: int) -> bool:
        """Whether so many members voted here, or a decision is known: somebody works on this height."""
        return (
            self.certificate is not None
            or self.view >= 0
            or len(self.prepares) >= members_min
            or len(self.commits) >= members_min
        )


class Log:
    """Slots by height. The replica's state says who may open one; the log only keeps and drops them. `places`: the
    validators of the epoch, numbered."""

    def __init__(self, places: Mapping[NodeId, int], keeping: VoteKeeping) -> None:
        self._places = places
        self._keeping = keeping
        self._slots: dict[int, Slot] = {}
        self.highest = 0
        self.version = 0  # grows when slots go

    def get(self, height: int) -> Slot | None:
        return self._slots.get(height)

    def open(self, height: int) -> Slot:
        slot = self._slots.get(height)
        if slot is None:
            slot = self._slots[height] = Slot(height, self._places, self._keeping)
            self.highest = max(self.highest, height)
        return slot

    def drop(self, height: int) -> None:
        """Forget all slots at or below this height."""
        for old in [known for known in self._slots if known <= height]:
            del self._slots[old]
            self.version += 1

    def clear(self, places: Mapping[NodeId, int]) -> None:
        """A new epoch, with these validators."""
        self._places = places
        self._slots.clear()
        self.highest = 0
        self.version += 1

    def above(self, height: int) -> Iterator[Slot]:
        """Slots above a height, ascending; a copy, so that the log may change meanwhile."""
        for known in sorted(known for known in self._slots if known > height):
            yield self._slots[known]

    def __len__(self) -> int:
        return len(self._slots)
