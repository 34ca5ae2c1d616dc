"""Where each transaction stands: its id → height and place in the block, in gateway/index.sqlite beside the settings.

The ledger is asked by height; an application asks by the id that it was given. Whoever removes the file loses nothing:
it is made again from the receipts.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from consortium.core.contract import Receipt
from consortium.ledger import numbers, requests
from nodes.errors import UserError

FORMAT = 1
ID_BYTES = 16  # of an id that are kept: nobody finds two with the same
_CREATE = (
    "CREATE TABLE IF NOT EXISTS fed (one INTEGER PRIMARY KEY CHECK (one = 1), shape TEXT, height INT, digest BLOB)",
    "CREATE TABLE IF NOT EXISTS placed (id BLOB PRIMARY KEY, height INT, place INT) WITHOUT ROWID",
)


class Place(NamedTuple):
    """A transaction is number `number` of the block at `height`."""

    height: int
    number: int


class FedBlock(NamedTuple):
    """A block as the gateway looks through it. `digest`: of its header."""

    height: int
    time_us: int
    digest: bytes
    receipts: tuple[Receipt, ...]


class Index:
    """One thread at a time uses it. `head`: the block up to which it was fed, height −1: none."""

    def __init__(self, path: Path, chain: bytes) -> None:
        self._shape = f"{FORMAT} {chain.hex()}"
        try:
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            self._file = self._open(path)
        except sqlite3.DatabaseError:
            for each in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
                each.unlink(missing_ok=True)
            self._file = self._open(path)
        except OSError as error:
            raise UserError(f"cannot keep {path}: {error.strerror or error}") from None
        found = self._file.execute("SELECT shape, height, digest FROM fed").fetchone()
        self.head: tuple[int, bytes] = (-1, b"")
        if found is not None and found[0] == self._shape:
            self.head = (int(found[1]), bytes(found[2]))
        else:
            self.clear()

    def _open(self, path: Path) -> sqlite3.Connection:
        file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=NORMAL")  # what a power cut takes is fed again
            for statement in _CREATE:
                file.execute(statement)
        except sqlite3.Error:
            file.close()
            raise
        path.chmod(0o600)
        return file

    def clear(self) -> None:
        """Nothing was fed yet."""
        self._file.execute("DELETE FROM placed")
        self._file.execute("DELETE FROM fed")
        self.head = (-1, b"")

    def put(self, blocks: Sequence[FedBlock]) -> None:
        """What follows the head."""
        if not blocks:
            return
        self._file.execute("BEGIN")
        try:
            self._file.executemany("INSERT OR REPLACE INTO placed VALUES (?, ?, ?)", _rows(blocks, is_judged=True))
            self._file.executemany("INSERT OR IGNORE INTO placed VALUES (?, ?, ?)", _rows(blocks, is_judged=False))
            last = blocks[-1]
            kept = (1, self._shape, last.height, last.digest)
            self._file.execute("INSERT OR REPLACE INTO fed VALUES (?, ?, ?, ?)", kept)
            self._file.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            raise
        self.head = (last.height, last.digest)

    def find(self, identity: bytes) -> Place | None:
        """By the first bytes of an id, or all of it."""
        select = "SELECT height, place FROM placed WHERE id = ?"
        found = self._file.execute(select, (identity[:ID_BYTES],)).fetchone()
        return None if found is None else Place(*found)

    def close(self) -> None:
        self._file.close()


def _rows(blocks: Iterable[FedBlock], *, is_judged: bool) -> list[tuple[bytes, int, int]]:
    """Of transactions whose outcome says what came of them, or of those that were refused for their number alone: one
    that was executed stands where it was, also where it was ordered again."""
    return [
        (receipt.transaction[:ID_BYTES], block.height, place)
        for block in blocks
        for place, receipt in enumerate(block.receipts)
        if (receipt.code not in _OF_NUMBERS) == is_judged
    ]


_OF_NUMBERS = frozenset({**numbers.SENTENCES, **requests.SENTENCES}) - {"number-used"}
