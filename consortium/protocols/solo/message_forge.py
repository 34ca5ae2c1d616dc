"""Solo's words, for behaviours. Only the sequencer could lie in them, and it is trusted: there is little to bend."""

from __future__ import annotations

from consortium.core.membership import NodeId
from consortium.core.message_forge import MessageForge, Place
from consortium.core.messages import Message
from consortium.protocols.solo.messages import Ask, Order, Ordered, Recall

_TRUSTED = "the sequencer is trusted, and nobody else has a say: the members would fork, or wait for ever"
_NO_VOTES = "nobody votes"
_NO_CHANGE = "the sequencer never changes"


class SoloForge(MessageForge):
    proposals = frozenset(("Order",))
    shows = ("Order",)
    lacks = {  # noqa: RUF012 - it is read only
        "equivocating_leader": _TRUSTED,
        "twin": _TRUSTED,
        "double_votes": _NO_VOTES,
        "withheld_votes": _NO_VOTES,
        "bad_new_view": _NO_CHANGE,
        "poisoned_view_change": _NO_CHANGE,
        "view_inflation": _NO_CHANGE,
    }

    def place(self, message: Message) -> Place | None:
        return Place(message.view, message.height) if isinstance(message, Order) else None

    def empty_votes(self, view: int, height: int, digest: bytes) -> tuple[Message, ...]:
        return (Order(view, height, digest),)

    def empty_proposal(self, view: int, height: int, digest: bytes) -> Message:
        return Order(view, height, digest)

    def questions(self, height: int, nonce: bytes) -> tuple[Message, ...]:
        return Recall(nonce), Ask(nonce, 1 + height)

    def request(self, to: NodeId, height: int, digest: bytes, nonce: bytes) -> Message:
        return Ask(nonce, height)

    def has_body(self, message: Message) -> bool:
        return isinstance(message, Ordered)


FORGE = SoloForge()
