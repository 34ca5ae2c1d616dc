"""One node: siblings that each do one thing, and a router between them. The node itself decides nothing.

Events are handled first in, first out: a step's effects leave in their order, and what a sibling says to another is
heard after the current step. A role cannot reach consensus, and consensus cannot reach a contract.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

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
    Jumped,
    Machine,
    Note,
    Now,
    Persist,
    Receipted,
    Received,
    Skipped,
    Stable,
    Started,
    Submit,
    Submitted,
)
from consortium.core.messages import Message
from consortium.node.outbox import Outbox


class Sibling(Protocol):
    """A machine that may also hear some effects of its siblings (Decide, Submit)."""

    def step(self, now: Now, event: Any) -> Sequence[Effect]: ...


class LedgerSibling(Sibling, Protocol):
    @property
    def head_height(self) -> int: ...

    @property
    def told_above(self) -> int:
        """Where the blocks begin that are told again after a boot."""
        ...

    def receipted(self, height: int) -> Receipted | None:
        """The outcomes of a block executed before this boot, with `is_replay`; None where this node lacks it."""
        ...


class RoleMachine(Machine, Protocol):
    """What an organisation does."""

    wants_history: bool  # whether it must hear the newest outcomes again after a boot, and what older ones did

    @property
    def is_done(self) -> bool: ...


class _Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A durable record: whose it is, and its bytes."""

    sibling: str
    record: bytes


_RECORD: Decoder[_Record] = Decoder(_Record, 64_000_000)
_LOST = "votes lost"  # in the place of a sibling's name: the record is the voting key


def lost_votes_record(key: bytes) -> bytes:
    """For a driver whose log was damaged: the first record of the new one. Consensus then only observes until this
    member has another voting key than `key`."""
    return encode(_Record(_LOST, key))


def is_wish(record: bytes) -> bool:
    """Whether a durable record is of what this member wants on the ledger, and no vote: such a one may be kept when
    the log around it is damaged."""
    try:
        return _RECORD.decode(record).sibling == "outbox"
    except Malformed:
        return False


# who hears what one sibling says to the others
LISTENERS: Mapping[type, tuple[str, ...]] = {
    Decide: ("ledger", "pool"),
    Executed: ("consensus", "sealer", "catch_up"),
    Stable: ("consensus", "sealer", "catch_up", "ledger"),
    Receipted: ("outbox", "role"),
    Jumped: ("pool", "outbox", "role"),
    Skipped: ("role",),
    Submit: ("outbox",),
    Submitted: ("outbox", "pool"),
    Available: ("consensus",),
    Behind: ("catch_up",),
}


def _named(name: str, effect: Persist) -> bytes:
    """The record with its owner's name."""
    if effect.made is None:
        return encode(_Record(name, effect.record))
    if name not in effect.made:
        effect.made[name] = encode(_Record(name, effect.record))
    return effect.made[name]


class Node:
    """`siblings` by name: pool, consensus, ledger, sealer, catch_up, outbox, role. `owners`: whose a message is."""

    def __init__(
        self,
        siblings: Mapping[str, Sibling],
        ledger: LedgerSibling,
        outbox: Outbox,
        role: RoleMachine,
        owners: Mapping[type[Message], str],
        timer_owners: Mapping[str, str],
    ) -> None:
        self.siblings = dict(siblings)
        self.ledger = ledger
        self.outbox = outbox
        self.role = role
        self._owners = dict(owners)
        self._timer_owners = dict(timer_owners)
        self._inbox: deque[tuple[str, Any]] = deque()

    @property
    def is_done(self) -> bool:
        return self.role.is_done and self.outbox.pending == 0

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
            self._carry(name, self.siblings[name].step(now, event), out)

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
        for height in range(self.ledger.told_above + 1, self.ledger.head_height + 1):
            past = self.ledger.receipted(height)
            if past is not None:
                yield past

    def _start(self, now: Now, event: Started, out: list[Effect]) -> None:
        """The ledger wakes first, then the past is told to outbox and role (first what of it is not told block by
        block), then everybody starts."""
        records: dict[str, list[bytes]] = {name: [] for name in (*self.siblings, _LOST)}
        for raw in event.records:
            try:
                record = _RECORD.decode(raw)
                records[record.sibling].append(record.record)
            except (Malformed, KeyError):
                out.append(Note("rejected", {"why": "unreadable record", "sender": "own log"}))
        self._carry("ledger", self.siblings["ledger"].step(now, Started(tuple(records["ledger"]))), out)
        self._carry("outbox", self.outbox.step(now, Started(tuple(records["outbox"]))), out)
        self._settle(now, out)
        if self.ledger.head_height and (self.role.wants_history or records["outbox"]):
            held: list[Effect] = []
            for past in self._history():
                self._carry("outbox", self.outbox.step(now, past), out)
                if self.role.wants_history:
                    self._carry("role", self.role.step(now, past), held)
            out.extend(held)
        self._carry("outbox", self.outbox.resume(), out)
        lost_key = b"".join(records[_LOST][-1:])
        for name in ("pool", "consensus", "sealer", "catch_up"):
            self._carry(name, self.siblings[name].step(now, Started(tuple(records[name]), lost_key)), out)
        self._settle(now, out)
        self._carry("role", self.role.step(now, Started(tuple(records["role"]))), out)
        self._settle(now, out)
