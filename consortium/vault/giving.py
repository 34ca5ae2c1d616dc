"""The giving half of a vault: who may be given a record now, and within which share."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.contract import StateReader
from consortium.core.machine import Received
from consortium.core.membership import NodeId
from consortium.core.vault import Catalogue, Entry
from consortium.vault.messages import AskRecord

SECOND_US = 1_000_000
EARLY_MAX = 16  # of one asker


class GivenShare(NamedTuple):
    """What one member may ask, and be given, in a second, and be given in a day: each record given is an entry in our
    audit of reads, for ever. What it asks beyond is not answered, and it asks again."""

    answers: int = 256
    bytes: int = 8_000_000
    reads_a_day: int = 100_000  # five times what the largest hospital bills in a day, whose lines are judged


class EarlyQuestions:
    """Questions of askers whose ledger reaches further than ours: they wait until ours does. Few, and each asker's
    newest: who is not answered asks again."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[NodeId, str], Received] = {}

    def add(self, event: Received, question: AskRecord) -> None:
        place = (event.sender, question.handle)
        of_asker = [waiting for waiting in self._waiting if waiting[0] == event.sender]
        if place not in self._waiting and len(of_asker) >= EARLY_MAX:
            del self._waiting[of_asker[0]]
        self._waiting[place] = event

    def take(self, height: int) -> list[tuple[Received, AskRecord]]:
        """Those that a ledger of this height can answer."""
        ready = [
            (place, event, event.message)
            for place, event in self._waiting.items()
            if isinstance(event.message, AskRecord) and event.message.height <= height
        ]
        for place, _, _ in ready:
            del self._waiting[place]
        return [(event, question) for _, event, question in ready]


class Giver:
    """Judges questions. `state` is that of the head."""

    def __init__(self, me: NodeId, catalogue: Catalogue, state: StateReader, share: GivenShare = GivenShare()) -> None:  # noqa: B008 - a value
        self._me = me
        self._catalogue = catalogue
        self._state = state
        self._share = share
        self._second = -1
        self._answers: dict[NodeId, int] = {}  # by asker, in this second
        self._bytes: dict[NodeId, int] = {}
        self._beyond: dict[NodeId, None] = {}  # who asked beyond its share in this second
        self._beyond_day: dict[NodeId, int] = {}  # on which day it asked beyond that day's share, lately

    def entry_for(self, asker: NodeId, question: AskRecord) -> Entry | str:
        """The ledger's entry where the asker may be given the record; else why not, for the trace."""
        if question.receiver != self._me:
            return "a question to somebody else"
        entry = self._catalogue.find(self._state, question.handle)
        if entry is None or not entry.may_have(asker):
            return "not entitled"
        if self._catalogue.is_erased(self._state, question.handle):
            return "erased"
        return entry

    def has_share(self, now_us: int, asker: NodeId) -> bool:
        """Whether this member may be answered once more in this second."""
        if now_us // SECOND_US != self._second:
            self._second, self._answers, self._bytes, self._beyond = now_us // SECOND_US, {}, {}, {}
        return self._answers.get(asker, 0) < self._share.answers and self._bytes.get(asker, 0) < self._share.bytes

    def has_share_of_day(self, reads: int) -> bool:
        """Whether a member that was given so many records today may be given one more."""
        return reads < self._share.reads_a_day

    def is_first_beyond_day(self, asker: NodeId, today: int) -> bool:
        """Whether it asks beyond the share of this day for the first time since a boot; told once, like the other."""
        is_first = self._beyond_day.get(asker) != today
        self._beyond_day[asker] = today
        return is_first

    def is_first_beyond(self, asker: NodeId) -> bool:
        """Whether this member asks beyond its share for the first time in this second. That is told once: a trace that
        grew with each question would be the asker's to fill."""
        is_first = asker not in self._beyond
        self._beyond[asker] = None
        return is_first

    def count(self, asker: NodeId, size: int) -> None:
        """An answer of `size` bytes was given."""
        self._answers[asker] = self._answers.get(asker, 0) + 1
        self._bytes[asker] = self._bytes.get(asker, 0) + size
