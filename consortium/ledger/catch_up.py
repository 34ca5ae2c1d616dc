"""Catch-up: a node that was away fetches what the others decided, checks every certificate, and executes it.

It learns that it lags from `Status`, from CHECKPOINTs above its head (through the sealer's `Behind`) and from consensus
(`Behind`). It waits a moment in case consensus closes the gap. Then it fetches blocks from one peer at a time, or a
snapshot when it is thousands of blocks behind. Nothing that a peer says is believed without a certificate or a seal; a
peer that is late or lies is left alone for a while.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.machine import (
    Behind,
    Broadcast,
    Decide,
    Effect,
    Event,
    Executed,
    Expired,
    Note,
    Now,
    Received,
    Rows,
    Send,
    SetTimer,
    Stable,
    Started,
)
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import Certificate, Message
from consortium.core.transaction import NULL_DIGEST, batch_digest
from consortium.core.verifier import Verifier
from consortium.ledger.certificate import CheckDecision
from consortium.ledger.chain import Ledger
from consortium.ledger.claims import Claims
from consortium.ledger.fetch import BlockFetch, Nonces, SnapshotFetch
from consortium.ledger.given_block import GivenBlock
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Sealed, Snapshot, Status
from consortium.ledger.newest_seals import NewestSeals
from consortium.ledger.serve import Server
from consortium.ledger.sound import SoundBlocks

LOOK = ("catch_up", "look")  # does the gap close by itself?
GO = ("catch_up", "go")  # more fetched blocks to execute
LATE = ("catch_up", "late")  # is the peer answering?
STATUS = ("catch_up", "status")
OWED = ("catch_up", "owed")  # answers that wait
SEAL = ("catch_up", "seal")  # is the last block of the epoch sealed by now?
PATIENCE_US = 250_000
STATUS_US = 10_000_000
OWED_US = 50_000
LATE_US = 1_000_000
SHUN_US = 30_000_000  # a liar
SHUN_LATE_US = 3_000_000
DECIDE_MAX = 8  # blocks in one step, so that other events get their turn
DECIDE_FAR_MAX = 32  # beyond consensus' window nothing waits for us; and so many are stored at once
HEIGHT_MAX = 1 << 62


class CatchUp:
    """Hears `Started`, `Executed`, `Stable`, `Behind`, its messages and timers; answers with `Decide`, `Stable`."""

    messages: tuple[type[Message], ...] = (Status, FetchBlocks, Blocks, FetchSnapshot, Snapshot)

    def __init__(
        self,
        me: NodeId,
        genesis: Genesis,
        epochs: Epochs,
        rows: Rows,
        verifier: Verifier,
        ledger: Ledger,
        check_decision: CheckDecision,
        asks_at_start: bool = True,
    ) -> None:
        """`asks_at_start`: whether it says where it stands when it boots, so that others tell it what it missed."""
        self._me = me
        self._asks_at_start = asks_at_start
        self._parameters = genesis.parameters
        self._epochs = epochs
        self._claims = Claims(me, epochs, genesis.parameters)
        self._rows = rows
        self._verifier = verifier
        self._ledger = ledger
        self._check_decision = check_decision
        sound = SoundBlocks(rows, epochs, verifier, check_decision)
        self._server = Server(me, rows, ledger, verifier, sound)
        self._nonces = Nonces(me)
        self._seals = NewestSeals(rows, epochs, verifier, sound)
        self._fetch: BlockFetch | SnapshotFetch | None = None
        self._is_catching_up = False
        self._wants_snapshot = False
        self._no_snapshot = False  # a peer failed to give one: blocks may do
        self._looked_head = -1
        self._timers: dict[tuple[str, ...], None] = {}  # those that are set
        self._executed_us = 0

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Executed():
                return self._on_executed(now, event)
            case Received(message=message):
                return self._on_received(now, event, message)
            case Expired(timer=timer):
                return self._on_expired(now, timer)
            case Stable(height, seal):
                return self._on_stable(now, height, seal)
            case Behind(height):
                self._claims.proven = max(self._claims.proven, min(height, HEIGHT_MAX))
                return self._watch(now)
            case Started():
                asked = [self._status(now)] if self._asks_at_start else []
                return [*asked, *self._set(STATUS, STATUS_US)]
            case _:
                return []

    def _on_received(self, now: Now, event: Received, message: Message) -> Sequence[Effect]:
        match message:
            case Status():
                return self._on_status(now, event, message)
            case FetchBlocks() | FetchSnapshot():
                return [*self._server.on_question(now, event), *self._watch_debts()]
            case Blocks():
                return self._on_blocks(now, event, message)
            case Snapshot():
                return self._on_snapshot(now, event, message)
            case _:
                return []

    def _on_expired(self, now: Now, timer: tuple[str, ...]) -> list[Effect]:
        self._timers.pop(timer, None)
        if timer == GO:
            return self._go(now)
        if timer == LOOK:
            return self._on_look(now)
        if timer == LATE:
            return self._on_late(now)
        if timer == SEAL:
            return self._watch_seal(now, is_late=True)
        if timer == OWED:
            return [*self._server.pay(now), *self._watch_debts()]
        self._server.tidy(now)
        quiet = now.monotonic_us - self._executed_us >= STATUS_US
        status: list[Effect] = [self._status(now)] if quiet else []
        return status + self._set(STATUS, STATUS_US)

    def _watch_debts(self) -> list[Effect]:
        return self._set(OWED, OWED_US) if self._server.owes else []

    def _set(self, timer: tuple[str, ...], delay_us: int) -> list[Effect]:
        if timer in self._timers:
            return []
        self._timers[timer] = None
        return [SetTimer(timer, delay_us)]

    # --- who is where -----------------------------------------------------------------------------------------------

    @property
    def _head(self) -> int:
        return self._ledger.head_height

    def _status(self, now: Now) -> Broadcast:
        """In the newest epoch that knows us: a member that was removed is heard as what it was."""
        number: int | None = self._epochs.at(self._head + 1).number
        while number is not None and number >= 0:
            epoch = self._epochs.number(number)
            if epoch is None or self._me in epoch.by_name:
                break
            number -= 1
        return Broadcast(
            Status(self._head, self._seals.stable, now.monotonic_us), b"", number if number != -1 else None
        )

    def _on_status(self, now: Now, event: Received, status: Status) -> list[Effect]:
        """Who is ahead is worth asking; who is behind is told so, and given the newest seal."""
        sender, height = event.sender, status.height
        if sender == self._me or not 0 <= height < HEIGHT_MAX:
            return []
        if height > self._head and not self._claims.is_shunned(now, sender):
            self._claims.say(now, sender, height, self._head)
            return self._watch(now)
        lacks_seal = self._seals.newest is not None and status.stable_height < self._seals.stable
        asked_in = self._epochs.number(event.epoch)
        if not (height < self._head or lacks_seal) or asked_in is None or self._me not in asked_in.by_name:
            return []
        if not self._claims.may_answer(now, sender):
            return []
        effects: list[Effect] = []
        if height < self._head:
            effects.append(Send(sender, Status(self._head, self._seals.stable, now.monotonic_us), b"", event.epoch))
        seal = self._seals.useful(status.stable_height) if lacks_seal else None
        if seal is not None:
            effects.append(Send(sender, Sealed(seal), b"", event.epoch))
        return effects

    def _goal(self, now: Now) -> int:
        return self._claims.goal(now)

    def _is_far(self, now: Now) -> bool:
        return self._claims.is_far(now, self._head) and not self._no_snapshot

    def _shun(self, now: Now, why: str, for_us: int = SHUN_US) -> list[Effect]:
        """Leave the peer that we fetch from alone for a while, and start over with another."""
        assert self._fetch is not None
        self._no_snapshot = isinstance(self._fetch, SnapshotFetch)
        peer, self._fetch = self._fetch.peer, None
        self._claims.shun(now, peer, for_us)
        note = Note("rejected", {"why": why[:120], "sender": peer, "message": "catch-up"})
        return [note, *self._begin(now)]

    # --- beginning and ending ---------------------------------------------------------------------------------------

    def _watch(self, now: Now) -> list[Effect]:
        """Give consensus a moment to close the gap; not when the gap is beyond its window."""
        gap = self._goal(now) - self._head
        if isinstance(self._fetch, BlockFetch) and self._is_far(now):
            self._fetch = None  # begun when this was not known
        if gap <= 0 or self._fetch is not None:
            return []
        if gap > self._parameters.window and (self._is_far(now) or gap <= self._parameters.snapshot_gap):
            return self._begin(now)  # one that claims to be far ahead is heard out: do others say so too?
        if LOOK not in self._timers:
            self._looked_head = self._head
        return self._set(LOOK, PATIENCE_US)

    def _on_look(self, now: Now) -> list[Effect]:
        gap = self._goal(now) - self._head
        if gap <= 0 or self._fetch is not None:
            return []
        if self._head > self._looked_head and gap <= self._parameters.window:
            self._looked_head = self._head
            return self._set(LOOK, PATIENCE_US)
        return self._begin(now)

    def _begin(self, now: Now) -> list[Effect]:
        """Fetch from the next peer; if all are left alone, forget what they claimed and look again later."""
        goal, head = self._goal(now), self._head
        if goal <= head:
            return self._end()
        peer = self._claims.next_peer(now, head, with_empty=self._wants_snapshot)
        if peer is None:
            self._claims.forget_words()
            return self._set(LOOK, LATE_US) if self._claims.proven > head else self._end()
        is_certain = self._claims.certain(now, head) > head
        effects = self._note_begun(goal) if is_certain else []
        if self._wants_snapshot or self._is_far(now):
            snapshot = SnapshotFetch(peer, self._nonces, head)
            self._fetch = snapshot
            return effects + snapshot.pump(now) + self._set(LATE, LATE_US)
        blocks = BlockFetch(peer, self._nonces, head, is_probe=not is_certain)
        self._fetch = blocks
        return effects + blocks.pump(now, head, goal) + self._set(LATE, LATE_US)

    def _note_begun(self, goal: int) -> list[Effect]:
        if self._is_catching_up:
            return []
        self._is_catching_up = True
        return [Note("catching_up", {"from_height": self._head, "to_height": goal})]

    def _end(self) -> list[Effect]:
        """Nothing more is known to be missing."""
        self._fetch = None
        self._wants_snapshot = self._no_snapshot = False
        self._claims.forget_empty()
        was_catching_up, self._is_catching_up = self._is_catching_up, False
        if not was_catching_up or self._head < self._claims.proven:
            return []
        return [Note("caught_up", {"height": self._head})]

    def _on_late(self, now: Now) -> list[Effect]:
        if self._fetch is None:
            return []
        if self._fetch.is_late(now):
            return [*self._shun(now, "no answer in time", SHUN_LATE_US), *self._set(LATE, LATE_US)]
        again = self._fetch.say_again(now) if isinstance(self._fetch, SnapshotFetch) else []
        return [*again, *self._set(LATE, LATE_US)]

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _on_blocks(self, now: Now, event: Received, answer: Blocks) -> list[Effect]:
        if not isinstance(self._fetch, BlockFetch) or answer.receiver != self._me:
            return []
        try:
            count = self._fetch.take(event, answer)
        except Malformed as error:
            return self._shun(now, str(error))
        if count is None:
            return []
        return self._go(now) if count else self._on_empty(now, answer.first_height)

    def _on_empty(self, now: Now, height: int) -> list[Effect]:
        """The peer lacks what we lack: ask another; or for a snapshot, where those that claim more have no other."""
        assert self._fetch is not None
        peer, self._fetch = self._fetch.peer, None
        self._wants_snapshot = self._claims.note_empty(peer, height, self._head)
        return self._begin(now)

    def _go(self, now: Now) -> list[Effect]:
        """Check and decide a few blocks, ask for more; come back for the rest."""
        fetch = self._fetch
        if not isinstance(fetch, BlockFetch):
            return []
        effects: list[Effect] = []
        height, goal = self._head, self._goal(now)
        fetch.forget(height)
        for _ in range(DECIDE_FAR_MAX if goal - height > self._parameters.window else DECIDE_MAX):
            if not self._is_decidable(height + 1):
                break
            held = fetch.pop(height + 1)
            if held is None:
                break
            try:
                decided = self._check(height + 1, held)
            except Malformed as error:
                return effects + self._shun(now, f"height {height + 1}: {error}")
            height += 1
            effects.append(decided)
        if fetch.is_probe and height > self._head:  # it has what it claims to have, as far as can be seen
            fetch.is_probe = False
            effects += self._note_begun(goal)
        effects += fetch.pump(now, height, goal)
        if fetch.is_ready(height + 1) and (height > self._head or self._is_decidable(height + 1)):
            effects += self._set(GO, 0)
        return effects

    def _check(self, height: int, held: GivenBlock) -> Decide:
        """What a peer gave for a height, under a certificate that proves it. Raises Malformed."""
        certificate, seal = held.open()
        digest = NULL_DIGEST if held.batch is None else batch_digest(held.batch)
        self._check_decision(certificate, self._epochs, height, digest, self._verifier)
        if seal is not None:
            self._seals.keep(height, seal)
        return Decide(height, held.batch, certificate)

    def _is_decidable(self, height: int) -> bool:
        """Whether the members of this height are known for sure, and the block before its epoch is sealed."""
        begins = self._epochs.at(height).first_height == height
        return height <= self._head + self._parameters.window and (not begins or height - 1 <= self._seals.stable)

    def _watch_seal(self, now: Now, *, is_late: bool = False) -> list[Effect]:
        """The head is the last block of its epoch and not sealed: nothing goes on before it is, so ask early."""
        if self._epochs.at(self._head + 1).first_height != self._head + 1 or self._seals.stable >= self._head:
            return []
        return [*([self._status(now)] if is_late else []), *self._set(SEAL, PATIENCE_US)]

    def _on_stable(self, now: Now, height: int, seal: Certificate) -> Sequence[Effect]:
        self._seals.stand(height, seal)
        is_awaited = height == self._epochs.at(self._head + 1).first_height - 1
        return [*self._server.on_stable(), *(self._go(now) if is_awaited else [])]

    def _on_executed(self, now: Now, event: Executed) -> list[Effect]:
        self._executed_us = now.monotonic_us
        effects = self._seals.on_executed(event)
        effects += self._watch_seal(now)
        if isinstance(self._fetch, BlockFetch) and event.height >= self._goal(now):
            effects += self._end()
        return effects

    # --- snapshots --------------------------------------------------------------------------------------------------

    def _on_snapshot(self, now: Now, event: Received, answer: Snapshot) -> list[Effect]:
        fetch = self._fetch
        if not isinstance(fetch, SnapshotFetch) or answer.receiver != self._me:
            return []
        try:
            base = fetch.take(event, answer, self._epochs, self._verifier)
        except Malformed as error:
            return self._shun(now, str(error))
        if base is None:
            return fetch.pump(now)
        assert fetch.linked is not None
        self._fetch = None
        if base.header.height <= self._head:
            return self._begin(now)
        self._wants_snapshot = False
        sealed_height = base.header.height + len(fetch.linked.headers) - 1
        self._seals.keep(sealed_height, fetch.linked.seal)
        self._claims.proven = max(self._claims.proven, sealed_height)
        return [*self._ledger.install(base), *self._begin(now)]
