"""One honest member of a search: the real host over the real replica, its durable log, and what it said so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from consortium.core.machine import (
    Apply,
    Available,
    Broadcast,
    CancelTimer,
    Decide,
    Effect,
    Executed,
    Note,
    Now,
    Output,
    Persist,
    Rebroadcast,
    Received,
    Send,
    SetTimer,
    Started,
    Store,
    Submitted,
    Transmit,
    Wake,
)
from consortium.core.membership import NodeId
from consortium.core.messages import Message, Signed, decode_frame
from consortium.core.protocol import Consensus, ReplicaContext
from consortium.core.transaction import NULL_DIGEST, batch_digest, decode_batch, encode_batch
from consortium.exploration.exhaustive.world import CHAIN, PARAMETERS, WALL_US, World, no_seal
from consortium.node.host import Host
from consortium.protocols.pbft import PROTOCOL
from consortium.protocols.pbft.messages import Body, FetchBody, PrePrepare, Recall, Suspect
from consortium.protocols.pbft.replica_state import ReplicaState

AGE_US = 1_000_000_000  # between two times of one clock: longer than any timer
LIFE_US = 1_000_000_000_000
OBSERVING = {"observing": True, "votes_again": False}  # notes, and what they say of the member
UNSEEN_NOTES = ("rejected", "booted")
CARRIED = (Broadcast, Send, Rebroadcast, Persist, Note, SetTimer, CancelTimer)  # not catch-up, not evidence


class Work:
    """The pool: one bundle for each height of the scope, known to everybody from the start."""

    def __init__(self, bundles: Sequence[bytes]) -> None:
        self._bundles = list(bundles)
        self._flying: list[bytes] = []

    @property
    def waiting(self) -> int:
        return sum(bundle not in self._flying for bundle in self._bundles)

    @property
    def unexecuted(self) -> int:
        return len(self._bundles)

    def oldest_us(self) -> int | None:
        return 0 if self._bundles else None

    def take(self, now: Now) -> bytes | None:
        for bundle in self._bundles:
            if bundle not in self._flying:
                self._flying = sorted([*self._flying, bundle])
                return encode_batch(now.wall_us, [bundle])
        return None

    def judge(self, batch: bytes) -> str | None:
        return None

    def order(self, batch: bytes) -> None:
        self._flying = sorted({*self._flying, *decode_batch(batch).bundles})

    def release(self) -> None:
        self._flying = []

    def was_overtaken(self, now: Now, wait_us: int) -> bool:
        return False

    def execute(self, batch: bytes) -> None:
        done = decode_batch(batch).bundles
        self._bundles = [bundle for bundle in self._bundles if bundle not in done]
        self._flying = [bundle for bundle in self._flying if bundle not in done]


class Bench:
    """The machine of the host: the replica, its pool, and a ledger that executes by keeping the batch."""

    def __init__(
        self, world: World, name: NodeId, chain: Sequence[bytes], is_first_life: bool, *, is_log_lost: bool
    ) -> None:
        self.world = world
        self._is_log_lost = is_log_lost  # a driver finds it missing, and writes that down
        self.chain = list(chain)  # batches executed; empty for a null request
        self.pool = Work(world.bundles)
        for batch in self.chain:
            self._settle(batch)
        context = ReplicaContext(
            name, CHAIN, world.epochs, PARAMETERS, self.pool, world.verifier, len(self.chain), 0, None, no_seal,
            is_recalled=is_first_life,
        )  # fmt: skip
        self.replica: Consensus = PROTOCOL.build(context)

    def step(self, now: Now, event: Any) -> list[Effect]:
        if isinstance(event, Started) and self._is_log_lost:
            event = event._replace(lost_key=b"")
        events: deque[Any] = deque([Available() if isinstance(event, Submitted) else event])
        out: list[Effect] = []
        while events:
            for effect in self.replica.step(now, events.popleft()):
                if isinstance(effect, Decide):
                    self.chain.append(effect.batch or b"")
                    self._settle(effect.batch or b"")
                    events.append(Executed(effect.height, b"h" * 32, self.world.epochs.at(effect.height + 1)))
                    out.append(Apply(effect.height, ()))
                elif isinstance(effect, CARRIED):
                    out.append(effect)
        return out

    def _settle(self, batch: bytes) -> None:
        if batch:
            self.pool.execute(batch)

    def epoch(self) -> int:
        return 0


class Player:
    """What it holds is one value that can be copied. `say` takes in each statement that leaves and returns its number,
    -1 where it is not followed, None where it lies beyond the scope."""

    def __init__(self, world: World, name: NodeId) -> None:
        self.world = world
        self.name = name
        self.life = 0
        self.has_lost = False
        self.records: list[tuple[bytes, int | None]] = []
        self.durable = 0  # heights
        self.decided: tuple[tuple[int, bytes], ...] = ()  # heights and digests, over all lives
        self.said = 0  # numbers of statements, as bits
        self.stance = (False, 0, 0)  # may vote, view, wanted
        self.is_observing = False  # votes of its own are lost: nothing makes it vote again before something is sealed
        self.is_seen = False  # whether the last act showed from outside or on the disk
        self.is_beyond = False
        self.bench: Bench
        self.host: Host

    @property
    def may_leave(self) -> bool:
        """Whether it may vote, and the next view is one of the scope."""
        state: ReplicaState = self.bench.replica.state  # type: ignore[attr-defined]
        return state.is_voter and state.wanted + 1 < self.world.scope.views

    # --- acts -------------------------------------------------------------------------------------------------------

    def boot(self, say: Say, chain: Sequence[bytes] = ()) -> None:
        world = self.world
        self.life += 1
        self.is_observing = False
        self.bench = Bench(
            world, self.name, chain, self.life == 1, is_log_lost=self.has_lost and world.scope.lost == self.name
        )
        secrets: Any = {"vote": world.secret(self.name)}
        self.host = Host(
            self.name, self.bench, world.verifier, world.suite, secrets, world.epochs, self.bench.epoch, {}
        )
        outputs = self.host.boot(self._now(), [record for record, _ in self.records])
        self._carry([*outputs, *self.host.submit(self._now(), ())], say, None)
        self.stance = self._stance()

    def hear(self, event: Received, say: Say, cut: int | None = None) -> int:
        """Returns how many durable or spoken outputs there were; after `cut` of them the process died."""
        return self._acted(self.host.hear(self._now(), event, None), say, cut)

    def leave(self, say: Say, cut: int | None = None) -> int:
        """Hears that enough others suspect with it: who they are, and since when, has no say in anything else. Returns
        as `hear` does."""
        others = [name for name in self.world.scope.names if name != self.name][: self.world.epoch.quorum - 1]
        outputs: list[Output] = []
        suspicion = Suspect(self._wanted())
        for name in others:
            outputs += self.host.hear(self._now(), self.world.received(self.world.sign(name, suspicion)), None)
        return self._acted(outputs, say, cut)

    def reboot(self, say: Say) -> None:
        """Dies and boots with all that was durable."""
        self.boot(say, self.bench.chain[: self.durable])

    def lose(self, say: Say) -> None:
        """Dies, and boots with an empty disk."""
        self.records, self.durable, self.has_lost = [], 0, True
        self.boot(say)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _now(self) -> Now:
        """One moment for each view that was wanted in each life; wall clocks differ by member and life, so that no two
        batches are equal."""
        place = self.world.scope.names.index(self.name)
        return Now(self.life * LIFE_US + self._wanted() * AGE_US, WALL_US + place * 100 + self.life)

    def _acted(self, outputs: Sequence[Output], say: Say, cut: int | None) -> int:
        """Whether an act showed is also seen by what the member may do after it: vote again after a boot, say."""
        self.is_seen = False
        count = self._carry(outputs, say, cut)
        stance = self._stance()
        self.is_seen |= stance != self.stance
        self.stance = stance
        return count

    def _stance(self) -> tuple[bool, int, int]:
        state: ReplicaState = self.bench.replica.state  # type: ignore[attr-defined]
        return state.is_recalled, state.view, state.wanted

    def _wanted(self) -> int:
        return self._stance()[2]

    def _carry(self, outputs: Sequence[Output], say: Say, cut: int | None) -> int:
        waiting = deque(outputs)
        count = 0
        while waiting:
            output = waiting.popleft()
            if isinstance(output, Wake):
                continue  # a timer that runs out makes a member suspect, and does nothing else that is followed
            if isinstance(output, Note):
                self.is_seen |= output.kind not in UNSEEN_NOTES
                self.is_observing = OBSERVING.get(output.kind, self.is_observing)
            else:
                if cut is not None and count == cut:
                    return count
                count += self._put_out(output, say, waiting)
        decided = ((height, _digest(batch)) for height, batch in enumerate(self.bench.chain, 1))
        self.decided = tuple(sorted({*self.decided, *decided}))
        return count

    def _put_out(self, output: Output, say: Say, waiting: deque[Output]) -> int:
        """1 where this is durable, or a statement that is followed."""
        if isinstance(output, Store):
            self.records.append((output.record, output.height))
        elif isinstance(output, Apply):
            self.durable = max(self.durable, output.height)
        elif isinstance(output, Transmit):
            frame = decode_frame(output.payload)
            message = self.world.received(frame.signed).message
            if isinstance(message, FetchBody):
                self._fetch(message, waiting)
                return 0
            if isinstance(message, PrePrepare) and frame.attachment:
                self.world.batches.setdefault(message.digest, frame.attachment)
            is_vain = self.is_observing and isinstance(message, Recall)
            number = -1 if is_vain else say(output.to, message, frame.signed)
            if number is None:
                self.is_beyond = True
            if number is None or number < 0 or self.said >> number & 1:
                return 0
            self.said |= 1 << number
        self.is_seen = True
        return 1

    def _fetch(self, request: FetchBody, waiting: deque[Output]) -> None:
        """A batch that is asked for comes at once."""
        batch = self.world.batches.get(request.digest)
        if batch is not None:
            answer = Body(self.name, request.nonce, request.height, request.digest)
            event = self.world.received(self.world.sign(request.receiver, answer), batch)
            waiting.extend(self.host.hear(self._now(), event, None))


Say = Callable[[NodeId | None, Message, Signed], int | None]


def _digest(batch: bytes) -> bytes:
    return batch_digest(batch) if batch else NULL_DIGEST
