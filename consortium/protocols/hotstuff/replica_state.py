"""Where a HotStuff replica stands: view, chain, locks; and what it may do there. Shared by the parts of the replica."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Signed
from consortium.core.protocol import ReplicaContext
from consortium.protocols.common.replica_state import CommonState
from consortium.protocols.hotstuff.certificates import Quorum, leader_of, open_quorum
from consortium.protocols.hotstuff.in_flight import InFlight
from consortium.protocols.hotstuff.messages import root_digest
from consortium.protocols.hotstuff.proposals import Heard
from consortium.protocols.hotstuff.tree import ROOT_VIEW, Absent, Block, Tree


class Past(NamedTuple):
    """What our log says of an epoch: newest views of proposal, ballot and TIMEOUT, the lock, the newest QC, and the
    highest height of a block that we voted for."""

    proposed: int = ROOT_VIEW
    voted: int = ROOT_VIEW
    timed: int = ROOT_VIEW
    locked: int = ROOT_VIEW
    high: Quorum | None = None
    height: int = 0


class OwnViews:
    """What binds us: the newest views in which we said PROPOSAL, BALLOT, TIMEOUT (-1: none). `height`: the highest of a
    block that we voted for.

    `locked`: no vote for a block whose parent is of an older view. `abstained`: no vote in views up to this one, for
    our log may have lost one."""

    def __init__(self, past: Past) -> None:
        self.proposed = past.proposed
        self.voted = past.voted
        self.timed = past.timed
        self.locked = past.locked
        self.height = past.height
        self.abstained = ROOT_VIEW


class CurrentView:
    """The view that we are in, and what we have of it. `timeouts`: what brought us into it, where no QC did. `pending`
    is its proposal, `signed` the same as its leader signed it, and `proposed_us` when it came, monotonic (0: before
    the boot)."""

    def __init__(self, view: int, timeouts: Certificate | None = None) -> None:
        self.view = view
        self.timeouts = timeouts
        self.pending: Block | None = None
        self.signed: Signed | None = None
        self.proposed_us = 0


class ReplicaState(CommonState):
    """`high`: the newest QC (None: none yet in this epoch). `decisions`: digest and QC by height, above `decided`.
    `past`: what the log said at boot, by epoch. `heard`: proposals of the views near ours."""

    def __init__(self, context: ReplicaContext) -> None:
        super().__init__(context)
        self.flight = InFlight(context.pool)
        self.heard = Heard()
        self.past: dict[int, Past] = {}
        self.begin_epoch(self.epoch)

    def begin_epoch(self, epoch: Epoch) -> None:
        """Views restart at 0, over a root of their own."""
        self.take_epoch(epoch)
        past = self.past.get(epoch.number, Past())
        self.tree = Tree(root_digest(self.context.chain, epoch), epoch.first_height - 1)
        self.high = past.high
        self.own = OwnViews(past)
        self.current = CurrentView(self.high_view + 1)
        self.decisions: dict[int, tuple[bytes, Certificate]] = {}
        self.heard.clear()

    # --- questions ----------------------------------------------------------------------------------------------

    @property
    def view(self) -> int:
        return self.current.view

    @property
    def may_vote(self) -> bool:
        """Not before the recall after a boot, not before the epoch has begun, never as an observer."""
        return self.is_voter

    @property
    def is_open(self) -> bool:
        """Whether the view is not left yet."""
        return self.own.timed < self.view

    @property
    def high_view(self) -> int:
        return ROOT_VIEW if self.high is None else self.high.view

    @property
    def high_digest(self) -> bytes:
        return self.tree.root.digest if self.high is None else self.high.digest

    def leads(self, view: int) -> NodeId:
        return leader_of(self.epoch, view)

    @property
    def leader(self) -> NodeId:
        return self.leads(self.view)

    @property
    def floor(self) -> int:
        """Blocks below are forgotten: sealed, and a checkpoint later."""
        return self.stable - self.parameters.checkpoint_interval

    @property
    def top(self) -> int:
        """The highest height that blocks here reach which may come to be decided."""
        high, pending = self.tree.get(self.high_digest), self.current.pending
        return max(0 if high is None else high.height, 0 if pending is None else pending.height)

    def opened(self, certificate: Certificate) -> Quorum:
        """A QC of our epoch. Raises Malformed."""
        if self.high is not None and certificate == self.high.certificate:
            return self.high
        return open_quorum(certificate, self.epoch, self.verifier)

    # --- the pool ------------------------------------------------------------------------------------------------

    def refly(self) -> None:
        """Let wait again what is in flight on no branch that may be decided: that of our view's proposal, or else of
        the newest QC."""
        tip = self.current.pending or self.tree.get(self.high_digest)
        if not len(self.flight) or tip is None:
            return
        try:
            self.flight.follow(self.tree.above(tip, self.decided))
        except Absent:
            return  # fetched, or caught up with, and then tried again
