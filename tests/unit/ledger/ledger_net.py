"""Ledgers, sealers and catch-ups of a few members in virtual time; what consensus decided is handed in by the test."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.machine import (
    Apply,
    Behind,
    Broadcast,
    Decide,
    Executed,
    Expired,
    Note,
    Now,
    Rebroadcast,
    Received,
    Send,
    SetTimer,
    Stable,
    Started,
)
from consortium.core.messages import Signed
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.rows import DictRows
from consortium.ledger.sealer import Sealer
from tests.unit.ledger.ledger_kit import PROTOCOL, SUITE, Chain, secret

Filter = Callable[[str, str, Any], bool]  # sender, receiver, message: does it arrive?
DELAY_US = 1_000


class Node:
    """One member's ledger room."""

    def __init__(self, net: Net, name: str, rows: DictRows | None = None) -> None:
        self.net = net
        self.name = name
        self.chain = Chain(net.genesis, rows)
        parts = (name, net.genesis, self.chain.epochs, self.chain.rows, self.chain.verifier, self.chain.ledger)
        self.sealer = Sealer(*parts)
        self.catch_up = CatchUp(*parts, PROTOCOL.check_decision)
        self.notes: list[Note] = []
        self.applied: list[Apply] = []
        self.timers: dict[tuple[str, ...], int] = {}
        self.lies: Callable[[Any], Any] = lambda effect: effect

    @property
    def head(self) -> int:
        return self.chain.ledger.head_height

    def hear(self, event: Any) -> None:
        """Route like `core.node.Node`."""
        inbox: deque[tuple[Any, Any]] = deque((machine, event) for machine in self._hearers(event))
        while inbox:
            machine, heard = inbox.popleft()
            for effect in machine.step(self.net.now, heard):
                inbox.extend((listener, effect) for listener in self._carry(self.lies(effect)))

    def _hearers(self, event: Any) -> list[Any]:
        match event:
            case Decide():
                return [self.chain.ledger]
            case Received(message=message):
                return [self.sealer if isinstance(message, Sealer.messages) else self.catch_up]
            case Expired(timer=timer):
                return [self.sealer if timer[0] == "sealer" else self.catch_up]
            case Started():
                return [self.chain.ledger, self.sealer, self.catch_up]
            case Executed():
                return [self.sealer, self.catch_up]
            case Stable():
                return [self.sealer, self.catch_up, self.chain.ledger]
            case Behind():
                return [self.catch_up]
            case _:
                return []

    def _carry(self, effect: Any) -> list[Any]:
        match effect:
            case Broadcast(message, attachment, epoch):
                signed = self.net.sign(self.name, epoch or 0, message)
                self.net.send(self.name, None, signed, attachment)
                self.hear_later(Received(self.name, message, signed, epoch or 0, attachment))
            case Send(to, message, attachment, epoch):
                self.net.send(self.name, to, self.net.sign(self.name, epoch or 0, message), attachment)
            case Rebroadcast(signed, attachment, to):
                self.net.send(self.name, to, signed, attachment)
            case SetTimer(name, delay_us):
                token = self.timers[name] = self.net.tick()
                self.net.push(delay_us, lambda: self._expire(name, token))
            case Note():
                self.notes.append(effect)
            case Apply():
                self.applied.append(effect)
            case _:
                return self._hearers(effect)
        return []

    def hear_later(self, event: Any) -> None:
        self.net.push(0, lambda: self.hear(event) if self.net.nodes.get(self.name) is self else None)

    def _expire(self, name: tuple[str, ...], token: int) -> None:
        if self.net.nodes.get(self.name) is self and self.timers.get(name) == token:
            del self.timers[name]
            self.hear(Expired(name))

    def noted(self, kind: str) -> list[dict[str, Any]]:
        return [note.fields for note in self.notes if note.kind == kind]


class Net:
    """Delivers after a millisecond what `passes` lets through."""

    def __init__(self, genesis: Genesis, names: Iterable[str]) -> None:
        self.genesis = genesis
        self.now = Now(0, 0)
        self.passes: Filter = lambda *_: True
        self.sent: list[tuple[str, Any]] = []
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.nodes: dict[str, Node] = {}
        for name in names:
            self.boot(name)

    def boot(self, name: str, rows: DictRows | None = None) -> Node:
        node = self.nodes[name] = Node(self, name, rows)
        node.hear(Started(()))
        return node

    def tick(self) -> int:
        self._count += 1
        return self._count

    def push(self, delay_us: int, act: Callable[[], Any]) -> None:
        heapq.heappush(self._heap, (self.now.monotonic_us + delay_us, self.tick(), act))

    def sign(self, name: str, epoch: int, message: Any) -> Signed:
        body = self.nodes[name].chain.verifier.codec.statement(epoch, message)
        self.sent.append((name, message))
        return Signed(name, body, SUITE.sign(secret(name, "vote"), body))

    def send(self, sender: str, to: str | None, signed: Signed, attachment: bytes) -> None:
        for name in self.nodes if to is None else (to,):
            if name != sender:
                self.push(DELAY_US, lambda name=name: self._deliver(sender, name, signed, attachment))

    def _deliver(self, sender: str, receiver: str, signed: Signed, attachment: bytes) -> None:
        node = self.nodes.get(receiver)
        if node is None:
            return
        try:
            opened = node.chain.verifier.open(signed, node.chain.epochs)
        except Malformed:
            return
        if self.passes(sender, receiver, opened.message):
            node.hear(Received(sender, opened.message, signed, opened.epoch, attachment))

    def run(self, for_us: int) -> None:
        end = self.now.monotonic_us + for_us
        while self._heap and self._heap[0][0] <= end:
            at, _, act = heapq.heappop(self._heap)
            self.now = Now(at, at)
            act()
        self.now = Now(end, end)

    def decide(self, decided: Decide, names: Iterable[str] | None = None) -> None:
        for name in names if names is not None else list(self.nodes):
            self.nodes[name].hear(decided)
