"""A ledger of one process for tests of roles: no consensus, one block a tick, all roles hear every block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from consortium.contracts import load_contracts
from consortium.core import registry
from consortium.core.calendar import compute_day
from consortium.core.codec import encode, sha256
from consortium.core.contract import GENESIS, OK, Context, Receipt, Refused, StateReader
from consortium.core.genesis import GenesisCall
from consortium.core.machine import (
    Expired,
    Guard,
    Note,
    Now,
    Opened,
    Outcome,
    Read,
    Receipted,
    SetTimer,
    Skipped,
    Started,
    Submit,
)
from consortium.core.vault import Salts

START_US = 1_790_000_000_000_000
TICK_US = 50_000
CHAIN = b"s" * 32


class SmallState:
    """Two dictionaries: what is, and what the transaction under way writes."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], Any] = {}
        self.writes: dict[tuple[str, str], Any] = {}

    def get(self, table: Any, key: str) -> Any:
        place = (table.name, key)
        return self.writes[place] if place in self.writes else self.values.get(place)

    def put(self, table: Any, key: str, value: Any) -> None:
        assert isinstance(value, table.kind)
        self.writes[table.name, key] = value

    def delete(self, table: Any, key: str) -> None:
        self.writes[table.name, key] = None

    def range(self, table: Any, low: str, high: str, limit: int = 0) -> Iterator[tuple[str, Any]]:
        for name, key in sorted({**self.values, **self.writes}):
            value = self.get(table, key) if name == table.name else None
            if value is not None and low <= key < high:
                yield key, value
                limit -= 1
                if not limit:
                    return

    def finish(self, keep: bool) -> None:
        if keep:
            self.values.update(self.writes)
        self.writes = {}


class SmallLedger:
    """Executes calls by the real contracts, under the roles of `roles` by member."""

    def __init__(self, roles: Mapping[str, str], calls: Sequence[GenesisCall] = ()) -> None:
        self.state = SmallState()
        self.state.put(registry.RULES, registry.ONLY, registry.Rules("ed25519", 16, 32))
        self.state.finish(True)
        self.contracts = load_contracts()
        self.roles = roles
        self.blocks: list[Receipted] = []
        self._number = 0
        for call in calls:
            outcome = self._execute("", GENESIS, call.contract, call.operation, call.arguments, 0, START_US)
            assert outcome.receipt.is_ok, (call.contract, call.operation, outcome.receipt)

    @property
    def reader(self) -> StateReader:
        return self.state

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for block in self.blocks for outcome in block.outcomes]

    def block(self, calls: Sequence[tuple[str, str, str, Any]], time_us: int) -> Receipted:
        """Calls (member, contract, operation, arguments) make the next height."""
        height = len(self.blocks) + 1
        outcomes = tuple(
            self._execute(member, self.roles[member], contract, operation, encode(arguments), height, time_us)
            for member, contract, operation, arguments in calls
        )
        self.blocks.append(Receipted(height, time_us, outcomes, False))
        return self.blocks[-1]

    def _execute(
        self, member: str, role: str, contract: str, operation: str, arguments: bytes, height: int, time_us: int
    ) -> Outcome:
        self._number += 1
        identity = sha256(encode((member, self._number, contract, operation, arguments)))
        context = Context(CHAIN, height, time_us, identity, member, role, compute_day(time_us, 480))
        verb = self.contracts[contract].operations[operation]
        try:
            value = msgspec.msgpack.decode(arguments, type=verb.arguments)
            events = self.contracts[contract].execute(self.state, operation, value, context)
            receipt = Receipt(identity, OK, "", tuple(events))
            keeps_writes = True
        except Refused as refusal:
            receipt = Receipt(identity, refusal.code, refusal.sentence, ())
            keeps_writes = refusal.keeps_writes
        self.state.finish(keeps_writes)
        return Outcome(member, self._number, contract, operation, arguments, receipt)


class SmallDay:
    """Roles over a SmallLedger. A tick delivers due timers, executes all that was submitted, and tells everybody."""

    def __init__(self, ledger: SmallLedger, roles: Mapping[str, Any]) -> None:
        self.ledger = ledger
        self.roles = dict(roles)
        self.now_us = 0
        self.timers: dict[str, dict[tuple[str, ...], int]] = {name: {} for name in roles}
        self.references: dict[str, set[str]] = {name: set() for name in roles}
        self.waiting: list[tuple[str, str, str, Any]] = []
        self.notes: list[tuple[str, Note]] = []
        self.records: dict[str, bytes] = {}  # private ones: one vault for all, which gives everybody everything
        self.away: set[str] = set()  # who hears nothing, for the time being
        for name in self.roles:
            self.tell(name, Started(()))

    @property
    def is_done(self) -> bool:
        return not self.waiting and all(role.is_done for role in self.roles.values())

    def tell(self, name: str, event: Any) -> None:
        for effect in self.roles[name].step(Now(self.now_us, START_US + self.now_us), event):
            match effect:
                case Submit(reference, calls):
                    if reference not in self.references[name]:
                        self.references[name].add(reference)
                        self.waiting += [(name, *call) for call in calls]
                case SetTimer(timer, delay_us):
                    assert timer[0] == "role" and delay_us > 0
                    self.timers[name][timer] = self.now_us + delay_us
                case Guard(handle, record):
                    assert self.records.setdefault(handle, record) == record, "a record does not change"
                case Read(handle):
                    self.tell(name, Opened(handle, self.records.get(handle), Salts().salt(handle), "lacking"))
                case Note():
                    self.notes.append((name, effect))
                case _:
                    raise AssertionError(f"a role may not say {effect}")

    def tick(self, calls_max: int = 500) -> None:
        self.now_us += TICK_US
        for name, timers in self.timers.items():
            if name in self.away:
                continue
            for timer in [timer for timer, at_us in timers.items() if at_us <= self.now_us]:
                del timers[timer]
                self.tell(name, Expired(timer))
        calls, self.waiting = self.waiting[:calls_max], self.waiting[calls_max:]
        if calls:
            block = self.ledger.block(calls, START_US + self.now_us)
            for name in self.roles:
                if name not in self.away:
                    self.tell(name, block)

    def run(self, ticks_max: int = 5_000) -> None:
        for _ in range(ticks_max):
            if self.is_done:
                return
            self.tick()
        raise AssertionError(f"not done: {[name for name, role in self.roles.items() if not role.is_done]}")

    def jump(self, name: str, height: int) -> None:
        """A snapshot of `height` takes the place of blocks: the outbox says which calls were executed till now."""
        ours = [one for one in self.ledger.outcomes if one.member == name]
        self.tell(name, Skipped(height, tuple((one.contract, one.operation, one.arguments) for one in ours)))

    def rebuild(self, name: str, role: Any, base: int = 0) -> None:
        """The node of a role crashed and is back: history first, then Started, as core/node.py does. Of the heights
        up to `base` it has a snapshot instead."""
        self.roles[name] = role
        self.timers[name] = {}
        if base:
            self.jump(name, base)
        for block in self.ledger.blocks[base:]:
            self.tell(name, block._replace(is_replay=True))
        self.tell(name, Started(()))
