"""The ledger of a node that runs, read beside it by another process: moment by moment, and never written.

What is read between `begin` and `end` is as it was at one moment, whatever the node commits meanwhile. Let it be
short: while it lasts, SQLite's log cannot be taken into the file.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from consortium.core.state_path import Buckets
from consortium.ledger.rows import Row, Unreadable
from nodes.errors import Damaged, UserError
from nodes.process.ledger_damage import refusal
from nodes.process.store import check_readable, tables_of
from nodes.process.stored_tables import Pairs, StoredTable

STEPS = 2_000  # of SQLite's machine between two looks at the clock
BUSY_S = 2.0


class TooLong(Unreadable):
    """An answer was not there in the time that it was given."""


class LiveRows:
    """Implements `Rows` without `stage`. One thread at a time uses it. Raises UserError where there is no ledger yet,
    Damaged where it is none, TooLong behind a moment's deadline."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(f"there is no ledger at {path} yet: its node has not begun")
        self.path = path
        self._deadline_s = float("inf")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        try:
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_S
            )
        except sqlite3.Error as error:
            raise refusal(path, error) from None
        try:
            self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
            check_readable(self._connection, path)
            self._stored, self._state = tables_of(self._connection, _version(self._connection))
            self._state.open()
        except sqlite3.Error as error:
            self._connection.close()
            raise refusal(path, error) from None
        except BaseException:
            self._connection.close()
            raise
        self._connection.set_progress_handler(self._is_late, STEPS)

    def close(self) -> None:
        self._connection.close()

    # --- moments ----------------------------------------------------------------------------------------------------

    def begin(self, seconds_max: float) -> None:
        """From here on it reads what is committed now, for so long at most."""
        self._deadline_s = time.monotonic() + seconds_max
        try:
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT 1 FROM meta LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise refusal(self.path, error) from None

    def take_up(self) -> None:
        """Within a moment whose head is another than before: the keys of the state that are new."""
        try:
            self._state.open().take_up()
        except sqlite3.Error as error:
            raise self._refusal(error, ", table state") from None

    def end(self) -> None:
        self._deadline_s = float("inf")
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        else:  # SQLite has undone it
            self._state.open().forget_order()

    # --- Rows -------------------------------------------------------------------------------------------------------

    def get(self, table: str, key: bytes) -> bytes | None:
        for _, value in self._read(table, lambda stored: stored.get(key)):
            return value
        return None

    def range(self, table: str, low: bytes, high: bytes, limit: int = 0) -> Sequence[tuple[bytes, bytes]]:
        """low ≤ key < high, in order of bytes; at most `limit`, 0: all."""
        return self._read(table, lambda stored: stored.between(low, high, limit))

    def each(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._read(table, lambda stored: stored.each()))

    def make_buckets(self) -> Buckets | None:
        return None

    def stage(self, rows: Sequence[Row]) -> None:
        raise AssertionError("whoever reads beside a node writes nothing")

    def _read(self, table: str, ask: Callable[[StoredTable], Pairs]) -> list[tuple[bytes, bytes]]:
        if time.monotonic() > self._deadline_s:
            raise TooLong("the answer took too long")
        try:
            found = list(ask(self._stored[table]))
        except sqlite3.Error as error:
            raise self._refusal(error, f", table {table}") from None
        if any(type(key) is not bytes or type(value) is not bytes for key, value in found):
            raise Damaged(f"{self.path}, table {table}: a row is not the one that was written")
        return found

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline_s

    def _refusal(self, error: sqlite3.Error, place: str) -> Unreadable:
        if self._is_late():
            return TooLong("the answer took too long")
        return refusal(self.path, error, place)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
