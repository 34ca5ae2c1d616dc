"""Where a member stands under the sequencer: which orders it holds, and how far it ordered itself."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Signed
from consortium.core.protocol import ReplicaContext
from consortium.protocols.common.replica_state import CommonState
from consortium.protocols.solo.messages import sequencer


class HeldOrder(NamedTuple):
    """An order that we hold. `signed` is None for one of our own until the host has signed it."""

    signed: Signed | None
    batch: bytes


NOTHING = HeldOrder(None, b"")


class SoloState(CommonState):
    """`orders`: by height, above what is sealed. `ordered`: the highest height that we ordered, as the sequencer.
    `last`: the highest order that we hold; `last_place`: its epoch and height."""

    def __init__(self, context: ReplicaContext) -> None:
        super().__init__(context)
        self.orders: dict[int, HeldOrder] = {}
        self.ordered = self.head
        self.last: Signed | None = None
        self.last_place = (-1, 0)

    @property
    def leader(self) -> NodeId:
        return sequencer(self.epoch)

    @property
    def is_sequencer(self) -> bool:
        return self.leader == self.me

    @property
    def may_order(self) -> bool:
        """As the sequencer, not before the recall after a boot, and not before the epoch has begun."""
        return self.is_sequencer and self.is_recalled and self.is_begun

    @property
    def floor(self) -> int:
        """Orders at or below are forgotten."""
        return min(self.stable, self.decided)

    def holds(self, height: int) -> bool:
        """Whether we hold the sequencer's order of this height, or have passed it on to the ledger."""
        return height <= self.decided or self.orders.get(height, NOTHING).signed is not None

    def note_last(self, signed: Signed, epoch: int, height: int) -> None:
        if (epoch, height) > self.last_place or self.last is None:
            self.last, self.last_place = signed, (epoch, height)

    def forget(self) -> None:
        """A seal came."""
        self.orders = {height: held for height, held in self.orders.items() if height > self.floor}

    def enter_epoch(self, epoch: Epoch) -> None:
        """Nothing of the old epoch is open."""
        self.take_epoch(epoch)
        self.orders.clear()
        self.ordered = self.head
