"""Who the members are, epoch by epoch. Quorum, leader and key look-ups all take an epoch; there is no global n."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The members from `first_height` on, until a later epoch begins. Members in canonical order (by name)."""

    number: int
    first_height: int
    members: tuple[Member, ...]

    @cached_property
    def validators(self) -> tuple[NodeId, ...]:
        return tuple(member.name for member in self.members if member.kind == "validator")

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
        """Digest of the membership, for headers (`members` of the next height)."""
        return tagged_hash(b"consortium members", encode(self.number), encode(self.members))


class Epochs:
    """All epochs known so far, oldest first."""

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        assert epochs
        self._epochs: list[Epoch] = list(epochs)

    def add(self, epoch: Epoch) -> None:
        newest = self._epochs[-1]
        if epoch.number <= newest.number:
            return
        assert epoch.number == newest.number + 1 and epoch.first_height > newest.first_height
        self._epochs.append(epoch)

    def at(self, height: int) -> Epoch:
        """The epoch whose members decide `height`."""
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

    def __iter__(self) -> object:
        return iter(tuple(self._epochs))
