"""A few vaults over one ledger state, and a bus between them that a test may cut: no host, no consensus."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.core import registry
from consortium.core.calendar import DAY_US
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.machine import (
    Drop,
    Expired,
    Keep,
    Note,
    Now,
    Opened,
    Outcome,
    Receipted,
    Received,
    Send,
    SetTimer,
    Started,
    Submit,
)
from consortium.core.membership import Epoch, Member, Purpose
from consortium.core.messages import Signed
from consortium.vault.boxes import DictBoxes
from consortium.vault.locksmith import Locksmith
from consortium.vault.vault import Vault, VaultSite
from tests.contracts_state import CONTRACTS, MEMBERS, Consortium

NAMES = ("bureau", "h1", "h2")
DAY = 20_000  # since 1970: 2024-10-04


def secrets_of(name: str) -> dict[Purpose, bytes]:
    return {"encrypt": f"{name} encrypt".encode().ljust(32, b".")}


class VaultNet:
    """`told`: what each vault told its role; `wished`: its submissions; `effects`: all that it said. Whoever is in
    `away` hears nothing, and what is sent to it is lost. `heights`: how far each ledger reaches."""

    def __init__(self, suite: str = "ed25519") -> None:
        self.house = Consortium()
        self.house.day = DAY
        self.suite = SUITES[suite]()
        members = tuple(
            Member(name, MEMBERS[name], "validator", {"encrypt": self.suite.public_key(secrets_of(name)["encrypt"])})
            for name in NAMES
        )
        self.epoch = Epoch(0, 1, members)
        registry.put_epoch(self.house.state, self.epoch)
        self.now_us = 0
        self.boxes = {name: DictBoxes() for name in NAMES}
        self.heights = dict.fromkeys(NAMES, 1)
        self.away: set[str] = set()
        self.told: dict[str, list[Opened]] = {name: [] for name in NAMES}
        self.wished: dict[str, list[tuple[str, Any]]] = {name: [] for name in NAMES}
        self.notes: dict[str, list[Note]] = {name: [] for name in NAMES}
        self.effects: dict[str, list[Any]] = {name: [] for name in NAMES}
        self.sent: list[tuple[str, Send]] = []
        self._bus: deque[tuple[str, Send]] = deque()
        self._timers: dict[tuple[str, tuple[str, ...]], int] = {}
        self.vaults: dict[str, Vault] = {}
        for name in NAMES:
            self.boot(name)

    def boot(self, name: str) -> None:
        """A new life over the same boxes."""
        site = VaultSite(name, self.house.state, lambda: self.epoch, lambda: self.heights[name], 0)
        self.vaults[name] = Vault(site, CATALOGUE, self.boxes[name], Locksmith(self.suite, secrets_of(name), name))
        self._timers = {key: at for key, at in self._timers.items() if key[0] != name}
        self.step(name, Started(()))

    @property
    def now(self) -> Now:
        return Now(self.now_us, self.house.day * DAY_US + self.now_us)

    def step(self, name: str, event: Any) -> list[Any]:
        """One step and all that follows from it on the bus."""
        effects = self._carry(name, self.vaults[name].step(self.now, event))
        while self._bus:
            sender, send = self._bus.popleft()
            if send.to not in self.away and sender not in self.away:
                signed = Signed(sender, b"", b"")
                heard = Received(sender, send.message, signed, 0, send.attachment)
                self._carry(send.to, self.vaults[send.to].step(self.now, heard))
        return effects

    def _carry(self, name: str, effects: Sequence[Any]) -> list[Any]:
        for effect in effects:
            self.effects[name].append(effect)
            match effect:
                case Send():
                    self.sent.append((name, effect))
                    self._bus.append((name, effect))
                case Keep() | Drop():
                    self.boxes[name].settle(effect)
                case SetTimer(timer, delay_us):
                    self._timers[name, timer] = self.now_us + delay_us
                case Opened():
                    self.told[name].append(effect)
                case Submit(reference, calls):
                    self.wished[name].append((reference, calls[0]))
                case Note():
                    self.notes[name].append(effect)
                case _:
                    raise AssertionError(f"a vault does not say {effect}")
        return list(effects)

    def wait(self, for_us: int) -> None:
        """Time goes by, and timers run out."""
        until_us = self.now_us + for_us
        while self._timers and min(self._timers.values()) <= until_us:
            (name, timer), at_us = min(self._timers.items(), key=lambda item: (item[1], item[0]))
            del self._timers[name, timer]
            self.now_us = max(self.now_us, at_us)
            if name not in self.away:
                self.step(name, Expired(timer))
        self.now_us = until_us

    def execute(self, member: str, contract: str, operation: str, arguments: Any) -> None:
        """A block with this transaction: all that are not away hear of it."""
        events = self.house.run(member, contract, operation, arguments)
        receipt = Receipt(b"t" * 32, "ok", "", tuple(events))
        outcome = Outcome(member, 1, contract, operation, b"", receipt)
        for name in NAMES:
            if name not in self.away:
                self.heights[name] += 1
                self.step(name, Receipted(self.heights[name], self.now.wall_us, (outcome,), False))

    def carry_out_wishes(self) -> None:
        """Whatever vaults wished to submit is executed, until none wishes any more."""
        while any(self.wished.values()):
            for name in NAMES:
                wishes, self.wished[name] = self.wished[name], []
                for _, (contract, operation, arguments) in wishes:
                    assert type(arguments) is CONTRACTS[contract].operations[operation].arguments
                    self.execute(name, contract, operation, arguments)

    def asks(self) -> list[tuple[str, str]]:
        """(asker, asked) of every question so far."""
        return [(name, send.to) for name, send in self.sent if type(send.message).__name__ == "AskRecord"]
