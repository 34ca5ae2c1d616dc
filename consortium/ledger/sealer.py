"""Signs CHECKPOINTs over executed headers and collects a quorum of them: the seal.

A height is sealed when it is a multiple of the checkpoint interval, and an idle head after `idle_seal_us`. Votes are
said again, with back-off, until the seal stands, and a `Status` with them: who has the seal already sends it.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.header import header_bytes_digest
from consortium.core.machine import (
    Apply,
    Behind,
    Broadcast,
    Effect,
    Event,
    Executed,
    Expired,
    Note,
    Now,
    Rebroadcast,
    Received,
    Rows,
    SetTimer,
    Stable,
    Started,
)
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import Certificate, Message
from consortium.core.seals import Checkpoint, check_seal
from consortium.core.verifier import Verifier
from consortium.core.votes import PLAIN, VoteKeeping, Votes
from consortium.ledger.certificate import newest_seal, seal_rows
from consortium.ledger.chain import Ledger
from consortium.ledger.messages import Sealed, Status
from consortium.ledger.rows import Damaged, height_key

IDLE = ("sealer", "idle")
RESEND = ("sealer", "resend")
RESEND_FIRST_US = 1_000_000  # at most
RESEND_FIRST_OF_TIMER = 4  # a full window waits for the seal: it must come well before the leader is suspected for it
RESEND_CAP_US = 10_000_000
NO_VIEW = 0  # CHECKPOINTs are votes without views


class Sealer:
    """Hears `Started`, `Executed`, `Stable` (of CatchUp), CHECKPOINT and SEALED, its timers; answers with `Stable`
    and the `Apply` of the seal's row. `Behind` goes to CatchUp when f+1 members sealed above the head."""

    messages: tuple[type[Message], ...] = (Checkpoint, Sealed)

    def __init__(
        self,
        me: NodeId,
        genesis: Genesis,
        epochs: Epochs,
        rows: Rows,
        verifier: Verifier,
        ledger: Ledger,
        keeping: VoteKeeping = PLAIN,
    ) -> None:
        self._me = me
        self.epochs = epochs
        self._parameters = genesis.parameters
        self._rows = rows
        self._verifier = verifier
        self.head_height, self._head_digest = ledger.head_height, ledger.head_digest
        self.stable_height, self.stable_seal = newest_seal(rows)
        if self.stable_seal is not None:
            self._check_stored(self.stable_height, self.stable_seal)
        self._keeping = keeping
        self.votes: dict[int, Votes] = {}  # CHECKPOINTs by height; the first of each sender counts
        self._early: dict[NodeId, int] = {}  # the highest height, beyond the window, that each member voted for
        self._waits: dict[int, Certificate] = {}  # seals of heights not yet executed
        self._voted = 0
        self._last_executed_us = 0
        self._is_idle_set = False
        self._is_resend_set = False
        self._resend_first_us = min(RESEND_FIRST_US, max(1, self._parameters.timer_base_us // RESEND_FIRST_OF_TIMER))
        self._resend_us = self._resend_first_us

    def _check_stored(self, height: int, seal: Certificate) -> None:
        """Others would refuse what we say with a seal that does not hold. Raises Damaged."""
        block = self._rows.get("block", height_key(height))
        try:
            vote = check_seal(seal, self.epochs, self._verifier)
        except Malformed as error:
            raise Damaged(f"the seal of height {height} is not the one that was written: {error}") from None
        if block is None or (vote.height, vote.header_digest) != (height, header_bytes_digest(block)):
            raise Damaged(f"the seal of height {height} is over another block than the one that is stored")

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        if isinstance(event, Executed):
            return self._on_executed(now, event)
        if isinstance(event, Received):
            if isinstance(event.message, Checkpoint):
                return self._on_checkpoint(event, event.message)
            if isinstance(event.message, Sealed):
                return self._on_sealed(event, event.message)
        if isinstance(event, Expired):
            return self._on_idle(now) if event.timer == IDLE else self._on_resend(now)
        if isinstance(event, Stable):
            return self._on_stable(event)
        if isinstance(event, Started):
            return self._watch_idle(now)
        return []

    # --- voting -----------------------------------------------------------------------------------------------------

    def _on_executed(self, now: Now, event: Executed) -> list[Effect]:
        if event.height >= self.head_height:
            self.head_height, self._head_digest = event.height, event.header_digest
        self._last_executed_us = now.monotonic_us
        effects: list[Effect] = []
        seal = self._waits.pop(event.height, None)
        if seal is not None:
            effects += self._try_posted(event.height, event.header_digest, seal)
        elif event.height % self._parameters.checkpoint_interval == 0:
            effects += self._vote(event.height, event.header_digest)
        return effects + self._try_seal(event.height, event.header_digest) + self._watch_idle(now)

    def _vote(self, height: int, digest: bytes) -> list[Effect]:
        epoch = self.epochs.at(height)
        if height <= max(self.stable_height, self._voted) or not epoch.is_validator(self._me):
            return []
        self._voted = height
        self._resend_us = self._resend_first_us
        effects: list[Effect] = [Broadcast(Checkpoint(height, digest), b"", epoch.number)]
        return effects + self._watch_resend()

    def _watch_idle(self, now: Now) -> list[Effect]:
        if self._is_idle_set or self.head_height <= self.stable_height:
            return []
        self._is_idle_set = True
        return [SetTimer(IDLE, self._parameters.idle_seal_us)]

    def _on_idle(self, now: Now) -> list[Effect]:
        """One timer serves many blocks: it is set again for what is left since the last one."""
        self._is_idle_set = False
        if self.head_height <= self.stable_height:
            return []
        left_us = self._last_executed_us + self._parameters.idle_seal_us - now.monotonic_us
        if left_us > 0:
            self._is_idle_set = True
            return [SetTimer(IDLE, left_us)]
        digest = self._digest(self.head_height)
        return [] if digest is None else self._vote(self.head_height, digest)

    def _watch_resend(self) -> list[Effect]:
        if self._is_resend_set or self._voted <= self.stable_height:
            return []
        self._is_resend_set = True
        return [SetTimer(RESEND, self._resend_us)]

    def _on_resend(self, now: Now) -> list[Effect]:
        self._is_resend_set = False
        if self._voted <= self.stable_height:
            return []
        self._resend_us = min(self._resend_us * 2, RESEND_CAP_US)
        again: list[Effect] = [
            Rebroadcast(own)
            for height, votes in sorted(self.votes.items())
            if height > self.stable_height and (own := votes.signed(self._me)) is not None
        ]
        status = Broadcast(Status(self.head_height, self.stable_height, now.monotonic_us))
        return [*again, status, *self._watch_resend()]

    # --- collecting -------------------------------------------------------------------------------------------------

    def _on_checkpoint(self, event: Received, vote: Checkpoint) -> list[Effect]:
        height = vote.height
        if height <= self.stable_height:
            return []
        epoch = self.epochs.at(height)
        if event.epoch != epoch.number or not epoch.is_validator(event.sender) or len(vote.header_digest) != 32:
            return _rejected("not a validator's CHECKPOINT of the epoch of its height", event)
        effects: list[Effect] = []
        if height > self.head_height:
            effects += self._note_early(event.sender, height)
        if height > self.head_height + 2 * self._parameters.window:
            return effects
        votes = self.votes.get(height)
        if votes is None:
            votes = self.votes[height] = self._keeping.votes(epoch.places)
        votes.add(event.signed, NO_VIEW, vote.header_digest)
        if votes.count(NO_VIEW, vote.header_digest) >= epoch.quorum:
            effects += self._try_seal(height, self._digest(height))
        return effects

    def _note_early(self, sender: NodeId, height: int) -> list[Effect]:
        """`Behind` for the height that f+1 members have reached: at least one of them is honest."""
        self._early[sender] = max(height, self._early.get(sender, 0))
        weak = self.epochs.at(self.head_height + 1).weak
        reached = sorted(self._early.values(), reverse=True)
        if len(reached) >= weak and reached[weak - 1] > self.head_height:
            return [Behind(reached[weak - 1])]
        return []

    def _try_seal(self, height: int, digest: bytes | None) -> list[Effect]:
        votes = self.votes.get(height)
        if digest is None or votes is None or height <= self.stable_height:
            return []
        epoch = self.epochs.at(height)
        agreed = votes.count(NO_VIEW, digest)
        if agreed < epoch.quorum:
            return self._try_divergence(height, digest, votes, epoch.weak)
        return self._settle(height, votes.certificate(NO_VIEW, digest, agreed))

    def _try_divergence(self, height: int, digest: bytes, votes: Votes, weak: int) -> list[Effect]:
        """f+1 members executed this height otherwise than we did: say so, loudly."""
        others = {other: count for (_, other), count in votes.counts().items() if other != digest}
        if sum(others.values()) < weak:
            return []
        most = max(others, key=lambda each: (others[each], each))
        is_proven = others[most] >= self.epochs.at(height).quorum
        return [_diverged(height, digest, most, is_proven=is_proven)]

    def _settle(self, height: int, seal: Certificate) -> list[Effect]:
        """A checked seal over a header that we executed: stable. Older votes are forgotten."""
        if height <= self.stable_height:
            return []
        rows = seal_rows(self._rows, height, seal)
        self._rows.stage(rows)
        self._become_stable(height, seal)
        note = Note("sealed", {"height": height, "signers": len(seal.signatures)})
        return [Apply(height, rows), Stable(height, seal), note]

    def _become_stable(self, height: int, seal: Certificate) -> None:
        self.stable_height, self.stable_seal = height, seal
        self.votes = {at: votes for at, votes in self.votes.items() if at > height}
        self._early = {name: at for name, at in self._early.items() if at > self.head_height}
        self._waits = {at: held for at, held in self._waits.items() if at > height}

    def _on_stable(self, event: Stable) -> list[Effect]:
        """CatchUp found a seal, and stored it."""
        if event.height > self.stable_height:
            self._become_stable(event.height, event.seal)
        return []

    # --- seals by post ----------------------------------------------------------------------------------------------

    def _on_sealed(self, event: Received, message: Sealed) -> list[Effect]:
        """Accepted if a quorum of the epoch of its height signed it; its header must be ours."""
        try:
            vote = check_seal(message.seal, self.epochs, self._verifier)
        except Malformed as error:
            return _rejected(str(error), event)
        if vote.height <= self.stable_height:
            return []
        if vote.height > self.head_height:
            if vote.height <= self.head_height + 2 * self._parameters.window:
                self._waits[vote.height] = message.seal
            return [Behind(vote.height)]
        digest = self._digest(vote.height)
        return [] if digest is None else self._try_posted(vote.height, digest, message.seal)

    def _try_posted(self, height: int, digest: bytes, seal: Certificate) -> list[Effect]:
        vote = check_seal(seal, self.epochs, self._verifier)
        if digest != vote.header_digest:
            return [_diverged(height, digest, vote.header_digest, is_proven=True)]
        return self._settle(height, seal)

    def _digest(self, height: int) -> bytes | None:
        """Of the block that was executed at this height. What is signed is the head's, which no disk can have bent."""
        if height == self.head_height:
            return self._head_digest
        block = self._rows.get("block", height_key(height))
        return None if block is None else header_bytes_digest(block)


def _diverged(height: int, ours: bytes, others: bytes, *, is_proven: bool) -> Note:
    """`is_proven`: a quorum signed the other header. A driver then takes our ledger for damaged."""
    fields = {"height": height, "header": ours.hex()[:16], "others": others.hex()[:16], "is_proven": is_proven}
    return Note("diverged", fields)


def _rejected(why: str, event: Received) -> list[Effect]:
    return [Note("rejected", {"why": why, "sender": event.sender, "message": type(event.message).__name__})]
