"""One node: siblings that each do one thing, and a router between them. The node itself decides nothing.

Events are handled first in, first out: a step's effects leave in their order, and what a sibling says to another is
heard after the current step. A role cannot reach consensus, and consensus cannot reach a contract.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import (
    Available,
    Behind,
    BundleSigned,
    Decide,
    Effect,
    Executed,
    Expired,
    Guard,
    HandedIn,
    Jumped,
    Note,
    Now,
    Opened,
    Persist,
    Queried,
    Read,
    Receipted,
    Received,
    Skipped,
    Stable,
    Started,
    Submit,
    Submitted,
    Wished,
)
from consortium.core.messages import Message
from consortium.node.parts import NodeParts, Sibling


class _Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A durable record: whose it is, and its bytes."""

    sibling: str
    record: bytes


_RECORD: Decoder[_Record] = Decoder(_Record, 64_000_000)
_LOST = "votes lost"  # in the place of a sibling's name: the record is the voting key


def lost_votes_record(key: bytes) -> bytes:
    """For a driver whose log is missing or damaged: the first record of the new one. Consensus then only observes until
    nothing that `key` may have signed can bind it any more."""
    return encode(_Record(_LOST, key))


def is_wish(record: bytes) -> bool:
    """Whether a durable record is of what this member or an application wants on the ledger, and no vote: such a one
    may be kept when the log around it is damaged."""
    try:
        return _RECORD.decode(record).sibling in ("outbox", "hand_ins")
    except Malformed:
        return False


# who hears what one sibling says to the others
LISTENERS: Mapping[type, tuple[str, ...]] = {
    Decide: ("ledger", "pool"),
    Executed: ("consensus", "sealer", "catch_up", "replies"),
    Stable: ("consensus", "sealer", "catch_up", "ledger"),
    Receipted: ("outbox", "hand_ins", "replies", "vault", "role"),
    Jumped: ("pool", "outbox", "hand_ins", "vault", "role"),
    Skipped: ("role",),
    Submit: ("outbox",),
    Wished: ("outbox",),
    HandedIn: ("hand_ins",),
    Submitted: ("outbox", "pool"),
    Available: ("consensus",),
    Behind: ("catch_up",),
    Guard: ("vault",),
    Read: ("vault",),
    Queried: ("vault",),
    Opened: ("role",),
}


def _named(name: str, effect: Persist) -> bytes:
    """The record with its owner's name."""
    if effect.made is None:
        return encode(_Record(name, effect.record))
    if name not in effect.made:
        effect.made[name] = encode(_Record(name, effect.record))
    return effect.made[name]


class Node:
    """Routes between its parts. `owners` names the sibling that hears a type of message; `timer_owners` names the one
    that hears a timer, by the first word of the timer's name."""

    def __init__(self, parts: NodeParts, owners: Mapping[type[Message], str], timer_owners: Mapping[str, str]) -> None:
        self._parts = parts
        self._siblings: Mapping[str, Sibling] = parts._asdict()
        self._owners = dict(owners)
        self._timer_owners = dict(timer_owners)
        self._inbox: deque[tuple[str, Any]] = deque()

    def step(self, now: Now, event: Any) -> list[Effect]:
        out: list[Effect] = []
        if isinstance(event, Started):
            self._start(now, event, out)
        else:
            for name in self._hearers(event):
                self._inbox.append((name, event))
        self._settle(now, out)
        return out

    def _hearers(self, event: Any) -> tuple[str, ...]:
        if isinstance(event, Received):
            return (self._owners[type(event.message)],)
        if isinstance(event, Expired):
            return (self._timer_owners[event.timer[0]],)
        return ("outbox",) if isinstance(event, BundleSigned) else LISTENERS[type(event)]

    def _settle(self, now: Now, out: list[Effect]) -> None:
        while self._inbox:
            name, event = self._inbox.popleft()
            self._carry(name, self._siblings[name].step(now, event), out)

    def _carry(self, name: str, effects: Iterable[Effect], out: list[Effect]) -> None:
        for effect in effects:
            listeners = LISTENERS.get(type(effect))
            if listeners is not None:
                for listener in listeners:
                    self._inbox.append((listener, effect))
            elif isinstance(effect, Persist):
                out.append(Persist(_named(name, effect), effect.height))
            else:
                out.append(effect)

    def _history(self) -> Iterator[Receipted]:
        ledger = self._parts.ledger
        for height in range(ledger.told_above + 1, ledger.head_height + 1):
            past = ledger.receipted(height)
            if past is not None:
                yield past

    def _start(self, now: Now, event: Started, out: list[Effect]) -> None:
        """The ledger wakes first: what it says of blocks that are not told one by one is heard before all else. Then
        outbox and role hear the past, block by block. Then everybody starts."""
        records = self._sorted(event.records, out)
        self._wake("ledger", now, Started(records["ledger"]), out)
        self._wake("outbox", now, Started(records["outbox"]), out)
        self._settle(now, out)
        if self._parts.ledger.head_height and (self._parts.role.wants_history or records["outbox"]):
            self._tell_history(now, out)
        self._carry("outbox", self._parts.outbox.resume(), out)
        lost_key = records[_LOST][-1] if records[_LOST] else None
        for name in ("pool", "consensus", "sealer", "catch_up", "vault", "hand_ins"):
            self._wake(name, now, Started(records[name], lost_key), out)
        self._settle(now, out)
        self._wake("role", now, Started(records["role"]), out)
        self._settle(now, out)

    def _sorted(self, raws: Sequence[bytes], out: list[Effect]) -> Mapping[str, tuple[bytes, ...]]:
        """The durable records of each sibling, and those that say that votes were lost; a bad record is noted."""
        records: dict[str, list[bytes]] = {name: [] for name in (*self._siblings, _LOST)}
        for raw in raws:
            try:
                record = _RECORD.decode(raw)
                records[record.sibling].append(record.record)
            except (Malformed, KeyError):
                out.append(Note("rejected", {"why": "unreadable record", "sender": "own log"}))
        return {name: tuple(held) for name, held in records.items()}

    def _tell_history(self, now: Now, out: list[Effect]) -> None:
        """The past blocks go to the outbox, and to a role that wants them; what the role says of them comes last."""
        outbox, role = self._parts.outbox, self._parts.role
        held: list[Effect] = []
        for past in self._history():
            self._carry("outbox", outbox.step(now, past), out)
            if role.wants_history:
                self._carry("role", role.step(now, past), held)
        out.extend(held)

    def _wake(self, name: str, now: Now, event: Started, out: list[Effect]) -> None:
        self._carry(name, self._siblings[name].step(now, event), out)
