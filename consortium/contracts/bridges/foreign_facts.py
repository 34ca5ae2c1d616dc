"""What this ledger knows of other consortia: their members of today, and what was proven of their ledgers.

A fact is a transaction of another chain and what became of it. A row is one of another chain's state at one of its
heights, proven to be there or not to be there. Of most rows the digest is kept, against which whoever has the row
holds it; those of `CARRIED` are kept whole, for contracts here act by them.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from consortium.contracts.checks import check_identifier
from consortium.core.codec import Digest
from consortium.core.contract import Refused, StateReader, Table
from consortium.core.membership import Epoch

V = TypeVar("V")

CARRIED = ("hash_lock", "clearing_claim", "clearing_due")  # tables whose rows are kept whole; none names a person
VALUE_BYTES_MAX = 2_048  # of a row that is kept whole
KEY_LENGTH_MAX = 256  # of a row's key


class Foreign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the name under which this consortium knows it. `chain`: the hash of its genesis. `epoch`: its newest
    members that were proven; `former`: those before, whose seals are believed until `former_to_day`, exclusive."""

    chain: Digest
    epoch: Epoch
    former: Epoch | None = None
    former_to_day: int = 0


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "chain/transaction id in hexadecimal digits". `member` who signed it, and `content`, the SHA-256 of its
    bytes, where it was proven itself; `code` ("ok", or why it was refused) and `receipt`, the SHA-256 of its receipt,
    where that was proven. Empty is what was not."""

    height: int
    time_us: int
    member: str = ""
    content: bytes = b""
    code: str = ""
    receipt: bytes = b""


class ForeignRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "chain/table/key". As of the block of `height`, of `time_us` and whose header has the digest `header`.
    `content`: SHA-256 of the row's bytes; `value`: the bytes, of a table that is carried whole."""

    height: int
    time_us: int
    header: Digest
    is_there: bool
    content: bytes = b""
    value: bytes = b""


FOREIGN: Table[Foreign] = Table("foreign", Foreign)
FACTS: Table[Fact] = Table("fact", Fact, told_as="fact")
ROWS: Table[ForeignRow] = Table("foreign_row", ForeignRow, told_as="foreign-row")


def get_foreign(state: StateReader, chain: str) -> Foreign:
    """Refuses `bad-identifier`, `chain-unknown`."""
    check_identifier(chain, "chain")
    known = state.get(FOREIGN, chain)
    if known is None:
        raise Refused("chain-unknown", f"this consortium voted for no chain {chain}")
    return known


def row_key(chain: str, table: str, key: str) -> str:
    return f"{chain}/{table}/{key}"


def find_row(state: StateReader, chain: str, table: str, key: str) -> ForeignRow | None:
    """The newest that was proven of a row of another chain; None where nothing was."""
    return state.get(ROWS, row_key(chain, table, key))


def get_row(state: StateReader, chain: str, table: str, key: str) -> ForeignRow:
    """As `find_row`. Refuses `not-proven`."""
    row = find_row(state, chain, table, key)
    if row is None:
        raise Refused("not-proven", "nothing was proven of this row: accept a proof of it first")
    return row


def read_value(row: ForeignRow, table: Table[V]) -> V | None:
    """What a row that is kept whole holds; None where it is not there, or of a form that this program does not
    know."""
    if not row.is_there:
        return None
    try:
        return msgspec.msgpack.decode(row.value, type=table.kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return None
