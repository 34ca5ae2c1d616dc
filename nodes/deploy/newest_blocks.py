"""The newest blocks of a node's ledger file, read beside the node that writes it: a short look."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec

from consortium.core.codec import Malformed
from consortium.core.contract import Receipt
from consortium.core.header import decode_header
from consortium.ledger.rows import height_key
from nodes.errors import Damaged
from nodes.process.stored_tables import KeyedTable, ReceiptTable

_receipt = msgspec.msgpack.Decoder(Receipt).decode
RECEIPTS_READ = 200  # of one block


class NewBlock(NamedTuple):
    """`receipts`: the first of them; `size`: how many there are."""

    height: int
    time_us: int
    size: int
    receipts: tuple[Receipt, ...]


def newest_blocks(ledger: Path, count: int, above: int = -1) -> list[NewBlock]:
    """Those above a height, oldest first, the newest `count`. Nothing where the file cannot be read now: a killed
    node leaves a log that only its owner takes up."""
    try:
        connection = sqlite3.connect(
            f"{ledger.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=0.2
        )
    except sqlite3.Error:
        return []
    try:
        connection.execute("BEGIN")
        newest = connection.execute("SELECT key FROM block ORDER BY key DESC LIMIT 1").fetchone()
        head = int.from_bytes(newest[0], "big") if newest else -1
        low, high = height_key(max(above + 1, head - count + 1, 0)), height_key(head + 1)
        blocks = list(KeyedTable(connection, "block").between(low, high, 0))
        receipts: dict[int, list[bytes]] = {}
        for key, data in ReceiptTable(connection).between(low, high, 0):
            receipts.setdefault(int.from_bytes(key[:8], "big"), []).append(data)
        return [_block(data, receipts) for _, data in blocks]
    except (sqlite3.Error, Damaged, Malformed, msgspec.MsgspecError):
        return []
    finally:
        connection.close()


def _block(data: bytes, receipts: dict[int, list[bytes]]) -> NewBlock:
    header = decode_header(data)
    held = receipts.get(header.height, [])
    return NewBlock(header.height, header.time_us, len(held), tuple(map(_receipt, held[:RECEIPTS_READ])))
