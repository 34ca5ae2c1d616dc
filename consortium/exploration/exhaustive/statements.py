"""All that was ever said in a search, numbered: what is said once may arrive at any later time, often or never."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from consortium.core.machine import Received
from consortium.core.membership import NodeId
from consortium.core.messages import Message, Signed, Vote
from consortium.exploration.exhaustive.meaning import Meaning
from consortium.exploration.exhaustive.world import World
from consortium.protocols.pbft.messages import (
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    ViewChange,
)

FOLLOWED = (PrePrepare, Prepare, Commit, ViewChange, NewView, Recall, Recalled)
Topic = tuple[str, int | str]


class Statement(NamedTuple):
    """`to` None: to all. `topic`: what it is counted together with. `digest`: what it means, under each renaming."""

    number: int
    sender: NodeId
    to: NodeId | None
    event: Received
    topic: Topic
    digests: tuple[bytes, ...]

    @property
    def message(self) -> Message:
        return self.event.message


class Statements:
    """`audience[name]`: the numbers, as bits, of those that may arrive at a member; `answers`: of those to RECALLs."""

    def __init__(self, world: World, meanings: tuple[Meaning, ...]) -> None:
        self._world = world
        self._meanings = meanings
        self.all: list[Statement] = []
        self.answers = 0
        self._numbers: dict[bytes, int] = {}
        self.audience = dict.fromkeys(world.scope.names, 0)

    def add(self, to: NodeId | None, message: Message, signed: Signed) -> int | None:
        """Its number; -1 where it is none of those that are followed, None where it lies beyond the scope. A second
        statement that means the same is the first."""
        if not isinstance(message, FOLLOWED) or (isinstance(message, Recall) and to is not None):
            return -1
        scope = self._world.scope
        if getattr(message, "view", 0) >= scope.views or getattr(message, "height", 1) > scope.heights:
            return None
        if isinstance(message, Recall):
            count = sum(isinstance(each.message, Recall) and each.sender == signed.sender for each in self.all)
            for meaning in self._meanings:
                meaning.name_nonce(message.nonce, signed.sender, count)
        digests = tuple(meaning.digest(to, signed) for meaning in self._meanings)
        number = self._numbers.get(digests[0])
        return self._add(to, message, signed, digests) if number is None else number

    def _add(self, to: NodeId | None, message: Message, signed: Signed, digests: tuple[bytes, ...]) -> int:
        number = self._numbers[digests[0]] = len(self.all)
        body = self._world.batches.get(message.digest, b"") if isinstance(message, PrePrepare) else b""
        event = self._world.received(signed, body)
        self.all.append(Statement(number, signed.sender, to, event, _topic(message), digests))
        self.answers |= isinstance(message, Recalled) << number
        for name in self.audience if to is None else (to,):
            if name != signed.sender:
                self.audience[name] |= 1 << number
        return number

    def of(self, bits: int) -> Iterator[Statement]:
        """By number."""
        return (self.all[number] for number in places(bits))

    def words(self, number: int) -> str:
        """For a person."""
        each = self.all[number]
        message = each.message
        kind = _KIND_WORDS.get(type(message), type(message).__name__)
        return f"{kind}{self._details(message)} of {each.sender}"

    def _details(self, message: Message) -> str:
        letter: Callable[[bytes], str] = self._world.letter
        if isinstance(message, Vote):
            return f" {letter(message.digest)} (view {message.view}, height {message.height})"
        if isinstance(message, ViewChange):
            claims = [self._world.codec.decode(claim.votes.body, 0) for claim in message.claims]
            told = ", ".join(letter(claim.digest) for claim in claims if isinstance(claim, Vote))
            return f" to view {message.view} ({f'prepared {told}' if told else 'nothing prepared'})"
        if isinstance(message, NewView):
            orders = ", ".join(letter(digest) for _, digest in message.orders)
            return f" {message.view} ({f'orders {orders}' if orders else 'orders nothing'})"
        if isinstance(message, Recalled):
            return f" ({len(message.votes)} votes of {message.receiver})"
        return ""


_KIND_WORDS = {
    PrePrepare: "PRE-PREPARE",
    Prepare: "PREPARE",
    Commit: "COMMIT",
    ViewChange: "VIEW-CHANGE",
    NewView: "NEW-VIEW",
    Recall: "RECALL",
    Recalled: "RECALLED",
}


def _topic(message: Message) -> Topic:
    if isinstance(message, Recalled):
        return ("Recalled", message.receiver)
    return (type(message).__name__, getattr(message, "view", 0))


def places(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set, ascending."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
