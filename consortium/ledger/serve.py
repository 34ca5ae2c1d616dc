"""The giving half of catch-up: blocks and snapshots for members that ask, bounded in bytes and in rate. What is stored
is proven again before it leaves (`sound.py`).

Answers are signed in the epoch of the question: who lags by epochs can verify no later one."""

from __future__ import annotations

from collections import deque
from hashlib import sha256

from consortium.core.codec import encode
from consortium.core.machine import Effect, Now, Received, Rows, Send
from consortium.core.membership import NodeId
from consortium.core.seals import Linked
from consortium.core.verifier import Verifier
from consortium.ledger.certificate import newest_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Snapshot
from consortium.ledger.snapshot import Copy, copy_state, link
from consortium.ledger.sound import SoundBlocks, check_copy

BLOCKS_MAX = 64
ANSWER_BYTES = 2_000_000
ANSWERS_A_SECOND = 512  # to one member
BYTES_A_SECOND = 12_000_000  # to one member, and as many at once; what is asked beyond is answered when it is due.
# It is less than what a node takes for a flood (node/inbox.py): who gives a snapshot must not be shut out for it.
WAITING_MAX = 8  # questions of one member; who catches up has three open
COPY_IDLE_US = 60_000_000  # a copy that nobody asked for so long is let go


class _Copied:
    """A copy of the state; given away once it is linked to a seal."""

    __slots__ = ("asked_us", "copy", "linked", "waiting")

    def __init__(self, copy: Copy, now_us: int) -> None:
        self.copy = copy
        self.linked: Linked | None = None
        self.waiting: dict[NodeId, tuple[FetchSnapshot, int]] = {}  # what it asked for, and in which epoch
        self.asked_us = now_us


class _Account:
    """Of one member: bytes that it may still be sent (below 0: sent ahead), and its questions that wait for more."""

    __slots__ = ("at_us", "left", "waiting")

    def __init__(self, now: Now) -> None:
        self.left = BYTES_A_SECOND
        self.at_us = now.monotonic_us
        self.waiting: deque[Received] = deque()

    def may_take(self, now: Now) -> bool:
        earned = (now.monotonic_us - self.at_us) * BYTES_A_SECOND // 1_000_000
        self.left, self.at_us = min(BYTES_A_SECOND, self.left + earned), now.monotonic_us
        return self.left > 0


class Server:
    """Answers of one node. A member that asks for much is answered more slowly, one that asks too often is not."""

    def __init__(self, me: NodeId, rows: Rows, ledger: Ledger, verifier: Verifier, sound: SoundBlocks) -> None:
        self._me = me
        self._parameters = ledger.genesis.parameters
        self._rows = rows
        self._ledger = ledger
        self._verifier = verifier
        self._sound = sound
        self._second = 0
        self._answers: dict[NodeId, int] = {}
        self._accounts: dict[NodeId, _Account] = {}
        self._copied: _Copied | None = None

    def _may_answer(self, now: Now, sender: NodeId) -> bool:
        second = now.monotonic_us // 1_000_000
        if second != self._second:
            self._second, self._answers = second, {}
        self._answers[sender] = self._answers.get(sender, 0) + 1
        return self._answers[sender] <= ANSWERS_A_SECOND

    @property
    def owes(self) -> bool:
        """Whether questions wait: `pay` is due in a moment."""
        return any(account.waiting for account in self._accounts.values())

    def on_question(self, now: Now, event: Received) -> list[Effect]:
        """FETCH-BLOCKS or FETCH-SNAPSHOT: answered at once, or by `pay`."""
        asked = event.message
        assert isinstance(asked, FetchBlocks | FetchSnapshot)
        if asked.receiver != self._me or not self._may_answer(now, event.sender):
            return []
        account = self._accounts.get(event.sender)
        if account is None:
            account = self._accounts[event.sender] = _Account(now)
        if account.waiting or not account.may_take(now):
            if len(account.waiting) < WAITING_MAX and all(event.message != held.message for held in account.waiting):
                account.waiting.append(event)
            return []
        return self._answer(now, event, account)

    def pay(self, now: Now) -> list[Effect]:
        """Answers that had to wait."""
        effects: list[Effect] = []
        for _, account in sorted(self._accounts.items()):
            while account.waiting and account.may_take(now):
                effects += self._answer(now, account.waiting.popleft(), account)
        return effects

    def _answer(self, now: Now, event: Received, account: _Account) -> list[Effect]:
        if isinstance(event.message, FetchBlocks):
            effects = self._blocks(event, event.message)
        else:
            assert isinstance(event.message, FetchSnapshot)
            effects = self._snapshot(now, event, event.message)
        account.left -= sum(len(effect.attachment) for effect in effects if isinstance(effect, Send))
        return effects

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _blocks(self, event: Received, asked: FetchBlocks) -> list[Effect]:
        """As many consecutive heights as fit, none if this node does not have the first. Raises Damaged."""
        first, last = max(1, asked.first_height), min(asked.last_height, self._ledger.head_height)
        found: list[tuple[bytes | None, bytes, bytes | None]] = []
        size = 0
        if first > self._ledger.bodies_above:
            for height in range(first, min(last, first + BLOCKS_MAX - 1) + 1):
                block = self._sound.block(height)
                size += block.size
                if found and size > ANSWER_BYTES:
                    break
                found.append((block.batch, block.certificate, block.seal))
        attachment = encode(found)
        answer = Blocks(event.sender, asked.nonce, asked.first_height, sha256(attachment).digest())
        return [Send(event.sender, answer, attachment, event.epoch)]

    # --- snapshots --------------------------------------------------------------------------------------------------

    def _snapshot(self, now: Now, event: Received, asked: FetchSnapshot) -> list[Effect]:
        """A part of the copy; who asks before the copy is under a seal is answered as soon as it is."""
        copied = self._copied
        if copied is None or (asked.height == 0 and self._is_old(copied)):
            copied = self._copied = _Copied(self._copy(), now.monotonic_us)
        copied.asked_us = now.monotonic_us
        if self._link(copied) is None:
            copied.waiting[event.sender] = (asked, event.epoch)
            return []
        return self._part(event.sender, asked, event.epoch, copied)

    def _link(self, copied: _Copied) -> Linked | None:
        """What proves the copy, as soon as it is under a seal. Raises Damaged."""
        if copied.linked is None:
            linked = link(self._rows, copied.copy.height, self._ledger.head_height)
            if linked is not None:
                check_copy(copied.copy, linked, self._ledger.genesis, self._verifier)
            copied.linked = linked
        return copied.linked

    def _copy(self) -> Copy:
        sealed = newest_seal(self._rows)[0]
        if sealed and (state := self._ledger.state_at(sealed)) is not None:
            return copy_state(sealed, state)
        head = self._ledger.head_height
        return copy_state(head, self._ledger.state_at(head) or [])

    def _is_old(self, copied: _Copied) -> bool:
        return self._ledger.head_height - copied.copy.height > self._parameters.snapshot_gap // 2

    def _part(self, to: NodeId, asked: FetchSnapshot, epoch: int, copied: _Copied) -> list[Effect]:
        copy, linked = copied.copy, copied.linked
        assert linked is not None
        if asked.height not in (0, copy.height) or not 0 <= asked.part < len(copy.parts):
            return []
        part = copy.parts[asked.part]
        answer = Snapshot(
            to,
            asked.nonce,
            copy.height,
            asked.part,
            len(copy.parts),
            linked.headers,
            encode(linked.seal),
            sha256(part).digest(),
            () if asked.part else tuple(encode(epoch) for epoch in linked.epochs),
        )
        return [Send(to, answer, part, epoch)]

    def on_stable(self) -> list[Effect]:
        """A seal more: those who wait for the copy may have it."""
        copied = self._copied
        if copied is None or copied.linked is not None or self._link(copied) is None:
            return []
        waiting, copied.waiting = copied.waiting, {}
        effects: list[Effect] = []
        for sender, (asked, epoch) in sorted(waiting.items()):
            effects += self._part(sender, asked, epoch, copied)
        return effects

    def tidy(self, now: Now) -> None:
        """Let go of a copy that nobody wants any more."""
        if self._copied is not None and now.monotonic_us - self._copied.asked_us > COPY_IDLE_US:
            self._copied = None
