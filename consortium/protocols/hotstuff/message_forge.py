"""HotStuff's words, for behaviours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.membership import Epoch, NodeId
from consortium.core.message_forge import Draw, MessageForge, Overheard, Place, Said, another_digest
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.transaction import another_version, batch_digest
from consortium.protocols.common.shapes import INTEGER_MAX
from consortium.protocols.hotstuff.certificates import leader_of
from consortium.protocols.hotstuff.fetching import opened
from consortium.protocols.hotstuff.messages import (
    CERTIFICATE,
    Ask,
    Ballot,
    BlockFound,
    FetchBlock,
    Proposal,
    Recall,
    Timeout,
    Told,
    block_digest,
)


class HotStuffForge(MessageForge):
    proposals = frozenset(("Proposal",))
    votes = ("Ballot",)
    shows = ("Proposal",)
    wishes = frozenset(("Timeout",))
    openings = frozenset(("Proposal",))

    def lack(self, behaviour: str, options: Any) -> str:
        if behaviour == "double_votes" and options.accomplice:
            return "a ballot goes to the next leader alone, so nobody can be told what it wants to hear; take 'twin'"
        if behaviour == "poisoned_view_change" and options.lie in ("seal", "repeat"):
            return "a TIMEOUT carries one certificate and no stable height; the lies are 'claims' and 'omit'"
        return super().lack(behaviour, options)

    def leader(self, epoch: Epoch, view: int) -> NodeId:
        return leader_of(epoch, view)

    def place(self, message: Message) -> Place | None:
        return Place(message.view, message.height) if isinstance(message, Proposal | Ballot) else None

    def version(self, message: Message, attachment: bytes, number: int) -> Said:
        carried = opened(attachment)
        if carried is None or carried.body is None:
            return message, attachment  # a block without a batch has one version
        batch = another_version(carried.body, number)
        header = replace(carried.header, batch=batch_digest(batch))
        return replace(message, digest=block_digest(header)), encode(replace(carried, header=header, body=batch))

    def other_vote(self, message: Message) -> Message:
        assert isinstance(message, Ballot)
        return replace(message, digest=another_digest(message.digest))

    def empty_votes(self, view: int, height: int, digest: bytes) -> tuple[Message, ...]:
        return (Ballot(view, digest, height, ()),)

    def empty_proposal(self, view: int, height: int, digest: bytes) -> Message:
        return Proposal(view, digest, height, ())

    def empty_wish(self, view: int) -> Message:
        return Timeout(view)

    def absurd(self, view: int, digest: bytes, nonce: bytes) -> tuple[Message, ...]:
        return (
            Ballot(INTEGER_MAX - 1, digest, INTEGER_MAX - 1, (digest,) * 40),
            Ask(nonce, view, INTEGER_MAX - 1, INTEGER_MAX - 1, None),
            Timeout(INTEGER_MAX - 1),
            Timeout(INTEGER_MAX),
        )

    def questions(self, height: int, nonce: bytes) -> tuple[Message, ...]:
        return Recall(nonce), Ask(nonce, 0, 0, 1 + height, None)

    def request(self, to: NodeId, height: int, digest: bytes, nonce: bytes) -> Message:
        return FetchBlock(to, nonce, digest, True)

    def without(self, message: Message, is_hidden: Callable[[Signed], bool]) -> Message:
        if not isinstance(message, Told | BlockFound) or message.proposal is None or not is_hidden(message.proposal):
            return message
        return replace(message, proposal=None)

    def overstated(self, message: Message, ahead: int) -> Message:
        return replace(message, height=message.height + ahead) if isinstance(message, Told) else message

    def has_body(self, message: Message) -> bool:
        return isinstance(message, BlockFound)

    def bent_opening(self, said: Said, lie: str, draw: Draw) -> Said | None:
        """The first proposal of a term, with the TIMEOUTs that entitle it."""
        message, attachment = said
        carried = opened(attachment)
        if not isinstance(message, Proposal) or carried is None or carried.timeouts is None:
            return None
        timeouts = carried.timeouts
        match lie:
            case "few":
                short = Certificate(timeouts.body, timeouts.signatures[:-1])
                return message, encode(replace(carried, timeouts=short))
            case "forged":
                name, signature = timeouts.signatures[-1]
                signatures = (*timeouts.signatures[:-1], (name, draw(len(signature))))
                return message, encode(replace(carried, timeouts=Certificate(timeouts.body, signatures)))
            case "drop":
                return message, encode(replace(carried, timeouts=None))
            case _:  # on a block of its own making, as if nothing had been certified
                header = replace(carried.header, parent=draw(32))
                return replace(message, digest=block_digest(header)), encode(replace(carried, header=header))

    def bent_wish(self, said: Said, lie: str, draw: Draw, heard: Overheard | None) -> Said:
        """`omit`: that it knows of no QC. `claims`: the signatures of its QC under a block that nobody voted for."""
        message, attachment = said
        if lie == "omit" or not attachment:
            return message, b""
        quorum = CERTIFICATE.decode(attachment)
        place = quorum.body.find(b"Ballot") + 12  # within the digest
        body = quorum.body[:place] + draw(8) + quorum.body[place + 8 :]
        return message, encode(Certificate(body, quorum.signatures))


FORGE = HotStuffForge()
