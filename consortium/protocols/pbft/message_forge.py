"""PBFT's words, for behaviours."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from consortium.core.membership import NodeId
from consortium.core.message_forge import Draw, MessageForge, Overheard, Place, Said, another_digest
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.transaction import another_version, batch_digest
from consortium.protocols.common.shapes import INTEGER_MAX
from consortium.protocols.pbft.messages import (
    Ask,
    Body,
    Claim,
    Commit,
    Decision,
    FetchBody,
    NewView,
    Prepare,
    PrePrepare,
    Recall,
    Suspect,
    Told,
    ViewChange,
)


class PbftForge(MessageForge):
    proposals = frozenset(("PrePrepare",))
    votes = ("Prepare", "Commit")
    shows = ("Commit",)
    wishes = frozenset(("ViewChange",))
    openings = frozenset(("NewView",))

    def place(self, message: Message) -> Place | None:
        return Place(message.view, message.height) if isinstance(message, PrePrepare | Prepare | Commit) else None

    def version(self, message: Message, attachment: bytes, number: int) -> Said:
        batch = another_version(attachment, number)
        return replace(message, digest=batch_digest(batch)), batch

    def other_vote(self, message: Message) -> Message:
        assert isinstance(message, Prepare | Commit)
        return replace(message, digest=another_digest(message.digest))

    def echo(self, message: Message, *, leads: bool) -> tuple[Message, ...]:
        if not isinstance(message, PrePrepare | Prepare | Commit):
            return ()
        vote = (message.view, message.height, message.digest)
        return (Commit(*vote),) if leads else (Prepare(*vote), Commit(*vote))

    def empty_votes(self, view: int, height: int, digest: bytes) -> tuple[Message, ...]:
        return Prepare(view, height, digest), Commit(view, height, digest)

    def empty_proposal(self, view: int, height: int, digest: bytes) -> Message:
        return PrePrepare(view, height, digest)

    def empty_wish(self, view: int) -> Message:
        return ViewChange(view, 0, None, ())

    def empty_doubt(self, view: int) -> Message:
        return Suspect(view)

    def absurd(self, view: int, digest: bytes, nonce: bytes) -> tuple[Message, ...]:
        return (
            Suspect(view),
            Suspect(INTEGER_MAX),
            Prepare(view, INTEGER_MAX - 1, digest),
            Ask(nonce, view, INTEGER_MAX - 1, INTEGER_MAX - 1),
            ViewChange(INTEGER_MAX, INTEGER_MAX, None, ()),
        )

    def questions(self, height: int, nonce: bytes) -> tuple[Message, ...]:
        return Recall(nonce), Ask(nonce, 0, 0, 1 + height)

    def request(self, to: NodeId, height: int, digest: bytes, nonce: bytes) -> Message:
        return FetchBody(to, nonce, height, digest)

    def without(self, message: Message, is_hidden: Callable[[Signed], bool]) -> Message:
        if not isinstance(message, Told):
            return message
        return replace(message, statements=tuple(signed for signed in message.statements if not is_hidden(signed)))

    def overstated(self, message: Message, ahead: int) -> Message:
        return replace(message, height=message.height + ahead) if isinstance(message, Told) else message

    def has_body(self, message: Message) -> bool:
        return isinstance(message, Body | Decision)

    def bent_opening(self, said: Said, lie: str, draw: Draw) -> Said | None:
        message, attachment = said
        if not isinstance(message, NewView):
            return None
        changes = message.changes
        match lie:
            case "few":
                return replace(message, changes=changes[:-1]), attachment
            case "forged":
                last = changes[-1]
                bad = Signed(last.sender, last.body, draw(len(last.signature)))
                return replace(message, changes=(*changes[:-1], bad)), attachment
            case "drop" if message.orders:
                return replace(message, orders=()), attachment
            case _:
                first = message.orders[0][0] if message.orders else 1
                last_height = message.orders[-1][0] if message.orders else first
                heights = range(first, last_height + 1)
                return replace(message, orders=tuple((height, draw(32)) for height in heights)), attachment

    def bent_wish(self, said: Said, lie: str, draw: Draw, heard: Overheard | None) -> Said:
        message, attachment = said
        assert isinstance(message, ViewChange)
        match lie:
            case "seal":
                return replace(message, stable_height=message.stable_height + 1_000), attachment
            case "omit":
                return replace(message, claims=()), attachment
            case "repeat":
                return replace(message, claims=tuple(claim for claim in message.claims for _ in range(2))), attachment
            case _:
                bent = tuple(replace(claim, votes=_bent(claim.votes, draw)) for claim in message.claims)
                return replace(message, claims=(*bent, *_invented(message, draw, heard))), attachment


def _bent(votes: Certificate, draw: Draw) -> Certificate:
    """The signatures of a certificate under another digest (the last bytes of a vote's body)."""
    return Certificate(votes.body[:-32] + draw(32), votes.signatures)


def _invented(message: ViewChange, draw: Draw, heard: Overheard | None) -> tuple[Claim, ...]:
    """That a real order was prepared by everybody, under signatures of nobody."""
    if heard is None or not isinstance(heard.message, PrePrepare) or heard.message.height <= message.stable_height:
        return ()
    order = heard.message
    body = heard.statement(Prepare(order.view, order.height, order.digest))
    names = [name for name in heard.epoch.validators if name != heard.signed.sender]
    signatures = tuple((name, draw(len(heard.signed.signature))) for name in names)
    return (Claim(heard.signed, Certificate(body, signatures[: heard.epoch.quorum - 1])),)


FORGE = PbftForge()
