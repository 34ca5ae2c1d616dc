"""What this organisation wants on the ledger: numbered, durable before it is said, said once, also across crashes.

A role's `Submit(reference, calls)` becomes numbered transactions; the signed bundle is persisted with its reference
before it leaves. After a crash the same reference is known, and what was not executed is submitted again unchanged:
the same transactions, the same ids, executed once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import (
    BundleSigned,
    Effect,
    Event,
    Jumped,
    Note,
    Now,
    Outcome,
    Persist,
    Receipted,
    Sign,
    Skipped,
    Started,
    Submit,
    Submitted,
    Wished,
)
from consortium.core.membership import NodeId
from consortium.core.requests import is_request
from consortium.core.transaction import (
    BUNDLE_BYTES_MAX,
    NUMBER_WINDOW,
    Bundles,
    Opened,
    decode_call,
    encode_transaction,
)

FORMAT = 1
RENEWED = " renewed"  # ends the reference of a bundle that is signed again
OUTSTANDING_MAX = 2_000  # transactions signed and not executed, and numbers above the oldest of them
RENUMBER = ("number-used", "number-stale", "number-ahead")
NOT_TAKEN = (*RENUMBER, "unknown-member", "unknown-key", "malformed")  # receipts of those that took no number

_KEY_MISSING = (
    "the submit key that is registered for this member comes from none of the secrets here: what it says is refused "
    "until the members register another, or this node is given the secret"
)


class Wish(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A durable record: this reference was submitted as this bundle."""

    format: int
    reference: str
    bundle: bytes


_WISH: Decoder[Wish] = Decoder(Wish, BUNDLE_BYTES_MAX + 4_096)


class _Sent(NamedTuple):
    since_us: int
    late_us: int  # so long before that it was due
    size: int  # transactions in the bundle
    missing: set[bytes]  # transaction ids not executed yet
    bundle: Opened


class Outbox:
    """Signs as `member`. Hears Submit, Wished, BundleSigned, Submitted, Receipted, Jumped; emits Sign, Persist,
    Submitted, Skipped, Note.

    It takes numbers that are multiples of `every`, and leaves the others to whoever signs for this member beside it.

    `registered` tells the member's submit key as of the next height. Where it changes, bundles under another key are
    signed again: the same transactions, the same ids, executed once. `used_by` tells the first 16 bytes of the id that
    used a number of this member (None: it is free). A number that another transaction of ours took, or that fell out
    of the window, is lost: nobody orders what waits under it any more, so it is said again under the next number.
    `is_application` tells whether a key is that of an application of this member, whose bundles are not ours.
    """

    def __init__(
        self,
        member: NodeId,
        bundles: Bundles,
        every: int = 1,
        registered: Callable[[], bytes | None] = lambda: None,
        used_by: Callable[[int], bytes | None] = lambda number: None,
        is_application: Callable[[bytes], bool] = lambda key: False,
    ) -> None:
        self._member = member
        self._registered = registered
        self._key = registered()
        self._foreign_key: bytes | None = None  # a registered key of ours under which the host cannot sign
        self._bundles = bundles
        self._every = every
        self._next_number = every
        self._references: set[str] = set()
        self._queue: deque[Submit] = deque()
        self._being_signed = 0
        self._sent: dict[bytes, _Sent] = {}  # by transaction id
        self._by_number: dict[int, list[bytes]] = {}  # ids that were sent under a number and are not executed
        self._used_by = used_by
        self._is_application = is_application
        self._floor = 0  # numbers up to here lie below the ledger's window: nothing will be executed under them
        self._recovered: list[Wish] = []  # between Started and resume
        self._history: set[bytes] = set()  # our executed ids, as replayed between Started and resume

    @property
    def pending(self) -> int:
        """Transactions wished for and not executed."""
        return len(self._sent) + self._being_signed + sum(len(wish.calls) for wish in self._queue)

    def step(self, now: Now, event: Event | Submit) -> Sequence[Effect]:
        match event:
            case Submit():
                return self._on_submit(event)
            case Wished(reference, calls):
                named = tuple((contract, operation, msgspec.Raw(given)) for contract, operation, given in calls)
                return self._on_submit(Submit(reference, named, is_urgent=True))
            case BundleSigned():
                return self._on_signed(event)
            case Submitted(bundles, late_us):
                return self._on_submitted(now, bundles, late_us)
            case Receipted():
                return self._on_receipted(now, event)
            case Started(records):
                return self._on_started(records)
            case Jumped():
                return self._on_jumped(now, event)
            case _:
                return []

    def _on_started(self, records: Sequence[bytes]) -> list[Effect]:
        for record in records:
            wish = _WISH.decode(record)
            self._references.add(wish.reference)
            self._recovered.append(wish)
        return []

    def resume(self) -> list[Effect]:
        """After history was replayed: submit again what the ledger does not hold, unchanged."""
        again: list[bytes] = []
        for wish in self._recovered:
            opened = self._bundles.open(wish.bundle, is_trusted=True)
            self._pass(decode_call(opened.transactions[-1]).number)
            if not self._history.issuperset(opened.ids):
                again.append(wish.bundle)
        self._recovered = []
        self._history = set()
        return [Submitted(tuple(again))] if again else []

    def _on_submit(self, wish: Submit) -> list[Effect]:
        if wish.reference in self._references or not wish.calls:
            return []
        self._references.add(wish.reference)
        if wish.is_urgent:
            return [self._sign(wish)]
        self._queue.append(wish)
        return self._pump()

    def _pump(self) -> list[Effect]:
        effects: list[Effect] = []
        while self._queue and self._has_room:
            effects.append(self._sign(self._queue.popleft()))
        return effects

    @property
    def _has_room(self) -> bool:
        """Neither too many transactions nor too many numbers are outstanding: one that waits long must not fall out of
        the ledger's window because of those that came after it."""
        oldest = min(self._by_number, default=self._next_number)
        numbers_max = OUTSTANDING_MAX // self._every
        return len(self._sent) + self._being_signed < numbers_max and self._next_number - oldest < OUTSTANDING_MAX

    def _sign(self, wish: Submit) -> Sign:
        first = self._next_number
        numbered = tuple(_transaction(first + index * self._every, call) for index, call in enumerate(wish.calls))
        self._next_number += len(numbered) * self._every
        self._being_signed += len(numbered)
        return Sign(wish.reference, numbered)

    def _pass(self, number: int) -> None:
        """This number is taken: go on with a later one."""
        self._next_number = max(self._next_number, (number // self._every + 1) * self._every)

    def _on_signed(self, event: BundleSigned) -> list[Effect]:
        """Durable before it is said. Where the host has not the secret of the registered key, what was to be signed
        again is not: the same bytes would come back. It waits until another key is registered."""
        opened = self._bundles.open(event.bundle)
        self._being_signed -= len(opened.ids)
        effects: list[Effect] = []
        registered = self._registered()
        if registered not in (None, opened.key):
            if self._foreign_key != registered:
                self._foreign_key = registered
                effects.append(Note("key_missing", {"why": _KEY_MISSING}))
            if event.reference.endswith(RENEWED):
                return effects
        record = encode(Wish(FORMAT, event.reference, event.bundle))
        return [*effects, Persist(record, None), Submitted((event.bundle,))]

    def _on_submitted(self, now: Now, bundles: Sequence[bytes], late_us: Sequence[int]) -> list[Effect]:
        """Remember when our bundles left, whoever signed them (a role may bring bundles signed before)."""
        effects: list[Effect] = []
        for raw, late in zip(bundles, late_us or repeat(0), strict=False):
            try:
                opened = self._bundles.open(raw)
            except Malformed:
                continue
            if opened.member != self._member or self._is_of_application(opened) or self._is_executed(opened):
                continue
            fields: dict[str, Any] = {"bundle": opened.digest.hex()[:16], "transactions": len(opened.ids)}
            before = self._sent.get(opened.ids[0])
            if before is not None and before.bundle.digest != opened.digest:
                fields["replaces"] = before.bundle.digest.hex()[:16]
            fields |= {"late_us": late} if late else {}
            sent = _Sent(now.monotonic_us, late, len(opened.ids), set(opened.ids), opened)
            for identity in opened.ids:
                self._sent[identity] = sent
            effects += [Note("submitted", fields), *self._renew(opened), *self._number(opened)]
        return effects

    def _is_of_application(self, bundle: Opened) -> bool:
        """Whether an application signed it: it has no number of ours, and another looks after it."""
        return bundle.key != self._registered() and self._is_application(bundle.key)

    def _is_executed(self, bundle: Opened) -> bool:
        """Whether all of it was executed, in another bundle perhaps, before it was said (again): signed again with a
        new key in the very step in which the old one came through, say."""
        for identity, transaction in zip(bundle.ids, bundle.transactions, strict=True):
            try:
                taker = self._used_by(decode_call(transaction).number)
            except Malformed:
                return False
            if taker != identity[:16]:
                return False
        return True

    def _number(self, bundle: Opened) -> list[Effect]:
        """Remember who goes under which number; whose number is taken already goes under another one."""
        effects: list[Effect] = []
        for identity, transaction in zip(bundle.ids, bundle.transactions, strict=True):
            try:
                number = decode_call(transaction).number
            except Malformed:
                continue  # signed elsewhere: the ledger will say so
            rivals = self._by_number.setdefault(number, [])
            if identity not in rivals:
                rivals.append(identity)
            taker = self._used_by(number)
            effects.extend(self._lose(number, taker))
            if taker == identity[:16]:  # executed before it was said again: its receipt came, or comes in this step
                self._sent.pop(identity).missing.discard(identity)
                self._by_number.pop(number, None)
        return effects

    def _lose(self, number: int, taker: bytes | None) -> list[Effect]:
        """This number was taken: ours under it that did not take it are said again under the next one."""
        if taker is None or number not in self._by_number:
            return []
        effects: list[Effect] = []
        for identity in self._by_number.pop(number):
            sent = self._sent.get(identity)
            if sent is None:
                continue
            if identity[:16] == taker:
                self._by_number.setdefault(number, []).append(identity)
                continue
            del self._sent[identity]
            sent.missing.discard(identity)
            call = decode_call(sent.bundle.transactions[sent.bundle.ids.index(identity)])
            effects.append(Note("renumbered", {"bundle": sent.bundle.digest.hex()[:16], "number": number}))
            effects.extend(self._say_again(identity, (call.contract, call.operation, call.arguments)))
        return effects

    def _unnumber(self, identity: bytes, number: int) -> None:
        """Nothing is awaited for this transaction under its number any more."""
        rivals = self._by_number.get(number)
        if rivals is not None and identity in rivals:
            rivals.remove(identity)
            if not rivals:
                del self._by_number[number]

    def _number_of(self, identity: bytes) -> int:
        """0 where the transaction, signed elsewhere, has none."""
        bundle = self._sent[identity].bundle
        try:
            return decode_call(bundle.transactions[bundle.ids.index(identity)]).number
        except Malformed:
            return 0

    def _expire(self, floor: int) -> list[Effect]:
        """Ours that wait under numbers up to this one came too late: no pool keeps them, no receipt will tell."""
        effects: list[Effect] = []
        for number in range(self._floor + 1, floor + 1):
            effects.extend(self._lose(number, b""))
        self._floor = max(self._floor, floor)
        return effects

    def _renew(self, bundle: Opened) -> list[Effect]:
        """Sign its transactions again if its key is not the registered one (any more), and that one is ours."""
        if self._registered() in (None, bundle.key, self._foreign_key):
            return []
        self._being_signed += len(bundle.ids)
        return [Sign(f"{bundle.digest.hex()}{RENEWED}", bundle.transactions)]

    def _on_new_key(self) -> list[Effect]:
        before, self._key = self._key, self._registered()
        if before == self._key:
            return []
        stale = {sent.bundle.digest: sent.bundle for sent in self._sent.values()}
        return [effect for bundle in stale.values() for effect in self._renew(bundle)]

    def _on_receipted(self, now: Now, event: Receipted) -> list[Effect]:
        effects: list[Effect] = []
        for outcome in event.outcomes:
            if outcome.member != self._member or is_request(outcome.number):
                continue
            identity = outcome.receipt.transaction
            if outcome.receipt.code == "unknown-key":
                continue  # not executed: it is signed again with the registered key
            if event.is_replay:
                self._history.add(identity)
            self._pass(outcome.number)
            if outcome.receipt.code not in NOT_TAKEN:
                effects.extend(self._lose(outcome.number, identity[:16]))
                self._by_number.pop(outcome.number, None)
                effects.extend(self._expire(outcome.number - NUMBER_WINDOW))
            if identity not in self._sent:
                continue
            self._unnumber(identity, outcome.number or self._number_of(identity))
            if outcome.receipt.code in RENUMBER:
                effects.extend(self._renumber(outcome))
            effects.extend(self._included(now, identity, event.height))
        effects.extend(self._on_new_key())
        if self._queue:
            effects.extend(self._pump())
        return effects

    def _included(self, now: Now, identity: bytes, height: int) -> list[Effect]:
        """One of ours was executed; a note with the last one of its bundle."""
        sent = self._sent.pop(identity)
        sent.missing.discard(identity)
        if sent.missing:
            return []
        fields = {"height": height, "transactions": sent.size, "latency_us": now.monotonic_us - sent.since_us}
        return [Note("included", fields | ({"late_us": sent.late_us} if sent.late_us else {}))]

    def _on_jumped(self, now: Now, event: Jumped) -> list[Effect]:
        """Blocks are not told: what the ledger holds as executed was included, we do not know where. Numbers that are
        too old for its window count as taken by ours: nothing may be done twice, and nothing can be done under them."""
        used = event.used(self._member)
        highest = max(used, default=0)
        self._pass(highest)
        bundles = [self._bundles.open(wish.bundle, is_trusted=True) for wish in self._recovered]
        bundles += [sent.bundle for sent in self._sent.values()]
        ours = {ident: raw for each in bundles for ident, raw in zip(each.ids, each.transactions, strict=True)}
        told = event.told(self._member) if ours else frozenset[int]()
        effects: list[Effect] = []
        skipped: list[tuple[str, str, bytes]] = []
        for identity, transaction in ours.items():
            call = decode_call(transaction)
            is_old = call.number <= highest - NUMBER_WINDOW
            if not is_old and call.number not in used:
                continue
            self._history.add(identity)
            if is_old or used[call.number] == identity[:16]:
                if call.number not in told:
                    skipped.append((call.contract, call.operation, bytes(call.arguments)))
                if identity in self._sent:
                    self._unnumber(identity, call.number)
                    effects.extend(self._included(now, identity, event.height))
            else:  # refused in a block that we shall not see
                effects.extend(self._lose(call.number, used[call.number]))
                effects.extend(self._say_again(identity, (call.contract, call.operation, call.arguments)))
        effects += [Skipped(event.height, tuple(skipped)), *self._on_new_key()]
        return [*effects, *(self._pump() if self._queue else ())]

    def _renumber(self, outcome: Outcome) -> list[Effect]:
        """Our records were lost and a number of ours was taken before: the same call again under the next number."""
        self._pass(outcome.number)
        call = (outcome.contract, outcome.operation, msgspec.Raw(outcome.arguments))
        return self._say_again(outcome.receipt.transaction, call)

    def _say_again(self, identity: bytes, call: tuple[str, str, Any]) -> list[Effect]:
        return self._on_submit(Submit(f"{identity.hex()} again", (call,)))


def _transaction(number: int, call: tuple[str, str, Any]) -> bytes:
    contract, operation, arguments = call
    return encode_transaction(number, contract, operation, arguments)
