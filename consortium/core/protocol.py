"""What a consensus protocol is to the rest: one value `PROTOCOL` in its module, found by name.

Consensus orders batches and knows nothing of contracts. It hears `Started`, `Received` (its own message classes only),
`Expired` (timers whose name begins with the protocol's), `Available`, `Executed`, `Stable`; it answers with `Send`,
`Broadcast`, `Rebroadcast`, timers, `Persist`, `Decide`, `Behind`, `Note`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from consortium.core.genesis import Parameters
from consortium.core.machine import Machine, Now, Received
from consortium.core.membership import Epochs, NodeId
from consortium.core.message_forge import MessageForge
from consortium.core.messages import Certificate, Message
from consortium.core.verifier import Verifier
from consortium.core.votes import PLAIN, VoteKeeping


class Pool(Protocol):
    """The bundles that wait, as consensus sees them."""

    @property
    def waiting(self) -> int:
        """Transactions admitted, not executed and in no batch in flight."""
        ...

    @property
    def unexecuted(self) -> int:
        """Transactions admitted and not executed, in flight or not."""
        ...

    def oldest_us(self) -> int | None:
        """When the oldest bundle that waits or is in flight came here, monotonic; None: there is none. A bundle that
        no block would execute any more counts no longer, and is forgotten."""
        ...

    def take(self, now: Now) -> bytes | None:
        """The next batch, first come first served, within the genesis limits; None if nothing waits. What it took
        is in flight until `release`, or executed."""
        ...

    def judge(self, batch: bytes) -> str | None:
        """Why a batch is unfit by its bytes alone (encoding, limits, bundle signatures, repeats within); None = fit.
        Never raises."""
        ...

    def order(self, batch: bytes) -> None:
        """The bundles of this (fit) batch are in flight, proposed by another: do not propose them again."""
        ...

    def release(self) -> None:
        """Nothing is in flight any more (a view ended); batches that survive are `order`ed again."""
        ...

    def was_overtaken(self, now: Now, wait_us: int) -> bool:
        """Whether a bundle that waited `wait_us`, and was relayed twice, was overtaken by an executed one received
        ≥ wait_us/2 after the second relay: a leader that serves first come first served is not to blame for less."""
        ...


class ReplicaContext(NamedTuple):
    """What one replica is built from."""

    me: NodeId
    chain: bytes
    epochs: Epochs
    parameters: Parameters
    pool: Pool
    verifier: Verifier
    head_height: int  # executed before this boot
    stable_height: int  # sealed before this boot, 0 = genesis
    stable_seal: Certificate | None
    check_seal: Callable[[Certificate], int]  # the sealed height that a seal proves; raises Malformed
    is_recalled: bool = False  # a driver that made the world knows that this member never voted: it need not ask
    keeping: VoteKeeping = PLAIN  # how votes are kept


class Counting(Protocol):
    """What a machine may offer besides `step`, for drivers of many nodes: a short way for votes."""

    countable: tuple[type[Message], ...]

    def count(self, event: Received) -> bool:
        """An event whose message is `countable`. True: it was taken in, and `step` would have answered with no effect
        and left the machine in the same state. False: nothing happened; it must be stepped."""
        ...


class DecisionCheck(Protocol):
    """Judges a certificate of a protocol, for those who took no part in the decision."""

    def __call__(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None:
        """Raises Malformed unless the certificate proves that `digest` was decided at `height`."""
        ...


class Consensus(Machine, Protocol):
    """One replica."""

    @property
    def view(self) -> int:
        """The view entered."""
        ...

    @property
    def leader(self) -> NodeId:
        """Of that view."""
        ...


class ConsensusProtocol(NamedTuple):
    """The value `PROTOCOL` of a protocol's module. `hops`: one-way messages in a row from a bundle's submission to its
    execution, in the normal case."""

    name: str
    messages: tuple[type[Message], ...]
    forge: MessageForge  # its messages, for those who bend them
    build: Callable[[ReplicaContext], Consensus]
    check_decision: DecisionCheck
    hops: int = 4
