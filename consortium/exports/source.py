"""What exports are made of: a ledger's state as one member may read it, and where the entries of journals stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from consortium.contracts.insurance.journal import settlement_key
from consortium.core.contract import Contract, Query, Reader, Refused, RowOf, StateReader, Table
from consortium.core.machine import Rows
from consortium.ledger.chain import Ledger
from consortium.stories.finder import Told, nothing_told, receipts, steps_of

V = TypeVar("V")
LAST = "\U0010ffff"
ENTRY_EVENTS = ("settled", "settlement-reversed")


class Origin(NamedTuple):
    """The transaction that made an entry of a journal: its id, hexadecimal, and its chain time."""

    transaction: str
    time_us: int


class Source(NamedTuple):
    """`origin`: of the entry of a journal under this key; None where this ledger lacks its block. `name`: of the
    chain."""

    name: str
    state: StateReader
    contracts: Mapping[str, Contract]
    reader: Reader
    origin: Callable[[str], Origin | None]

    def rows(self, table: Table[V], roles: frozenset[str] = frozenset()) -> Iterator[tuple[str, V]]:
        """Those of a table that the reader may have, in order of their keys. `roles`: as of `may_read`."""
        for key, value in self.state.range(table, "", LAST):
            if may_read(self, table, key, roles):
                yield key, value


def may_read(source: Source, table: Table[Any], key: str, roles: frozenset[str] = frozenset()) -> bool:
    """Whether the query that answers with this very row answers the reader. A table that no query answers for is for
    `roles` alone."""
    found = find_query(source.contracts, table)
    if found is None:
        return source.reader.role in roles
    contract, query, row = found
    try:
        contract.ask(source.state, query.name, row.arguments(key), source.reader)
    except Refused:
        return False
    return True


def find_query(contracts: Mapping[str, Contract], table: Table[Any]) -> tuple[Contract, Query, RowOf] | None:
    """The query that answers with a whole row of a table."""
    for contract in contracts.values():
        for query in contract.queries.values():
            if query.row is not None and query.row.table is table:
                return contract, query, query.row
    return None


def find_origins(ledger: Ledger, rows: Rows, told: Told = nothing_told) -> dict[str, Origin]:
    """Of every entry of a journal that this ledger has the block of. Raises Damaged."""
    found: dict[str, Origin] = {}
    times: dict[int, int] = {}
    for height, _, receipt in receipts(ledger, rows, ENTRY_EVENTS, told):
        for event in receipt.events:
            if event.kind in ENTRY_EVENTS:
                if height not in times:
                    times[height] = steps_of(ledger, height)[0].time_us
                found[entry_key(event.fields)] = Origin(receipt.transaction.hex(), times[height])
    return found


def entry_key(fields: Mapping[str, Any]) -> str:
    """Of the entry that an event tells."""
    return settlement_key(str(fields["psn_no"]), int(fields["year"]), int(fields["sequence"]))
