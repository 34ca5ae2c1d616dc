"""Events that a machine hears and effects that it answers with. A machine is pure: `step(now, event) -> [Effect]`.

Order is meaning: a host carries effects out in the order of the list and of the steps, and nothing is sent past a
`Persist` that is not yet durable. So `[Persist(vote), Broadcast(vote)]` is durable before it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from consortium.core.contract import Receipt
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.state_path import Buckets


class Now(NamedTuple):
    """Timers use the first; only proposing and judging chain time uses the second. Both in microseconds."""

    monotonic_us: int
    wall_us: int


# --- events ---------------------------------------------------------------------------------------------------------


class Started(NamedTuple):
    """The first event after every boot, with the records that were persisted before (empty on a fresh disk).

    `lost_key`: votes may be missing from the records, for their log was lost or damaged; the key with which this
    member voted then, as far as the ledger told. None: the log is there and sound."""

    records: tuple[bytes, ...]
    lost_key: bytes | None = None


class Received(NamedTuple):
    """A verified, decoded message. `epoch` is the one it was signed in. The attachment is not yet checked."""

    sender: NodeId
    message: Message
    signed: Signed
    epoch: int
    attachment: bytes


class Expired(NamedTuple):
    """A timer ran out. Its name begins with the sibling's: `("pbft", "progress")`."""

    timer: tuple[str, ...]


class Submitted(NamedTuple):
    """Bytes for the pool, from this node's role or gateway. `late_us`: how long ago each was due; none: 0."""

    bundles: tuple[bytes, ...]
    late_us: tuple[int, ...] = ()


class BundleSigned(NamedTuple):
    """From the host to the outbox: the bundle that a `Sign` asked for (canonical bytes)."""

    reference: str
    bundle: bytes


class HandedIn(NamedTuple):
    """Bundles that an application signed (canonical bytes): this node makes them durable, and says them until they are
    executed, or can be executed no more."""

    bundles: tuple[bytes, ...]


class Wished(NamedTuple):
    """What a person wants of this member: as `Submit` of a role, urgent. Of each call the arguments as bytes."""

    reference: str
    calls: tuple[tuple[str, str, bytes], ...]


class Available(NamedTuple):
    """The pool has (more) bundles waiting: consensus may propose."""


class Executed(NamedTuple):
    """The ledger executed `height`; `next_members` is the epoch of the next height."""

    height: int
    header_digest: bytes
    next_members: Epoch


class Stable(NamedTuple):
    """A quorum signed CHECKPOINTs over the header at `height`: nothing at or below it is needed any more."""

    height: int
    seal: Certificate


class Jumped(NamedTuple):
    """What was executed up to `height` will not be `Receipted` here: the ledger begins with a snapshot, or has booted
    with more blocks than it tells again.

    `used(member)`: the numbers in that member's window that were used, each with the first 16 bytes of the id of the
    transaction that used it; a number `NUMBER_WINDOW` or more below the highest of them can be used no more.
    `told(member)`: those whose receipts will be told all the same, in blocks above `height`."""

    height: int
    used: Callable[[NodeId], Mapping[int, bytes]]
    told: Callable[[NodeId], frozenset[int]] = lambda member: frozenset()


class Outcome(NamedTuple):
    """One executed transaction, as roles and replies see it."""

    member: NodeId
    number: int
    contract: str
    operation: str
    arguments: bytes
    receipt: Receipt


class Skipped(NamedTuple):
    """For the role, after a `Jumped`: `calls` of ours, each (contract, operation, arguments), were executed in blocks
    that are not told. Their receipts are not known, their effects are."""

    height: int
    calls: tuple[tuple[str, str, bytes], ...]


class Behind(NamedTuple):
    """From consensus to catch-up: heights up to this one were decided elsewhere, and we lack them."""

    height: int


class Receipted(NamedTuple):
    """For the role: the outcomes of one block. `is_replay`: executed before this boot; react, but it is history."""

    height: int
    time_us: int
    outcomes: tuple[Outcome, ...]
    is_replay: bool


Event = (
    Started
    | Received
    | Expired
    | Submitted
    | HandedIn
    | Wished
    | BundleSigned
    | Available
    | Executed
    | Stable
    | Receipted
    | Jumped
    | Skipped
    | Behind
)


# --- effects --------------------------------------------------------------------------------------------------------


class Send(NamedTuple):
    to: NodeId
    message: Message
    attachment: bytes = b""
    epoch: int | None = None  # of the statement; None = the host's current epoch


class Broadcast(NamedTuple):
    """To all others, and looped back to the sender by its host, in step order."""

    message: Message
    attachment: bytes = b""
    epoch: int | None = None


class Rebroadcast(NamedTuple):
    """A statement of this node that was signed before, sent again unchanged; not looped back. `to` None = to all."""

    signed: Signed
    attachment: bytes = b""
    to: NodeId | None = None


class SetTimer(NamedTuple):
    """Setting a name again replaces the older timer."""

    name: tuple[str, ...]
    delay_us: int


class CancelTimer(NamedTuple):
    name: tuple[str, ...]


class Persist(NamedTuple):
    """An opaque record of this sibling. `height` is that of the vote: records below the last seal are forgotten;
    None = kept for good. `made`: where many nodes of one process persist this very value, what was made of it once."""

    record: bytes
    height: int | None
    made: dict[str, bytes] | None = None


class Decide(NamedTuple):
    """The order of one height is final. `batch` None is a null request. Consecutive heights, in order."""

    height: int
    batch: bytes | None
    certificate: Certificate


class Submit(NamedTuple):
    """A role's wish: calls (contract, operation, arguments) to sign as one bundle. `reference` names it for good: it is
    submitted once, also across crashes. `is_urgent`: it waits for no other wish and is durable with this very step."""

    reference: str
    calls: tuple[tuple[str, str, Any], ...]
    is_urgent: bool = False


class Sign(NamedTuple):
    """Outbox to host: sign these transactions as a bundle; comes back as `BundleSigned`."""

    reference: str
    transactions: tuple[bytes, ...]


class Guard(NamedTuple):
    """From a role to the vault: keep this private record (canonical bytes) of ours, whose commitment a later `Submit`
    names. One that is held already stays as it is; one that was erased is not taken."""

    handle: str
    record: bytes

    def __repr__(self) -> str:
        return f"Guard({self.handle!r}, …)"


class Read(NamedTuple):
    """From a role to the vault: this private record, for a purpose that the audit of reads names (a code). The answer
    is `Opened`, at once or when a holder has given it."""

    handle: str
    purpose: str


class Queried(NamedTuple):
    """Of a gateway, to the vault: a reader is told the answer to a question, as soon as the audit of reads says so."""

    reader: str
    handle: str
    purpose: str


class Opened(NamedTuple):
    """From the vault to its role. `record`: canonical bytes that fit the ledger's commitment under `salt`; None where
    there is none to be had, for a `why`: `unknown`, `erased`, `not-entitled`; `differs` where every holder has given
    another; `lacking` where those that should hold it lack it; `lost` where nobody else should."""

    handle: str
    record: bytes | None
    salt: bytes = b""
    why: str = ""

    def __repr__(self) -> str:
        return f"Opened({self.handle!r}, …, {self.why!r})"


class Keep(NamedTuple):
    """A row of the private store: durable before anything that follows leaves. Never shown: not to a trace, not to a
    log."""

    name: str
    value: bytes

    def __repr__(self) -> str:
        return f"Keep({self.name!r}, {len(self.value)} bytes)"


class Drop(NamedTuple):
    """This row of the private store is destroyed, in every file of it, before anything that follows leaves."""

    name: str


class Apply(NamedTuple):
    """One database transaction: rows (table, key, value; None deletes) that make `height` durable."""

    height: int
    rows: tuple[tuple[str, bytes, bytes | None], ...]


class Note(NamedTuple):
    """For the trace. Fields are JSON values; no personal data."""

    kind: str
    fields: dict[str, Any]


class Utter(NamedTuple):
    """BEHAVIOURS ONLY: these bytes go to the bus as they are. `to` None = to all; nothing is looped back."""

    payload: bytes
    to: NodeId | None = None


class Mangled(NamedTuple):
    """BEHAVIOURS ONLY: carry `effect` out, but bend the bytes of every frame that leaves because of it."""

    effect: Send | Broadcast | Rebroadcast
    mangle: Callable[[bytes], bytes]


Effect = (
    Send
    | Broadcast
    | Rebroadcast
    | SetTimer
    | CancelTimer
    | Persist
    | Decide
    | Submit
    | Sign
    | Apply
    | Guard
    | Read
    | Queried
    | Opened
    | Keep
    | Drop
    | Note
    | Utter
    | Mangled
    | (
        Event  # a Node may route an event to a sibling
    )
)


class Machine(Protocol):
    def step(self, now: Now, event: Event) -> Sequence[Effect]: ...


# --- what a host tells its driver -----------------------------------------------------------------------------------


class Transmit(NamedTuple):
    """`to` None: publish on this node's broadcast topic. `payload` is one frame."""

    to: NodeId | None
    payload: bytes


class Store(NamedTuple):
    """Append to the durable log before any later Transmit leaves. `height` as in Persist."""

    record: bytes
    height: int | None


class Wake(NamedTuple):
    """Call `host.wake(token)` after the delay; a stale token is ignored by the host."""

    token: int
    delay_us: int


HandIn = HandedIn | Wished | Guard | Queried  # what comes through a node's door

Output = Transmit | Store | Keep | Drop | Apply | Wake | Note


class Rows(Protocol):
    """The ledger's read path: a dict in simulation, SQLite in a process. Keys are bytes, ordered as bytes."""

    def get(self, table: str, key: bytes) -> bytes | None: ...

    def range(self, table: str, low: bytes, high: bytes, limit: int = 0) -> Sequence[tuple[bytes, bytes]]:
        """low ≤ key < high, in order; the first `limit` of them, 0: all."""
        ...

    def each(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every row of a table, one at a time, in no order: for a table too long to be held."""
        ...

    def make_buckets(self) -> Buckets | None:
        """An empty place for the buckets of a tree of the state, in place of one made before; None: in memory."""
        ...

    def stage(self, rows: Sequence[tuple[str, bytes, bytes | None]]) -> None:
        """Show these rows to every later read at once; they become durable with the `Apply` that carries them."""
        ...
