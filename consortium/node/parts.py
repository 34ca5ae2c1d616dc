"""The siblings that one node is composed of, and what the node asks of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from consortium.core.machine import Effect, Machine, Now, Receipted
from consortium.core.protocol import Consensus
from consortium.core.state_path import Path
from consortium.node.hand_ins import HandIns
from consortium.node.outbox import Outbox
from consortium.node.pool import BundlePool
from consortium.node.replies import Replies


class Sibling(Protocol):
    """A machine that may also hear some effects of its siblings (Decide, Submit)."""

    def step(self, now: Now, event: Any) -> Sequence[Effect]: ...


class LedgerSibling(Sibling, Protocol):
    """Executes what consensus decides."""

    @property
    def head_height(self) -> int:
        """The height of the last executed block; 0 at the genesis."""
        ...

    def state_path(self, key: bytes) -> Path:
        """Proof of the value, or absence, of a state row under the head's state root."""
        ...

    @property
    def told_above(self) -> int:
        """After a boot, the blocks above this height are told again."""
        ...

    @property
    def costs_ns(self) -> Mapping[str, int]:
        """CPU spent, in nanoseconds by name of the cost; 0 where no clock was handed in."""
        ...

    def receipted(self, height: int) -> Receipted | None:
        """The outcomes of a block executed before this boot, with `is_replay`; None where this node lacks it."""
        ...


class SealerSibling(Sibling, Protocol):
    """Collects the signatures under block headers."""

    @property
    def stable_height(self) -> int:
        """The highest height whose header a quorum has signed."""
        ...


class RoleMachine(Machine, Protocol):
    """What an organisation does."""

    wants_history: bool  # whether it must hear the newest outcomes again after a boot, and what older ones did

    @property
    def is_done(self) -> bool: ...


class VaultSibling(Sibling, Protocol):
    """Keeps private records, gives and gets them."""

    @property
    def is_done(self) -> bool:
        """Whether it waits for no record that somebody else could give."""
        ...

    def commitment(self, handle: str, record: bytes) -> bytes | None:
        """What it commits to with a record of its member's own; None where it cannot keep that."""
        ...


class NodeParts(NamedTuple):
    """The siblings of one node. The names of the fields are the siblings' names in durable records: keep them."""

    pool: BundlePool
    consensus: Consensus
    ledger: LedgerSibling
    sealer: SealerSibling
    catch_up: Sibling
    outbox: Outbox
    vault: VaultSibling
    role: RoleMachine
    hand_ins: HandIns
    replies: Replies
