"""Bundles that applications signed: durable here before they are said, and said again until they are executed.

They are another's signature: nothing in them can be numbered or signed anew. What was refused, or can be executed no
more, is dropped. A record is kept up to a height and written anew before a seal reaches that, so the log does not grow
with what was executed.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import Effect, Event, HandedIn, Jumped, Note, Now, Persist, Receipted, Started, Submitted
from consortium.core.transaction import BUNDLE_BYTES_MAX, Bundles, Opened, decode_call

FORMAT = 1
KEPT_HEIGHTS = 64  # a record is good for so many heights
RENEWED_BEFORE = 8  # and written anew so many before they are over
SAID_MAX = 2_000  # transactions of recovered bundles that are said at once


class Handed(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A durable record: this bundle was taken."""

    format: int
    bundle: bytes


_HANDED: Decoder[Handed] = Decoder(Handed, BUNDLE_BYTES_MAX + 64)


class _Pending(NamedTuple):
    bundle: Opened
    until: int  # the height up to which its newest record is kept
    missing: set[bytes]  # ids that were not executed yet
    since_us: int  # when it was taken, or this node has booted with it


class HandIns:
    """Hears HandedIn, Receipted, Jumped; emits Persist, Submitted, Note.

    `is_gone(bundle)`: whether no block would execute it any more. `used_by(member, number)`: the first 16 bytes of the
    id that used a number. `head_height()`: the ledger's.
    """

    def __init__(
        self,
        bundles: Bundles,
        is_gone: Callable[[Opened], bool],
        used_by: Callable[[str, int], bytes | None],
        head_height: Callable[[], int],
    ) -> None:
        self._bundles = bundles
        self._is_gone = is_gone
        self._used_by = used_by
        self._head_height = head_height
        self._pending: OrderedDict[bytes, _Pending] = OrderedDict()  # by digest, in order of `until`
        self._holders: dict[bytes, bytes] = {}  # transaction id -> digest of the bundle
        self._unsaid: deque[bytes] = deque()  # digests of those recovered that were not said again yet

    @property
    def pending(self) -> int:
        """Transactions taken and not executed."""
        return len(self._holders)

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case HandedIn(bundles):
                return self._on_handed(now, bundles)
            case Receipted():
                return self._on_receipted(now, event) if self._pending else ()
            case Jumped(height=height):
                return self._look_through(now, height, None) if self._pending else ()
            case Started(records):
                return self._on_started(now, records)
            case _:
                return ()

    def _on_handed(self, now: Now, raws: Sequence[bytes]) -> list[Effect]:
        effects: list[Effect] = []
        said: list[bytes] = []
        for raw in raws:
            try:
                opened = self._bundles.open(raw)
            except Malformed:
                continue
            if opened.digest in self._pending or self._is_gone(opened):
                continue
            effects += [self._hold(opened, self._head_height(), now.monotonic_us), _submitted(opened)]
            said.append(opened.raw)
        return [*effects, Submitted(tuple(said))] if said else effects

    def _hold(self, bundle: Opened, height: int, since_us: int) -> Persist:
        """It is pending; its record, for so long from this height on."""
        until = height + KEPT_HEIGHTS
        known = self._pending.pop(bundle.digest, None)
        missing = set(bundle.ids) if known is None else known.missing
        self._pending[bundle.digest] = _Pending(bundle, until, missing, since_us)
        for identity in missing:
            self._holders[identity] = bundle.digest
        return Persist(encode(Handed(FORMAT, bundle.raw)), until)

    def _on_receipted(self, now: Now, event: Receipted) -> list[Effect]:
        """Whatever became of a transaction, it is over. (One that took no number can be handed in again.)"""
        holders, effects = self._holders, list[Effect]()
        for outcome in event.outcomes:
            digest = holders.pop(outcome.receipt.transaction, None)
            if digest is None or digest not in self._pending:
                continue
            held = self._pending[digest]
            held.missing.discard(outcome.receipt.transaction)
            if not held.missing:
                del self._pending[digest]
                effects.append(_included(now, held, event.height))
        effects += self._look_through(now, event.height, event.height + RENEWED_BEFORE)
        return [*effects, *self._say()] if self._unsaid else effects

    def _look_through(self, now: Now, height: int, due: int | None) -> list[Effect]:
        """What can be executed no more goes; of the others the record is written anew. Those whose record ends at `due`
        or before; None: all."""
        effects: list[Effect] = []
        for _ in range(len(self._pending)):
            held = next(iter(self._pending.values()))
            if due is not None and held.until > due:
                break
            if self._is_gone(held.bundle):
                effects.append(self._drop(now, held, height))
            else:
                effects.append(self._hold(held.bundle, height, held.since_us))
        return effects

    def _drop(self, now: Now, held: _Pending, height: int) -> Note:
        """Of one that is executed no more; in blocks that were not told, or in another bundle, it may have been."""
        del self._pending[held.bundle.digest]
        for identity in held.missing:
            self._holders.pop(identity, None)
        if self._is_executed(held.bundle):
            return _included(now, held, height)
        fields = {"bundle": held.bundle.digest.hex()[:16], "transactions": len(held.missing)}
        return Note("hand_in_dropped", fields)

    def _is_executed(self, bundle: Opened) -> bool:
        try:
            return all(
                self._used_by(bundle.member, decode_call(transaction).number) == identity[:16]
                for identity, transaction in zip(bundle.ids, bundle.transactions, strict=True)
            )
        except Malformed:
            return False

    def _on_started(self, now: Now, records: Sequence[bytes]) -> list[Effect]:
        """What was taken before this boot and is not executed is said again, bit by bit: the pool's room is bounded."""
        effects: list[Effect] = []
        for record in records:
            opened = self._bundles.open(_HANDED.decode(record).bundle, is_trusted=True)
            if opened.digest not in self._pending and not self._is_gone(opened):
                effects += [self._hold(opened, self._head_height(), now.monotonic_us), _submitted(opened)]
                self._unsaid.append(opened.digest)
        return [*effects, *self._say()]

    def _say(self) -> list[Effect]:
        """More of what was recovered, as far as less than `SAID_MAX` transactions are under way."""
        waiting = sum(len(self._pending[digest].missing) for digest in self._unsaid if digest in self._pending)
        said: list[bytes] = []
        while self._unsaid and len(self._holders) - waiting < SAID_MAX:
            held = self._pending.get(self._unsaid.popleft())
            if held is not None:
                waiting -= len(held.missing)
                said.append(held.bundle.raw)
        return [Submitted(tuple(said))] if said else []


def _submitted(bundle: Opened) -> Note:
    """As of what an outbox says: checks and measures judge both alike."""
    return Note("submitted", {"bundle": bundle.digest.hex()[:16], "transactions": len(bundle.ids)})


def _included(now: Now, held: _Pending, height: int) -> Note:
    fields = {"height": height, "transactions": len(held.bundle.ids), "latency_us": now.monotonic_us - held.since_us}
    return Note("included", {**fields, "bundle": held.bundle.digest.hex()[:16]})
