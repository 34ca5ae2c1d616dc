"""A host gives a machine an identity: it signs, verifies, decodes, keeps named timers and guards the secrets.

Pure like the machine: bytes and wake-ups in, `Output`s out, in step order. Nothing that arrives makes it raise.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from consortium.core.codec import Malformed
from consortium.core.crypto import KeySuite
from consortium.core.keyring import Keyring
from consortium.core.machine import (
    Apply,
    Broadcast,
    BundleSigned,
    CancelTimer,
    Drop,
    Effect,
    Expired,
    HandIn,
    Keep,
    Machine,
    Mangled,
    Note,
    Now,
    Output,
    Persist,
    Rebroadcast,
    Received,
    Send,
    SetTimer,
    Sign,
    Started,
    Store,
    Submitted,
    Transmit,
    Utter,
    Wake,
)
from consortium.core.membership import Epochs, NodeId, Purpose
from consortium.core.messages import Frame, Message, Signed, decode_frame, encode_frame
from consortium.core.protocol import Counting
from consortium.core.transaction import sign_bundle
from consortium.core.vault import derive_secret
from consortium.core.verifier import Foreign, Verifier
from consortium.node.publishers import Publishers
from consortium.node.way import publisher_of

REPEAT_US = 100_000  # a byte-identical frame within this time is a repeat of the bus, not a retransmission
REPEATS_REMEMBERED_MAX = 4_096


NO_COUNTERS: Mapping[type[Message], Counting] = MappingProxyType({})


def _is_never_needless(body: bytes) -> bool:
    """A function of the module, and no lambda: the exhaustive search keeps hosts as bytes."""
    return False


class Host:
    """One identity. `current_epoch()` is the number of the epoch in which this node speaks now. `counters` names the
    parts of the machine that may count a vote of a type without a step of it. `is_needless(body)`: whether nothing
    would come of a statement with this body, whoever signed it: then nobody looks at its signature."""

    def __init__(
        self,
        me: NodeId,
        machine: Machine,
        verifier: Verifier,
        suite: KeySuite,
        secrets: Mapping[Purpose, bytes],
        epochs: Epochs,
        current_epoch: Callable[[], int],
        counters: Mapping[type[Message], Counting] = NO_COUNTERS,
        is_needless: Callable[[bytes], bool] = _is_never_needless,
    ) -> None:
        self.me = me
        self.machine = machine
        self._verifier = verifier
        self._suite = suite
        self._secrets = dict(secrets)
        self._keyring = Keyring(suite, secrets)
        self._epochs = epochs
        self._current_epoch = current_epoch
        self._is_needless = is_needless
        self._timers: dict[tuple[str, ...], int] = {}  # name -> token
        self._tokens: dict[int, tuple[str, ...]] = {}
        self._next_token = 1
        self._seen: OrderedDict[bytes, int] = OrderedDict()
        self._publishers = Publishers()
        self._hearing: NodeId | None = None  # whose frame the machine is stepped with
        self.counters = counters

    # --- what a driver calls ------------------------------------------------------------------------------------

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]:
        """The first call. `records` are those that were stored before this boot, oldest first."""
        outputs: list[Output] = [Note("booted", {"records": len(records)})]
        self._run(now, Started(tuple(records)), outputs)
        return outputs

    def arrival(self, now: Now, publisher: NodeId, payload: bytes) -> list[Output]:
        """One frame from the bus, whatever it holds. `publisher`: the member on whose topic it came, with the way where
        there are several brokers."""
        if self._publishers.is_shut_out(now.monotonic_us, publisher):
            return []
        digest = sha256(payload).digest()
        if self._is_repeat(now, digest):
            return []
        try:
            frame = decode_frame(payload)
        except Malformed as error:
            return self._charge(now, publisher, str(error), len(payload))
        return self._receive(now, publisher, frame)

    def receive(self, now: Now, publisher: NodeId, frame: Frame, digest: bytes) -> list[Output]:
        """Like `arrival`, for a driver that decoded the frame of this digest once for many hosts."""
        if self._publishers.is_shut_out(now.monotonic_us, publisher) or self._is_repeat(now, digest):
            return []
        return self._receive(now, publisher, frame)

    def hear(self, now: Now, event: Received, digest: bytes | None) -> list[Output]:
        """Like `receive`, for a driver that also verified the frame once for many hosts: what it says depends on the
        bytes and the members of its epoch alone. The driver knows that its sender published it; `digest` None: and
        that this frame comes once."""
        if self._publishers.is_shut_out(now.monotonic_us, event.sender):
            return []
        if digest is not None and self._is_repeat(now, digest):
            return []
        if self._epochs.number(event.epoch) is None:
            return self._receive(now, event.sender, Frame(event.signed, event.attachment))
        if event.sender == self.me:
            return []
        counter = self.counters.get(type(event.message))
        if counter is not None and counter.count(event):
            return []
        return self._heard(now, event)

    def remember(self, monotonic_us: int, digest: bytes) -> None:
        """This frame was heard at that time, though by `hear` without a digest."""
        self._seen.setdefault(digest, monotonic_us)

    def verify_once(self, frame: Frame) -> Received | None:
        """What `hear` takes, for a driver to share between hosts; None where the frame does not hold."""
        try:
            epoch, message = self._verifier.open(frame.signed, self._epochs)
        except Malformed:
            return None
        return Received(frame.signed.sender, message, frame.signed, epoch, frame.attachment)

    def wake(self, now: Now, token: int) -> list[Output]:
        """A `Wake` has run out; a stale token does nothing."""
        name = self._tokens.pop(token, None)
        if name is None:
            return []
        del self._timers[name]
        outputs: list[Output] = []
        self._run(now, Expired(name), outputs)
        return outputs

    def submit(self, now: Now, bundles: tuple[bytes, ...]) -> list[Output]:
        """Bundles signed elsewhere, straight into the pool: nothing is remembered of them."""
        outputs: list[Output] = []
        self._run(now, Submitted(bundles), outputs)
        return outputs

    def hand_in(self, now: Now, event: HandIn) -> list[Output]:
        """What an application or a person brings to this node's door."""
        outputs: list[Output] = []
        self._run(now, event, outputs)
        return outputs

    def secret(self, purpose: str, identity: str) -> bytes:
        """32 bytes that only this node can know, the same for the same arguments: salts and nonces."""
        return derive_secret(self._secrets["vote"], purpose, identity)

    # --- inside -------------------------------------------------------------------------------------------------

    def _is_repeat(self, now: Now, digest: bytes) -> bool:
        seen_us = self._seen.get(digest)
        if seen_us is not None and now.monotonic_us - seen_us < REPEAT_US:
            return True
        self._seen[digest] = now.monotonic_us
        self._seen.move_to_end(digest)
        if len(self._seen) > REPEATS_REMEMBERED_MAX:
            self._seen.popitem(last=False)
        return False

    def _receive(self, now: Now, publisher: NodeId, frame: Frame) -> list[Output]:
        """Nobody passes on what another signed: a frame whose signer is not its publisher is refused before its
        signature costs anything. One of an epoch or a member that we do not know yet is nobody's fault."""
        signed, name = frame.signed, publisher_of(publisher)
        if name == self.me:
            return []  # an echo: our own statements are looped back inside
        if signed.sender != name:
            return self._charge(now, publisher, f"published in the name of {signed.sender[:64]!r}")
        if self._is_needless(signed.body):
            return []
        try:
            epoch, message = self._verifier.open(signed, self._epochs)
        except Foreign as error:
            note = Note("rejected", {"why": str(error)[:120], "sender": name[:64]})
            return [*self._publishers.ration(now.monotonic_us, publisher, note)]
        except Malformed as error:
            return self._charge(now, publisher, str(error))
        return self._heard(now, Received(signed.sender, message, signed, epoch, frame.attachment))

    def _heard(self, now: Now, event: Received) -> list[Output]:
        outputs: list[Output] = []
        self._hearing = event.sender
        self._run(now, event, outputs)
        self._hearing = None
        return outputs

    def _charge(self, now: Now, publisher: NodeId, why: str, size: int = 0) -> list[Output]:
        notes = self._publishers.charge(now.monotonic_us, publisher, why, size)
        if any(note.kind == "shut_out" for note in notes):
            self.counters = NO_COUNTERS  # its votes must come past us from now on
        return [*notes]

    def _run(self, now: Now, event: Any, outputs: list[Output]) -> None:
        """Step the machine, and again for everything that comes back to it."""
        events: deque[Any] = deque((event,))
        while events:
            for effect in self.machine.step(now, events.popleft()):
                self._carry(now, effect, events, outputs)

    def _carry(self, now: Now, effect: Effect, events: deque[Any], outputs: list[Output]) -> None:
        match effect:
            case Broadcast(message, attachment, epoch):
                signed = self._sign(message, epoch)
                outputs.append(Transmit(None, encode_frame(Frame(signed, attachment))))
                events.append(self._looped(message, signed, epoch, attachment))
            case Send(to, message, attachment, epoch):
                signed = self._sign(message, epoch)
                if to == self.me:
                    events.append(self._looped(message, signed, epoch, attachment))
                else:
                    outputs.append(Transmit(to, encode_frame(Frame(signed, attachment))))
            case Rebroadcast(signed, attachment, to):
                outputs.append(Transmit(to, encode_frame(Frame(signed, attachment))))
            case Persist(record, height):
                outputs.append(Store(record, height))
            case SetTimer(name, delay_us):
                outputs.append(self._set_timer(name, delay_us))
            case CancelTimer(name):
                self._cancel_timer(name)
            case Sign(reference, transactions):
                events.append(BundleSigned(reference, self._bundle(transactions)))
            case Note("rejected") if self._hearing is not None:
                outputs.extend(self._publishers.ration(now.monotonic_us, self._hearing, effect))
            case Note() | Apply() | Keep() | Drop():
                outputs.append(effect)
            case Utter(payload, to):
                outputs.append(Transmit(to, payload))
            case Mangled(spoken, mangle):
                first = len(outputs)
                self._carry(now, spoken, events, outputs)
                outputs[first:] = [
                    Transmit(said.to, mangle(said.payload)) if isinstance(said, Transmit) else said
                    for said in outputs[first:]
                ]
            case _:
                raise AssertionError(f"a host cannot carry out {type(effect).__name__}")

    def _bundle(self, transactions: tuple[bytes, ...]) -> bytes:
        secret = self._keyring.secret("submit", self._epochs.number(self._current_epoch()), self.me)
        return sign_bundle(self._verifier.codec.chain, self._suite, secret, self.me, transactions)

    def _sign(self, message: Message, epoch: int | None) -> Signed:
        number = self._current_epoch() if epoch is None else epoch
        body = self._verifier.codec.statement(number, message)
        secret = self._keyring.secret("vote", self._epochs.number(number), self.me)
        return Signed(self.me, body, self._suite.sign(secret, body))

    def _looped(self, message: Message, signed: Signed, epoch: int | None, attachment: bytes) -> Received:
        number = self._current_epoch() if epoch is None else epoch
        return Received(self.me, message, signed, number, attachment)

    def _cancel_timer(self, name: tuple[str, ...]) -> None:
        token = self._timers.pop(name, None)
        if token is not None:
            del self._tokens[token]

    def _set_timer(self, name: tuple[str, ...], delay_us: int) -> Wake:
        self._cancel_timer(name)
        token = self._next_token
        self._next_token += 1
        self._timers[name] = token
        self._tokens[token] = name
        return Wake(token, max(0, delay_us))
