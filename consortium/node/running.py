"""One node as drivers see it: a host to drive, and the figures that a run is watched by.

`RunningNode` wraps the host and the siblings inside it. It adds no rule: what it is given goes to the host unchanged,
and what it tells is read from the siblings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consortium.core.machine import HandIn, Now, Output, Received
from consortium.core.membership import Epoch, Epochs, NodeId
from consortium.core.messages import Frame, Message
from consortium.core.protocol import Counting
from consortium.node.host import Host
from consortium.node.parts import NodeParts
from consortium.node.run_start import RunStart


class RunningNode:
    """`host` holds the node of these `parts`, perhaps inside behaviours, which count time from `start`."""

    def __init__(self, host: Host, parts: NodeParts, epochs: Epochs, start: RunStart) -> None:
        self.me = host.me
        self.host = host
        self.parts = parts
        self._epochs = epochs
        self._start = start

    # --- what a driver calls ------------------------------------------------------------------------------------

    def begin_run(self, monotonic_us: int) -> None:
        """To be called before `boot`: when the run began on this node's monotonic clock. Behaviours count from it."""
        self._start.monotonic_us = monotonic_us

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]:
        """See `Host.boot`."""
        return self.host.boot(now, records)

    def arrival(self, now: Now, publisher: NodeId, payload: bytes) -> list[Output]:
        """See `Host.arrival`."""
        return self.host.arrival(now, publisher, payload)

    def receive(self, now: Now, publisher: NodeId, frame: Frame, digest: bytes) -> list[Output]:
        """See `Host.receive`."""
        return self.host.receive(now, publisher, frame, digest)

    def hear(self, now: Now, event: Received, digest: bytes | None) -> list[Output]:
        """See `Host.hear`."""
        return self.host.hear(now, event, digest)

    def wake(self, now: Now, token: int) -> list[Output]:
        """See `Host.wake`."""
        return self.host.wake(now, token)

    def submit(self, now: Now, bundles: tuple[bytes, ...]) -> list[Output]:
        """See `Host.submit`."""
        return self.host.submit(now, bundles)

    def hand_in(self, now: Now, event: HandIn) -> list[Output]:
        """See `Host.hand_in`."""
        return self.host.hand_in(now, event)

    def look(self, bundle: bytes, more: int = 0) -> str:
        """See `BundlePool.look`."""
        return self.parts.pool.look(bundle, more)

    def replies(self, height: int) -> Mapping[NodeId, bytes]:
        """See `Replies.matching`."""
        return self.parts.replies.matching(height)

    def commitment(self, handle: str, record: bytes) -> bytes | None:
        """See `Vault.commitment`."""
        return self.parts.vault.commitment(handle, record)

    # --- for a driver that shares work between hosts -------------------------------------------------------------

    @property
    def counters(self) -> Mapping[type[Message], Counting]:
        """The siblings that may count a vote of a type without a step; empty where behaviours must hear it first."""
        return self.host.counters

    def verify_once(self, frame: Frame) -> Received | None:
        """See `Host.verify_once`."""
        return self.host.verify_once(frame)

    def remember(self, monotonic_us: int, digest: bytes) -> None:
        """See `Host.remember`."""
        self.host.remember(monotonic_us, digest)

    # --- what a run is watched by -------------------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Whether its role has done its work, nothing of it waits to be executed, and no record is waited for."""
        return self.parts.role.is_done and self.parts.outbox.pending == 0 and self.parts.vault.is_done

    @property
    def is_member(self) -> bool:
        """Whether it keeps the ledger at the next height, or will in the newest epoch. A removed member listens."""
        return any(self.me in epoch.by_name for epoch in (self._next_epoch, self._epochs.newest))

    @property
    def head_height(self) -> int:
        """The height of its last executed block; 0 at the genesis."""
        return self.parts.ledger.head_height

    @property
    def stable_height(self) -> int:
        """The highest height under a seal here."""
        return self.parts.sealer.stable_height

    @property
    def epoch(self) -> int:
        """The number of the epoch that the next height belongs to."""
        return self._next_epoch.number

    @property
    def view(self) -> int:
        """The view that consensus has entered."""
        return self.parts.consensus.view

    @property
    def leader(self) -> NodeId:
        """The leader of that view."""
        return self.parts.consensus.leader

    @property
    def queues(self) -> Mapping[str, int]:
        """Transactions that wait here: in the pool (waiting or in flight), and in the outbox (own, not executed)."""
        return {"pool": self.parts.pool.unexecuted, "outbox": self.parts.outbox.pending}

    @property
    def costs_ns(self) -> Mapping[str, int]:
        """CPU that the ledger spent, in nanoseconds by name of the cost; 0 where no clock was handed in."""
        return self.parts.ledger.costs_ns

    def validator_places(self, epoch: int) -> Mapping[NodeId, int]:
        """The validators of an epoch with their places; empty for an epoch that this node does not know."""
        known = self._epochs.number(epoch)
        return {} if known is None else known.places

    @property
    def _next_epoch(self) -> Epoch:
        return self._epochs.at(self.head_height + 1)
