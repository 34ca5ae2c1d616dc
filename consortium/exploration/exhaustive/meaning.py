"""What a value means: two that mean the same lead to the same behaviour of whoever holds them.

Every attribute of every object counts, whoever adds it, but for what is named here with its reason. Of a certificate
it says what it is for, not who signed; of votes that were acted on, only those of members that may ask for them.
"""

from __future__ import annotations

import marshal
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

import msgspec

from consortium.core.codec import Malformed
from consortium.core.genesis import Parameters
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed, Vote
from consortium.core.votes import PLAIN, Votes
from consortium.exploration.exhaustive.world import World
from consortium.protocols.common.holders import Holders
from consortium.protocols.common.latest_votes import LatestVotes
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.recall import Recaller
from consortium.protocols.common.retransmit_timer import RetransmitTimer
from consortium.protocols.pbft.certificates import Change
from consortium.protocols.pbft.messages import Claim, NewView
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.restore import Restorer
from consortium.protocols.pbft.retransmit import Retransmission
from consortium.protocols.pbft.slot import Log, Slot
from consortium.protocols.pbft.suspicion import Suspicions
from consortium.protocols.pbft.view_change import ViewChanges

LEFT_OUT_TYPES = (
    FunctionType,  # code
    MethodType,
    BuiltinMethodType,
    Holders,  # whom a batch was asked of: it comes at once
    RateLimit,  # nothing is asked twice in a search
    RetransmitTimer,  # what is said again was there to be heard before
    Retransmission,
    Parameters,
    LeaderTimer,  # whether it is set, the host knows
    Restorer,  # of use at a boot alone
    Suspicions,  # a member may leave at any moment
)
LEFT_OUT_FIELDS = frozenset(
    {
        "attempts",  # how long T is: a member may leave at any moment
        "context",  # what the replica was built from
        "evidence",  # an accusation changes no vote
        "holders",  # whom to ask for a batch
        "signatures",  # who signed a certificate that holds
        "signature",
        "version",  # a count of changes
        "world",
        "_keeping",
        "_places",  # of validators
        "_others",  # which handler hears what
        "_eased_at",  # how long T is
        "suspected",  # it leaves when enough others suspect, whether it suspected before or does now
    }
)
TIME = "_us"  # ends the name of a time
COUNT_OF_NONCES = ("_nonces", int)


class Meaning:
    """Values as nested tuples, under one renaming of the members."""

    def __init__(self, world: World, askers: Iterable[NodeId], renaming: Mapping[NodeId, NodeId]) -> None:
        self._world = world
        self._askers = frozenset(askers)
        self._renaming = dict(renaming)
        self._bodies: dict[bytes, Any] = {}  # of statements
        self._nonces: dict[bytes, tuple[NodeId, int]] = {}
        self._view = 0  # of the replica that is walked through
        self._objects: dict[int, int] = {}
        self._kept: dict[tuple[str, ...], list[str]] = {}
        self._special: dict[type, Callable[[Any], Any]] = {
            Signed: lambda signed: ("Signed", self.name(signed.sender), self.body(signed.body)),
            Epoch: lambda epoch: ("Epoch", epoch.number),
            Certificate: lambda certificate: ("Certificate", self.body(certificate.body)),
            Claim: lambda claim: ("Claim", *self._choice(claim.votes.body)),
            NewView: lambda message: ("NewView", message.view, self._walk(message.orders)),
            LatestVotes: self._latest,
            ReplicaState: self._state,
            Recaller: self._recaller,
            Log: self._log,
            Slot: self._slot,
            ViewChanges: self._view_changes,
            Votes: lambda votes: self._votes(votes, True),
        }

    def name_nonce(self, nonce: bytes, member: NodeId, count: int) -> None:
        """A nonce means whose it is, and which of that member's."""
        self._nonces.setdefault(nonce, (self.name(member), count))

    def digest(self, *values: Any) -> bytes:
        """16 bytes: the same for values that mean the same."""
        self._objects.clear()
        return blake2b(marshal.dumps(self._walk(values), 2), digest_size=16).digest()

    def body(self, body: bytes) -> Any:
        """Of the bytes of a statement."""
        found = self._bodies.get(body)
        if found is None:
            try:
                found = self._walk(self._world.codec.decode(body, 0))
            except Malformed:
                found = body
            self._bodies[body] = found
        return found

    # --- inside -----------------------------------------------------------------------------------------------------

    def name(self, text: str) -> str:
        return self._renaming.get(text, text)

    def _walk(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return self._renaming.get(value, value)
        if kind is bytes:
            return self._nonces.get(value, value)
        if value is None or kind is int or kind is bool:
            return value
        special = self._special.get(kind)
        if special is None:
            special = self._special[kind] = self._way(kind)
        return special(value)

    def _way(self, kind: type) -> Callable[[Any], Any]:
        """How values of a type are taken apart."""
        if kind in (tuple, list, deque):
            return lambda value: tuple([self._walk(each) for each in value])
        if issubclass(kind, dict):
            return lambda value: (
                "dict",
                *_sorted([(self._walk(key), self._walk(each)) for key, each in value.items()]),
            )
        if issubclass(kind, set | frozenset):
            return lambda value: ("set", *_sorted([self._walk(each) for each in value]))
        if issubclass(kind, LEFT_OUT_TYPES):
            return lambda value: ()
        if issubclass(kind, type):
            return lambda value: value.__name__
        if issubclass(kind, tuple):
            return self._by_fields(kind.__name__, kind._fields)  # type: ignore[attr-defined]
        if issubclass(kind, msgspec.Struct):
            return self._by_fields(kind.__name__, kind.__struct_fields__)
        return self._object

    def _by_fields(self, name: str, fields: Iterable[str]) -> Callable[[Any], Any]:
        kept = [field for field in fields if _is_kept(field)]
        return lambda value: (name, *[(field, self._walk(getattr(value, field))) for field in kept])

    def _object(self, value: Any) -> Any:
        """An object by its attributes; one that is met again, by the order of meeting."""
        if self._world.is_shared(value):
            return ()
        known = self._objects.get(id(value))
        if known is not None:
            return ("again", known)
        self._objects[id(value)] = len(self._objects)
        return (type(value).__name__, *self._fields(_attributes(value)))

    def _fields(self, attributes: Mapping[str, Any]) -> list[Any]:
        names = tuple(attributes)
        kept = self._kept.get(names)
        if kept is None:
            kept = self._kept[names] = sorted(filter(_is_kept, names))
        return [
            (name, self._walk(attributes[name])) for name in kept if (name, type(attributes[name])) != COUNT_OF_NONCES
        ]

    def _state(self, state: ReplicaState) -> Any:
        self._view = state.view
        return self._object(state)

    def _log(self, log: Log) -> Any:
        """A slot that holds nothing is none."""
        slots = [(slot, Slot(slot.height, {}, PLAIN)) for slot in log.above(0)]
        found = [(self._slot(slot), self._slot(empty)) for slot, empty in slots]
        return ("Log", *[each for each, empty in found if each != empty])

    def _slot(self, slot: Slot) -> Any:
        """PREPAREs that made a certificate here, and COMMITs that made a decision, were acted on; what was ordered and
        prepared in views that are over is of no use."""
        attributes = _attributes(slot)
        attributes["later"] = {name: held for name, held in slot.later.items() if held[0] >= self._view}
        prepares, commits = attributes.pop("prepares"), attributes.pop("commits")
        open_views = max(slot.prepared_view + 1, self._view)
        votes = (self._votes(prepares, False, open_views), self._votes(commits, slot.certificate is None))
        return ("Slot", *self._fields(attributes), votes)

    def _votes(self, votes: Votes, is_open: bool, open_views: int | None = None) -> Any:
        found = []
        for view, digest in votes.counts():
            is_kept = is_open if open_views is None else view >= open_views
            names = [name for name in votes.voters(view, digest) if is_kept or name in self._askers]
            found.append((view, digest, tuple(sorted(self.name(name) for name in names))))
        return tuple(_sorted(each for each in found if each[2]))

    def _view_changes(self, held: ViewChanges) -> Any:
        """A VIEW-CHANGE is read by the leader of its view until that said NEW-VIEW. Others count it until they have
        left for its view; how long they wait for the NEW-VIEW is left out."""
        known = self._objects.get(id(held))
        if known is not None:
            return ("again", known)
        self._objects[id(held)] = len(self._objects)
        attributes = dict(vars(held))
        changes: Mapping[NodeId, Change] = attributes.pop("_changes")
        state: ReplicaState = attributes.pop("_state")
        del attributes["_timed_view"]
        scope = self._world.scope
        said = -1 if held.said is None else held.said.view
        found = []
        for change in changes.values():
            is_read = scope.leader(change.view) == state.me and said < change.view
            if is_read or change.sender == state.me:
                found.append((self.name(change.sender), self._walk(change.signed)))
            elif change.view > state.wanted:
                found.append((self.name(change.sender), change.view))
        return ("ViewChanges", *self._fields(attributes), *_sorted(found))

    def _recaller(self, recaller: Recaller) -> Any:
        """Who answered matters until the last answer that was needed."""
        attributes = dict(vars(recaller))
        state: ReplicaState = attributes.pop("_state")
        for name in ("_answers", "_nonces", "_lost", "_own") if state.is_recalled else ():
            del attributes[name]
        return ("Recaller", *self._fields(attributes))

    def _latest(self, latest: LatestVotes) -> Any:
        return tuple((self.name(name), self._walk(latest.of(name))) for name in sorted(self._askers, key=self.name))

    def _choice(self, body: bytes) -> tuple[Any, ...]:
        message: Message = self._world.codec.decode(body, 0)
        assert isinstance(message, Vote)
        return message.view, message.height, message.digest


def _is_kept(name: str) -> bool:
    return name not in LEFT_OUT_FIELDS and not name.endswith(TIME)


def _attributes(value: Any) -> dict[str, Any]:
    if hasattr(value, "__dict__"):
        found: dict[str, Any] = vars(value)
        return found
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: getattr(value, name) for name in slots if hasattr(value, name)}


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=lambda each: marshal.dumps(each, 2))
