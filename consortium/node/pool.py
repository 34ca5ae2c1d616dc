"""The bundles that wait to be ordered: bounded, first come first served, a share per member.

Submissions are broadcast, many bundles a message. A bundle that is still unordered after half a timer is relayed. A
full pool answers BUSY and starts no timer.

What waits does not depend on what a node remembers, for nodes boot: a bundle waits until a block holds it, or until
the ledger would execute none of its transactions any more. One that was refused and took no number may come again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from consortium.node.relays import Relays
from consortium.node.submission import Busy, Submission, broadcasts, submitted_bundles

RELAY_TIMER = ("pool", "relay")
APPLICATIONS_SHARE = 75  # percent of a member's share of the pool that its applications may fill
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
        is_application: Callable[[NodeId, bytes], bool] = lambda member, key: False,
    ) -> None:
        """`is_spent(member, number)` tells whether no block will execute this number of this member any more: it was
        used, or lies below the window. `head_height()` is the ledger's: the epoch of the next height tells which
        parameters and keys hold. `is_application(member, key)`: whether the next block executes
        what this key signs for the member beside its own."""
        self._me = me
        self._epochs = epochs
        self._genesis_parameters = parameters
        self._head_height = head_height
        self._bundles = bundles
        self._is_spent = is_spent
        self._is_application = is_application
        self._held = HeldBundles()
        self._relays = Relays(me, self._held, self.is_gone)
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
        verdicts = [(raw, self._admit(now, raw)) for raw in raws]
        fit = [raw for raw, verdict in verdicts if verdict in ("admitted", "known", "busy")]
        effects = broadcasts(fit)
        turned_away = [self._bundles.decode(raw) for raw, verdict in verdicts if verdict == "busy"]
        if turned_away:
            effects.append(Note("no_room", {"transactions": sum(len(each.transactions) for each in turned_away)}))
        if fit:
            effects.extend(self._available())
        return effects

    def _available(self) -> list[Effect]:
        effects: list[Effect] = [Available()]
        if not self._is_relay_set and not self._held.is_empty:
            self._is_relay_set = True
            effects.append(SetTimer(RELAY_TIMER, self._parameters.timer_base_us // 2))
        return effects

    def _on_relay(self, now: Now) -> list[Effect]:
        """Tell again what nobody has ordered for half a timer."""
        self._is_relay_set = False
        wait_us = self._parameters.timer_base_us // 2
        chosen, next_us = self._relays.look(now.monotonic_us, wait_us, self._overtaker_us)
        effects = broadcasts([entry.bundle.raw for entry in chosen])
        if not self._held.is_empty:
            self._is_relay_set = True
            effects.append(SetTimer(RELAY_TIMER, next_us))
        return effects

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
        self._relays.forget(digest)
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
        """ "admitted", "known" (here, or nothing of it will be executed any more), "busy" (this member's share is full)
        or "unfit"."""
        if len(raw) > min(BUNDLE_BYTES_MAX, self._parameters.batch_bytes_max):
            return "unfit"
        digest = bundle_digest(raw)
        if self._held.knows(digest):
            return "known"
        try:
            verdict, bundle = self._judge_bundle(raw, digest)
        except Malformed:
            return "unfit"
        if bundle is None:
            if verdict == "known":
                self._held.settle(digest)
            return verdict
        is_own = self._is_own(bundle.member, bundle.key)
        self._held.add(bundle, now.monotonic_us, is_of_application=not is_own)
        return "admitted"

    def look(self, raw: bytes, more: int = 0) -> str:
        """What would become of this bundle, as `_admit` says it, if it came after `more` other transactions of its
        member. Nothing changes here."""
        if len(raw) > min(BUNDLE_BYTES_MAX, self._parameters.batch_bytes_max):
            return "unfit"
        digest = bundle_digest(raw)
        if self._held.knows(digest):
            return "known"
        try:
            return self._judge_bundle(raw, digest, more)[0] or "admitted"
        except Malformed:
            return "unfit"

    def _judge_bundle(self, raw: bytes, digest: bytes, more: int = 0) -> tuple[str, Opened | None]:
        """The verdict on one that is not here yet; "" with the bundle, verified. Raises Malformed."""
        known = self._bundles.recall(digest)
        parts = known or self._bundles.decode(raw)
        verdict = self._verdict(parts.member, parts.key, parts.transactions, more)
        if verdict:
            return verdict, None
        return "", known or self._bundles.verify(cast(Bundle, parts), raw, digest)

    def _verdict(self, member: NodeId, key: bytes, transactions: Sequence[bytes], more: int) -> str:
        """What costs no signature check: "unfit" (too many, or no registered key), "busy", "known" (no block would
        execute any of it), or "". Raises Malformed."""
        size, is_own = len(transactions), self._is_own(member, key)
        if size > self._parameters.batch_transactions_max or not (is_own or self._is_application(member, key)):
            return "unfit"
        share = self._parameters.pool_transactions_max // len(self._epochs.newest.members)
        if self._held.load(member) + size + more > max(share, size):
            return "busy"
        of_applications = share * APPLICATIONS_SHARE // 100  # the rest of the share is the member's own
        if not is_own and self._held.load_of_applications(member) + size + more > max(of_applications, size):
            return "busy"
        return "known" if self._is_all_spent(member, transactions) else ""

    def _is_registered(self, member: NodeId, key: bytes) -> bool:
        """Whether the next block executes what this key signs, or one of the newest epoch will."""
        return self._is_own(member, key) or self._is_application(member, key)

    def _is_own(self, member: NodeId, key: bytes) -> bool:
        """Whether the next height executes under this key, or the newest epoch will, which may not be active yet."""
        next_height = self._epochs.at(self._head_height() + 1)
        return key in (next_height.key(member, "submit"), self._epochs.newest.key(member, "submit"))

    def _is_all_spent(self, member: NodeId, transactions: Sequence[bytes]) -> bool:
        for transaction in transactions:
            number = _number(transaction)
            if number >= 1 and not self._is_spent(member, number):
                return False
        return True

    def is_gone(self, bundle: Opened) -> bool:
        """Whether no block would execute it any more: other transactions have taken its numbers since it came, or its
        key is registered no more. Pools that it reached later never took it in, so it is no leader's fault that it
        still waits."""
        is_registered = self._is_registered(bundle.member, bundle.key)
        return not is_registered or self._is_all_spent(bundle.member, bundle.transactions)

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

    def oldest_us(self) -> int | None:
        self._first_waiting()
        return self._held.oldest_us()

    def was_overtaken(self, now: Now, wait_us: int) -> bool:
        first = self._first_waiting()
        if first is None or now.monotonic_us - first.received_us < wait_us:
            return False
        told_us = self._relays.second_us(first.bundle.digest)
        return bool(told_us) and self._overtaker_us >= told_us + wait_us // 2

    def _first_waiting(self) -> Entry | None:
        """The oldest that waits; whatever no block would execute any more is dropped on the way."""
        while self._held.waiting:
            digest, entry = next(iter(self._held.waiting.items()))
            if not self.is_gone(entry.bundle):
                return entry
            self._relays.forget(digest)
            self._held.drop(digest)
        return None


def _number(transaction: bytes) -> int:
    """The number of a transaction; one that cannot be read has none (-1): it will never be executed."""
    try:
        return decode_call(transaction).number
    except Malformed:
        return -1
