"""The bundles that wait to be ordered: bounded, first come first served, a share per member.

Submissions are broadcast, many bundles a message. A bundle that is still unordered after half a timer is relayed, the
oldest first and within a small budget, so that load alone never multiplies traffic. A full pool answers BUSY and
starts no timer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import cast

from consortium.core.codec import Malformed
from consortium.core.genesis import Parameters, tuned
from consortium.core.machine import (
    Available,
    Decide,
    Effect,
    Event,
    Expired,
    Jumped,
    Note,
    Now,
    Received,
    Send,
    SetTimer,
    Submitted,
)
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import Message
from consortium.core.transaction import (
    BUNDLE_BYTES_MAX,
    Bundle,
    Bundles,
    Opened,
    bundle_digest,
    decode_call,
    encode_batch,
)
from consortium.node.held_bundles import Entry, HeldBundles
from consortium.node.submission import SUBMISSION_BUNDLES_MAX, Busy, Submission, broadcasts, submitted_bundles

RELAY_TIMER = ("pool", "relay")
RELAY_BUNDLES_MAX = 64
RELAY_BYTES_MAX = 64_000
WASTED_MAX = 8  # unfit or refused bundles of one submission; the rest of it is not looked at


class BundlePool:
    """One node's pool, and consensus's view of it (`core.protocol.Pool`)."""

    messages: tuple[type[Message], ...] = (Submission, Busy)

    def __init__(
        self,
        me: NodeId,
        epochs: Epochs,
        parameters: Parameters,
        bundles: Bundles,
        is_spent: Callable[[NodeId, int], bool] = lambda member, number: False,
        head_height: Callable[[], int] = lambda: 0,
    ) -> None:
        """`is_spent(member, number)` tells whether the ledger holds this number of this member as used. `head_height()`
        is the ledger's: the epoch of the next height tells which parameters hold."""
        self._me = me
        self._epochs = epochs
        self._genesis_parameters = parameters
        self._head_height = head_height
        self._bundles = bundles
        self._is_spent = is_spent
        self._held = HeldBundles()
        self._told: dict[bytes, tuple[int, int]] = {}  # relays of a waiting bundle, time of the second one (0: none)
        self._overtaker_us = -1  # latest time of receipt among executed bundles
        self._is_relay_set = False

    @property
    def _parameters(self) -> Parameters:
        return tuned(self._genesis_parameters, self._epochs.at(self._head_height() + 1))

    # --- as a machine -------------------------------------------------------------------------------------------

    def step(self, now: Now, event: Event | Decide) -> Sequence[Effect]:
        match event:
            case Received(message=Submission() as message):
                return self._on_submission(now, event, message)
            case Received(message=Busy(refused=refused)):
                return [Note("busy", {"by": event.sender, "refused": refused})]
            case Submitted(bundles):
                return self._on_submitted(now, bundles)
            case Decide(batch=batch):
                self._on_decided(batch)
                return []
            case Jumped(used=used):
                self._on_jumped(used)
                return []
            case Expired(timer=timer) if timer == RELAY_TIMER:
                return self._on_relay(now)
            case _:
                return []

    def _on_submission(self, now: Now, event: Received, message: Submission) -> list[Effect]:
        """Each bundle is judged by itself."""
        try:
            raws = submitted_bundles(event, message)
        except Malformed as error:
            return [Note("rejected", {"why": str(error), "sender": event.sender})]
        admitted, refused, unfit = 0, 0, 0
        for raw in raws:
            verdict = self._admit(now, raw)
            admitted += verdict == "admitted"
            refused += verdict == "busy"
            unfit += verdict == "unfit"
            if unfit + refused > WASTED_MAX:
                break
        effects: list[Effect] = []
        if unfit:
            effects.append(Note("rejected", {"why": "unfit bundles", "sender": event.sender, "count": unfit}))
        if refused and event.sender != self._me:
            effects.append(Send(event.sender, Busy(message.digest, refused)))
        if admitted:
            effects.extend(self._available())
        return effects

    def _on_submitted(self, now: Now, raws: tuple[bytes, ...]) -> list[Effect]:
        """Our own bundles: admit them, tell everybody."""
        fit = [raw for raw in raws if self._admit(now, raw) in ("admitted", "known", "busy")]
        effects = broadcasts(fit)
        if fit:
            effects.extend(self._available())
        return effects

    def _available(self) -> list[Effect]:
        effects: list[Effect] = [Available()]
        if not self._is_relay_set and self._held.waiting:
            self._is_relay_set = True
            effects.append(SetTimer(RELAY_TIMER, self._parameters.timer_base_us // 2))
        return effects

    def _on_relay(self, now: Now) -> list[Effect]:
        """Tell the oldest bundles again that nobody has ordered for half a timer, within a budget. Our own that were
        overtaken are told beyond the budget: a leader that serves first come first served does not have them."""
        self._is_relay_set = False
        wait_us = self._parameters.timer_base_us // 2
        effects = broadcasts([entry.bundle.raw for entry in self._relayed(now, wait_us)])
        if not self._held.is_empty:
            self._is_relay_set = True
            effects.append(SetTimer(RELAY_TIMER, wait_us))
        return effects

    def _relayed(self, now: Now, wait_us: int) -> list[Entry]:
        """The bundles to tell again now; what came too late for its numbers is dropped on the way."""
        relayed: list[Entry] = []
        size = places = 0
        for entry in list(islice(self._held.since(wait_us, now.monotonic_us), SUBMISSION_BUNDLES_MAX)):
            is_lost = entry.bundle.member == self._me and entry.received_us + wait_us // 2 < self._overtaker_us
            if not is_lost and places >= RELAY_BUNDLES_MAX:
                continue
            if self._is_late(entry.bundle):
                self._told.pop(entry.bundle.digest, None)
                self._held.drop(entry.bundle.digest)
                continue
            if not is_lost:
                places += 1
                if size + len(entry.bundle.raw) > RELAY_BYTES_MAX and size:
                    places = RELAY_BUNDLES_MAX
                    continue
                size += len(entry.bundle.raw)
            relayed.append(entry)
            count, told_us = self._told.get(entry.bundle.digest, (0, 0))
            self._told[entry.bundle.digest] = (count + 1, now.monotonic_us if count == 1 else told_us)
        return relayed

    def _on_decided(self, batch: bytes | None) -> None:
        if batch is None:
            return
        try:
            digests = self._bundles.decode_batch(batch).digests
        except Malformed:
            return  # executed as an empty height
        for digest in digests:
            entry = self._on_executed(digest)
            if entry is not None:
                self._overtaker_us = max(self._overtaker_us, entry.received_us)

    def _on_executed(self, digest: bytes) -> Entry | None:
        self._told.pop(digest, None)
        return self._held.execute(digest)

    def _on_jumped(self, used: Callable[[NodeId], Mapping[int, bytes]]) -> None:
        """A snapshot: what it holds as executed waits no more, nor what came too late for its numbers."""
        known: dict[NodeId, Mapping[int, bytes]] = {}
        for entry in self._held.entries():
            member = entry.bundle.member
            if member not in known:
                known[member] = used(member)
            if all(_number(transaction) in known[member] for transaction in entry.bundle.transactions):
                self._on_executed(entry.bundle.digest)

    def _admit(self, now: Now, raw: bytes) -> str:
        """ "admitted", "known" (here or executed already), "busy" (this member's share is full) or "unfit"."""
        if len(raw) > min(BUNDLE_BYTES_MAX, self._parameters.batch_bytes_max):
            return "unfit"
        digest = bundle_digest(raw)
        if self._held.knows(digest):
            return "known"
        known = self._bundles.recall(digest)
        try:
            parts = known or self._bundles.decode(raw)
            verdict = self._verdict(parts.member, parts.key, parts.transactions)
            if verdict:
                return verdict
            bundle = known or self._bundles.verify(cast(Bundle, parts), raw, digest)
        except Malformed:
            return "unfit"
        self._held.add(bundle, now.monotonic_us)
        return "admitted"

    def _verdict(self, member: NodeId, key: bytes, transactions: Sequence[bytes]) -> str:
        """What costs no signature check: "unfit" (too many, or no registered key), "busy", "known" (all its numbers
        are used), or "". Raises Malformed."""
        count = len(transactions)
        epoch = self._epochs.newest
        before = self._epochs.number(epoch.number - 1) or epoch  # the newest may not be active yet
        if count > self._parameters.batch_transactions_max:
            return "unfit"
        if key not in (epoch.key(member, "submit"), before.key(member, "submit")):
            return "unfit"
        share = max(self._parameters.pool_transactions_max // len(epoch.members), count)
        if self._held.load(member) + count > share:
            return "busy"
        if self._is_all_spent(member, transactions):
            return "known"  # executed before this boot, perhaps: nobody else would order it
        return ""

    def _is_all_spent(self, member: NodeId, transactions: Sequence[bytes]) -> bool:
        return all(self._is_spent(member, _number(transaction)) for transaction in transactions)

    def _is_late(self, bundle: Opened) -> bool:
        """Whether other transactions have taken its numbers since it came. Pools that it reached later never took it
        in, so it is no leader's fault that it still waits."""
        return self._is_all_spent(bundle.member, bundle.transactions)

    # --- as consensus sees it -----------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        return self._held.waiting_count

    @property
    def unexecuted(self) -> int:
        return self._held.waiting_count + self._held.flying_count

    def take(self, now: Now) -> bytes | None:
        count, size = 0, 0
        taken: dict[bytes, bytes] = {}
        ids: set[bytes] = set()
        for digest, entry in self._held.waiting.items():
            bundle = entry.bundle
            if not ids.isdisjoint(bundle.ids):
                continue  # the same transaction in another bundle: two in one batch would make it unfit
            count += len(bundle.ids)
            size += len(bundle.raw) + 5
            too_much = count > self._parameters.batch_transactions_max or size > self._parameters.batch_bytes_max - 64
            if too_much and taken:
                break
            ids.update(bundle.ids)
            taken[digest] = bundle.raw
        for digest in taken:
            self._held.fly(digest)
        return encode_batch(now.wall_us, list(taken.values())) if taken else None

    def judge(self, batch: bytes) -> str | None:
        if len(batch) > self._parameters.batch_bytes_max:
            return "batch too long"
        try:
            decoded = self._bundles.decode_batch(batch)
            if not decoded.bundles:
                return "batch without bundles"
            count = 0
            ids: set[bytes] = set()
            for raw, digest in zip(decoded.bundles, decoded.digests, strict=True):
                bundle = self._bundles.open(raw, digest=digest)
                count += len(bundle.ids)
                ids.update(bundle.ids)
        except Malformed as error:
            return f"batch: {error}"
        if count > self._parameters.batch_transactions_max:
            return "batch of too many transactions"
        if len(ids) != count:
            return "a transaction stands twice in the batch"
        return None

    def order(self, batch: bytes) -> None:
        try:
            digests = self._bundles.decode_batch(batch).digests
        except Malformed:
            return
        for digest in digests:
            self._held.fly(digest)

    def release(self) -> None:
        self._held.land()

    def was_overtaken(self, now: Now, wait_us: int) -> bool:
        for digest, entry in self._held.waiting.items():  # the oldest that waits
            if self._is_late(entry.bundle):
                continue
            told_us = self._told.get(digest, (0, 0))[1]
            if not told_us or now.monotonic_us - entry.received_us < wait_us:
                return False
            return self._overtaker_us >= told_us + wait_us // 2
        return False


def _number(transaction: bytes) -> int:
    """The number of a transaction; one that cannot be read has a number that nobody uses."""
    try:
        return decode_call(transaction).number
    except Malformed:
        return -1
