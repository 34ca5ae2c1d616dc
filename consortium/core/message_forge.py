"""What a protocol's messages are, for those who bend or imitate them without knowing the protocol.

Behaviours lie in a protocol's words: they ask its `MessageForge` which messages are proposals and votes, for another
version of one, or for an empty one. A protocol without a word for something says so, and a scenario that wants it is
refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message, Signed

Draw = Callable[[int], bytes]  # so many random bytes
Said = tuple[Message, bytes]  # a message and its attachment


class Place(NamedTuple):
    """Where a proposal or a vote stands. `height` is that of the batch, as far as the message tells."""

    view: int
    height: int


class Overheard(NamedTuple):
    """The last proposal that a liar heard. `statement`: the bytes that members sign for a message there."""

    signed: Signed
    message: Message
    epoch: Epoch
    statement: Callable[[Message], bytes]


class MessageForge:
    """The base: a protocol that has none of it."""

    proposals: frozenset[str] = frozenset()  # class names, as all that are names here
    votes: tuple[str, ...] = ()  # in the order of the phases
    shows: tuple[str, ...] = ()  # heard by everybody, and telling how far ordering has come
    wishes: frozenset[str] = frozenset()  # for another leader
    openings: frozenset[str] = frozenset()  # of a new leader, with what entitles it
    lacks: Mapping[str, str] = {}  # behaviours that this protocol has no words for, and why

    def lack(self, behaviour: str, options: Any) -> str:
        """Why this behaviour, with these options, cannot be had under this protocol; empty = it can."""
        return self.lacks.get(behaviour, "")

    def leader(self, epoch: Epoch, view: int) -> NodeId:
        return epoch.leader(view)

    def place(self, message: Message) -> Place | None:
        """Of a proposal or vote; None for anything else."""
        return None

    def version(self, message: Message, attachment: bytes, number: int) -> Said:
        """A proposal's batch at another time: another digest, and as fit as the first. Number 0 is the first."""
        return message, attachment

    def other_vote(self, message: Message) -> Message:
        """A vote for something else in the very same place."""
        return message

    def echo(self, message: Message, *, leads: bool) -> tuple[Message, ...]:
        """The votes that stand behind what a proposal or vote of another stands behind. `leads`: of the leader itself,
        which may have no vote of each kind."""
        return ()

    def empty_votes(self, view: int, height: int, digest: bytes) -> tuple[Message, ...]:
        """A vote of each kind, for nothing."""
        return ()

    def empty_proposal(self, view: int, height: int, digest: bytes) -> Message | None:
        return None

    def empty_wish(self, view: int) -> Message | None:
        """For this view, with nothing in it."""
        return None

    def empty_doubt(self, view: int) -> Message | None:
        """About the leader of this view, as a protocol says it that does not leave the view with it."""
        return None

    def absurd(self, view: int, digest: bytes, nonce: bytes) -> tuple[Message, ...]:
        """Numbers at the end of what can be said, and beyond."""
        return ()

    def questions(self, height: int, nonce: bytes) -> tuple[Message, ...]:
        """That everybody must answer who knows more."""
        return ()

    def request(self, to: NodeId, height: int, digest: bytes, nonce: bytes) -> Message | None:
        """For a body that nobody has."""
        return None

    def bent_wish(self, said: Said, lie: str, draw: Draw, heard: Overheard | None) -> Said:
        """A wish for another leader that lies about what its sender knows."""
        return said

    def bent_opening(self, said: Said, lie: str, draw: Draw) -> Said | None:
        """A new leader's beginning that does not follow from what entitles it; None if this is no beginning."""
        return None

    def without(self, message: Message, is_hidden: Callable[[Signed], bool]) -> Message:
        """An answer without those of the statements in it."""
        return message

    def overstated(self, message: Message, ahead: int) -> Message:
        """An answer that claims to be so much further."""
        return message

    def has_body(self, message: Message) -> bool:
        """Whether this is an answer whose attachment is a batch."""
        return False


def another_digest(digest: bytes) -> bytes:
    """One that nothing has."""
    return sha256(digest).digest()


SILENCE = MessageForge()
