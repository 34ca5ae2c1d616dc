"""Small ledgers for interleavings of hash locks: the real contracts over a dict, blocks when the case says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from consortium.contracts.bridges.foreign_chain import keep_proven
from consortium.contracts.bridges.hash_lock_records import LOCKS
from consortium.contracts.insurance.funds import get_balance
from consortium.core.calendar import compute_day
from consortium.core.codec import encode
from consortium.core.contract import OK, Context, Contract, Refused, Table
from consortium.core.format import FORMAT
from consortium.core.header import Header
from consortium.core.proven import ProvenState

V = TypeVar("V")
NONE = bytes(32)


class Rows:
    """A `State` over a dict; a copy is cheap, for values never change."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Any] = {}

    def get(self, table: Table[V], key: str) -> V | None:
        found: V | None = self.held.get((table.name, key))
        return found

    def put(self, table: Table[V], key: str, value: V) -> None:
        self.held[table.name, key] = value

    def delete(self, table: Table[V], key: str) -> None:
        self.held.pop((table.name, key), None)

    def range(self, table: Table[V], low: str, high: str, limit: int = 0) -> Iterator[tuple[str, V]]:
        keys = sorted((key for name, key in self.held if name == table.name), key=str.encode)
        found = [key for key in keys if low.encode() <= key.encode() < high.encode()]
        return iter([(key, self.held[table.name, key]) for key in found[: limit or None]])


class Packet(NamedTuple):
    """A transaction on its way to a ledger; without a contract: a proof, of a row of the ledger `operation`."""

    land: str
    at: int
    serial: int
    member: str
    contract: str
    operation: str
    arguments: Any


class Land:
    """One ledger: its chain time never goes back, and may be off by `skew_us`."""

    def __init__(self, name: str, contracts: Mapping[str, Contract], roles: Mapping[str, str], skew_us: int) -> None:
        self.name = name
        self.chain = name.encode().ljust(32, b".")
        self.state = Rows()
        self.time_us = 0
        self.height = 0
        self.skipped = 0
        self._contracts = contracts
        self._roles = roles
        self._skew_us = skew_us

    def execute(self, now_us: int, packets: Sequence[Packet]) -> list[tuple[Packet, str]]:
        """One block: each packet with the code of its receipt."""
        self.height += 1
        self.skipped = 0
        self.time_us = max(self.time_us, now_us + self._skew_us)
        return [(packet, self._execute_one(packet)) for packet in packets]

    def _execute_one(self, packet: Packet) -> str:
        before = dict(self.state.held)
        try:
            if not packet.contract:
                keep_proven(self.state, packet.operation, packet.arguments)
            else:
                day = compute_day(self.time_us, 480)
                context = Context(
                    self.chain, self.height, self.time_us, NONE, packet.member, self._roles[packet.member], day
                )
                contract = self._contracts[packet.contract]
                contract.execute(self.state, packet.operation, packet.arguments, context)
        except Refused as refused:
            self.state.held = before
            return refused.code
        return OK

    def paid_fen(self, supplier: str) -> int:
        return get_balance(self.state, f"supplier/{supplier}")


def carry(land: Land, lock_no: str) -> ProvenState:
    """What a proof of the row of a lock would prove now."""
    header = Header(FORMAT, land.chain, land.height, 0, NONE, NONE, NONE, NONE, NONE, NONE, land.time_us)
    lock = land.state.get(LOCKS, lock_no)
    return ProvenState(header, LOCKS.name, lock_no, None if lock is None else encode(lock))
