"""Who the members are, epoch by epoch. Quorum, leader and key look-ups all take an epoch; there is no global n."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

import msgspec

from consortium.core.codec import encode, tagged_hash
from consortium.core.quorum import faults_max, quorum_size, weak_size

NodeId = str
Kind = Literal["validator", "observer", "client"]
Purpose = Literal["vote", "submit", "encrypt", "recover"]


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One participant. `role` is the organisation's (bureau, hospital, …). Keys by purpose, raw bytes."""

    name: NodeId
    role: str
    kind: Kind
    keys: dict[Purpose, bytes]


class Epoch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The members from `first_height` on, until a later epoch begins. Members in canonical order (by name).
    `tuning`: parameters that were changed by votes since the genesis, by name (see `genesis.tuned`)."""

    number: int
    first_height: int
    members: tuple[Member, ...]
    tuning: dict[str, int] = {}

    @cached_property
    def validators(self) -> tuple[NodeId, ...]:
        return tuple(member.name for member in self.members if member.kind == "validator")

    @cached_property
    def places(self) -> dict[NodeId, int]:
        """The validators, numbered by name."""
        return {name: place for place, name in enumerate(self.validators)}

    @cached_property
    def by_name(self) -> dict[NodeId, Member]:
        return {member.name: member for member in self.members}

    @property
    def n(self) -> int:
        return len(self.validators)

    @property
    def f(self) -> int:
        return faults_max(self.n)

    @cached_property
    def quorum(self) -> int:
        return quorum_size(self.n)

    @cached_property
    def weak(self) -> int:
        return weak_size(self.n)

    def leader(self, view: int) -> NodeId:
        return self.validators[view % self.n]

    def is_validator(self, name: NodeId) -> bool:
        member = self.by_name.get(name)
        return member is not None and member.kind == "validator"

    def key(self, name: NodeId, purpose: Purpose) -> bytes | None:
        member = self.by_name.get(name)
        return None if member is None else member.keys.get(purpose)

    @cached_property
    def digest(self) -> bytes:
        """Digest of members and parameters, for headers (`members` of the next height)."""
        tuning = (encode(self.tuning),) if self.tuning else ()
        return tagged_hash(b"consortium members", encode(self.number), encode(self.members), *tuning)


class Epochs:
    """All epochs known so far, oldest first; `at(height)` is sure up to the executed height plus the window.

    `reach`: heights up to this one are to be decided also when nothing waits, for a change of members waits for them.
    The ledger sets it; it never falls.
    """

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        assert epochs
        self._epochs: list[Epoch] = list(epochs)
        self.reach = 0

    def add(self, epoch: Epoch) -> None:
        newest = self._epochs[-1]
        if epoch.number <= newest.number:
            return
        assert epoch.number == newest.number + 1 and epoch.first_height > newest.first_height
        self._epochs.append(epoch)

    def at(self, height: int) -> Epoch:
        """The epoch whose members decide `height`."""
        newest = self._epochs[-1]
        if newest.first_height <= height:  # it mostly is
            return newest
        for epoch in reversed(self._epochs):
            if epoch.first_height <= height:
                return epoch
        return self._epochs[0]

    def number(self, number: int) -> Epoch | None:
        index = number - self._epochs[0].number
        return self._epochs[index] if 0 <= index < len(self._epochs) else None

    @property
    def newest(self) -> Epoch:
        return self._epochs[-1]

    @property
    def oldest(self) -> Epoch:
        return self._epochs[0]

    def speaking(self, name: NodeId, height: int) -> Epoch:
        """The epoch in which `name` speaks when `height` is the next to decide: that height's if it is a member then;
        else the next in which it will be, or the last in which it was; the height's if it never was."""
        current = self.at(height)
        if name in current.by_name:
            return current
        for epoch in (*self._epochs[current.number - self._epochs[0].number :], *reversed(self._epochs)):
            if name in epoch.by_name:
                return epoch
        return current

    def __iter__(self) -> Iterator[Epoch]:
        return iter(tuple(self._epochs))
