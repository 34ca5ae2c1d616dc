"""PBFT's messages, named as in Castro & Liskov (OSDI 1999, section 4), and their shapes.

Every statement carries chain, key suite and epoch in the bytes before the message (core/messages.py), so none stands
here again. `height` is the paper's sequence number n. All PREPAREs (and all COMMITs) of one epoch, view, height and
digest are byte-identical: one body and many signatures make a `Certificate`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from consortium.core.codec import Digest, Nonce
from consortium.core.messages import Certificate, Few, Message, Signed, Vote
from consortium.protocols.common.shapes import INTEGER_MAX

STATEMENTS_MAX = 256  # in one Told


class PrePrepare(Vote, frozen=True):
    """The leader orders the batch of `digest`. The batch is the attachment; it may be missing, then it is fetched."""


class Prepare(Vote, frozen=True):
    """A backup holds that batch durably and has accepted no other in this view at this height."""


class Commit(Vote, frozen=True):
    """The sender holds a prepared certificate durably."""


class Claim(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, dict=True):
    """An element of the paper's P. With `pre_prepare`: a prepared certificate, `votes` are PREPAREs of quorum−1 members
    other than the leader. Without: `votes` are COMMITs of a quorum, which count as prepared in their view."""

    pre_prepare: Signed | None
    votes: Certificate


class Suspect(Message, frozen=True):
    """The sender suspects the leader of `view`, and of every view before. It promises nothing: whoever said it goes on
    voting, and still enters a later view by its NEW-VIEW."""

    view: int


class ViewChange(Message, frozen=True):
    """The sender has left every view below `view`. `seal` proves its stable checkpoint (None at genesis, height 0);
    `claims` are by ascending height, at most one a height, all above the stable checkpoint."""

    view: int
    stable_height: int
    seal: Certificate | None
    claims: Annotated[tuple[Claim, ...], Few]


class NewView(Message, frozen=True):
    """The new leader's proof: `changes` are whole VIEW-CHANGEs of a quorum by name of sender; `orders` (height, digest)
    is what follows from them (the paper's O, without bodies). Each PRE-PREPARE of O is a message of its own."""

    view: int
    changes: Annotated[tuple[Signed, ...], Few]
    orders: Annotated[tuple[tuple[int, Digest], ...], Few]


class Ask(Message, frozen=True):
    """A stalled node says where it stands; whoever knows more answers with `Told` or `Decision`."""

    nonce: Nonce
    view: int
    wanted: int
    height: int


class Told(Message, frozen=True):
    """Answer to Ask: signed statements that the asker may lack, the newest seal where the asker is below it, and the
    answerer's own executed height (a claim: counts only from f+1 members)."""

    receiver: str
    nonce: Nonce
    view: int
    height: int
    seal: Certificate | None
    statements: Annotated[tuple[Signed, ...], msgspec.Meta(max_length=STATEMENTS_MAX)]


class Decision(Message, frozen=True):
    """Answer to Ask: a commit certificate; the attachment is the batch (empty for a null request)."""

    receiver: str
    nonce: Nonce
    height: int
    digest: Digest
    certificate: Certificate


class FetchBody(Message, frozen=True):
    """Ask one member for the batch of `digest`."""

    receiver: str
    nonce: Nonce
    height: int
    digest: Digest


class Body(Message, frozen=True):
    """Answer to FetchBody; the attachment is the batch."""

    receiver: str
    nonce: Nonce
    height: int
    digest: Digest


class Recall(Message, frozen=True):
    """A node that has just booted asks which of its votes the others hold."""

    nonce: Nonce


class Recalled(Message, frozen=True):
    """Answer to Recall: the receiver's latest votes that the sender holds, one a phase, and those at open heights; the
    newest seal that it has; and how high it signed itself (None: its own log does not tell)."""

    receiver: str
    nonce: Nonce
    votes: Annotated[tuple[Signed, ...], Few]
    seal: Certificate | None
    signed_height: int | None


MESSAGES: tuple[type[Message], ...] = (
    PrePrepare,
    Prepare,
    Commit,
    Suspect,
    ViewChange,
    NewView,
    Ask,
    Told,
    Decision,
    FetchBody,
    Body,
    Recall,
    Recalled,
)


def vote_fault(message: Vote) -> str | None:
    """`shape_fault` for PRE-PREPARE, PREPARE and COMMIT, which there are many of."""
    if not 0 <= message.view < INTEGER_MAX or not 0 < message.height < INTEGER_MAX:
        return "view or height out of bounds"
    return None
