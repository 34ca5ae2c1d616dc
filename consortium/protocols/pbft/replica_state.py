"""Where a PBFT replica stands: view, window, log; and what it may do there. Shared by the parts of the replica."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Signed
from consortium.core.protocol import ReplicaContext
from consortium.protocols.common.replica_state import CommonState
from consortium.protocols.pbft.certificates import Order
from consortium.protocols.pbft.slot import Log, Slot


class Opening(NamedTuple):
    """What the NEW-VIEW of our view orders, by height; at or below `last_height` a PRE-PREPARE must stand in `orders`.
    `signed`: the NEW-VIEW itself, for those who missed it; view 0 has none."""

    signed: Signed | None = None
    orders: dict[int, Order] = {}  # noqa: RUF012 - nobody adds to it
    last_height: int = 0


class ReplicaState(CommonState):
    """`view` is the view entered; `wanted` > `view` while it is left and the next one is not entered. `suspected`: the
    highest view whose leader we said that we suspect, -1 for none; whoever left a view has suspected its leader."""

    def __init__(self, context: ReplicaContext) -> None:
        super().__init__(context)
        self.view = 0
        self.wanted = 0
        self.suspected = -1
        self.opening = Opening()
        self.next_height = self.head + 1  # the lowest at which we as a leader have proposed nothing in this view
        self.log = Log(self.epoch.places, context.keeping)
        self.forgotten = 0  # at or below this height, sealed once, our log need not hold our votes

    # --- questions ----------------------------------------------------------------------------------------------

    @property
    def is_changing(self) -> bool:
        return self.wanted > self.view

    @property
    def may_vote(self) -> bool:
        """Not after VIEW-CHANGE until NEW-VIEW, not before the recall after a boot, not before the epoch has begun,
        never as an observer."""
        return self.is_voter and self.wanted == self.view

    @property
    def leader(self) -> NodeId:
        return self.epoch.leader(self.view)

    @property
    def is_leader(self) -> bool:
        return self.leader == self.me

    def slot(self, height: int) -> Slot | None:
        """The slot of a height that we may keep something for; at most span + window of them exist."""
        low = self.floor
        if not low < height <= self.stable + self.span:
            return None
        return self.log.open(height)

    @property
    def floor(self) -> int:
        """Everything at or below is forgotten: sealed, and executed here or too far behind for consensus."""
        if self.head >= self.stable or self.stable - self.head > self.parameters.window:
            return self.stable
        return self.head

    # --- changes ------------------------------------------------------------------------------------------------

    def enter_epoch(self, epoch: Epoch) -> None:
        """Views start at 0, and nothing of the old epoch is open."""
        self.take_epoch(epoch)
        self.view = self.wanted = 0
        self.suspected = -1
        self.opening = Opening()
        self.decided = self.head
        self.next_height = self.head + 1
        self.log.clear(epoch.places)
