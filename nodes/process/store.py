"""The ledger's database: SQLite behind `Rows`, one file per node that a researcher can open.

One thread writes (`commit`), the node's own thread reads. Rows are staged first and seen by every read at once; they
leave the overlay when their `Apply` is committed. Tables hold canonical bytes; readable columns are SQL views.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import threading
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from consortium.core.machine import Apply
from consortium.ledger.rows import TABLES, Row
from nodes.errors import Damaged, StoreFailed, UserError
from nodes.process import failpoints
from nodes.process.ledger_file import APPLICATION, may_lack_its_log, open_to_read

FORMAT = 1

BY_HEIGHT = ("block", "batch", "certificate", "receipt", "seal")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")


def _number(blob: str) -> str:
    """SQL for the number that 8 bytes are, the highest first."""
    digits = "instr('0123456789ABCDEF', substr(hex({}), {}, 1)) - 1"
    return " + ".join(f"(({digits.format(blob, place + 1)}) << {4 * (15 - place)})" for place in range(16))


# A header ends with five digests, each two bytes of MessagePack and 32 of its own, and the time, one byte and eight.
_DIGESTS = ", ".join(
    f"lower(hex(substr(value, {-41 - 34 * place}, 32))) AS {name}"
    for place, name in enumerate(("state_root", "receipts_root", "transactions_root", "batch_digest", "parent"))
)
VIEWS = {
    "blocks": f"""SELECT {_number("key")} AS height, {_number("substr(value, -8)")} AS time_us,
        (SELECT length(value) FROM batch WHERE batch.key = block.key) AS batch_bytes,
        (SELECT count(*) FROM receipt WHERE receipt.key >= CAST(block.key || x'00000000' AS BLOB)
            AND receipt.key <= CAST(block.key || x'FFFFFFFF' AS BLOB)) AS transactions,
        EXISTS (SELECT 1 FROM seal WHERE seal.key = block.key) AS is_sealed, {_DIGESTS},
        length(value) AS header_bytes, hex(value) AS header FROM block ORDER BY key""",
    "state_rows": """SELECT CAST(substr(key, 1, instr(key, x'00') - 1) AS TEXT) AS "table",
        CAST(substr(key, instr(key, x'00') + 1) AS TEXT) AS key, hex(value) AS value FROM state ORDER BY state.key""",
}


class _Overlay:
    """Staged rows of one table: the newest value, and how many stagings are not yet committed."""

    __slots__ = ("_sorted", "rows")

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[bytes | None, int]] = {}
        self._sorted: list[bytes] | None = None

    def stage(self, changes: Mapping[bytes, bytes | None]) -> None:
        rows, self._sorted = self.rows, None
        for key, value in changes.items():
            held = rows.get(key)
            rows[key] = (value, 1 if held is None else held[1] + 1)

    def committed(self, changes: Mapping[bytes, bytes | None]) -> None:
        rows, self._sorted = self.rows, None
        for key in changes:
            held = rows.get(key)
            if held is not None and held[1] > 1:
                rows[key] = (held[0], held[1] - 1)
            elif held is not None:
                del rows[key]

    def between(self, low: bytes, high: bytes) -> list[bytes]:
        if self._sorted is None:
            self._sorted = sorted(self.rows)
        return self._sorted[bisect_left(self._sorted, low) : bisect_left(self._sorted, high)]


class SqliteRows:
    """`Rows` over one SQLite file. `read_only` never creates or changes a file (a `-wal` left by a crash is read).

    Raises UserError for a file that is missing, of another kind or newer; Damaged where SQLite finds it corrupt."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.is_read_only = read_only
        self.is_full = False  # a fault of the scenario: the disk takes nothing more
        self._overlays: dict[str, _Overlay] = {}
        self._forget: Callable[[], object] | None = None  # removes the copy that is read
        try:
            if read_only:
                self._reader, copy = open_to_read(path)
                if copy is not None:
                    self._forget = weakref.finalize(self, shutil.rmtree, copy, ignore_errors=True)
                _check_format(self._reader, path)
                self._tables = set(_tables(self._reader))
                return
            self._writer = _open(path)
            if not _tables(self._writer):
                self._create()
            _check_format(self._writer, path)
            self._tables = set(_tables(self._writer))
            self._reader = _open(path)
        except sqlite3.OperationalError as error:
            raise UserError(f"cannot open the ledger {path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise Damaged(f"{path} is not a sound SQLite file: {error}") from None
        self._writing = threading.Lock()
        self._created: list[str] = []  # tables of the open transaction

    def _create(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        self._writer.execute(f"PRAGMA application_id={APPLICATION}")
        self._writer.execute(f"PRAGMA user_version={FORMAT}")
        for index, table in enumerate(TABLES):
            self._writer.execute(_create_table(table))
            if index == len(TABLES) // 2:
                failpoints.reach("ledger.create.middle")
        for view, select in VIEWS.items():
            self._writer.execute(f"CREATE VIEW {view} AS {select}")
        self._writer.execute("COMMIT")

    def bytes_held(self) -> int:
        """The length of the file, and of the log beside it that is not yet in it."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, table: str, key: bytes) -> bytes | None:
        overlay = self._overlays.get(table)
        if overlay is not None:
            held = overlay.rows.get(key)
            if held is not None:
                return held[0]
        if table not in self._tables:
            return None
        row = self._read(table, f"SELECT key, value FROM {table} WHERE key = ?", (key,))
        return row[0][1] if row else None

    def range(self, table: str, low: bytes, high: bytes) -> Sequence[tuple[bytes, bytes]]:
        """low ≤ key < high, in order of bytes."""
        found: list[tuple[bytes, bytes]] = []
        if table in self._tables:
            select = f"SELECT key, value FROM {table} WHERE key >= ? AND key < ? ORDER BY key"
            found = self._read(table, select, (low, high))
        overlay = self._overlays.get(table)
        staged = overlay.between(low, high) if overlay is not None else ()
        if overlay is None or not staged:
            return found
        merged: dict[bytes, bytes | None] = dict(found)
        for key in staged:
            merged[key] = overlay.rows[key][0]
        return [(key, value) for key in sorted(merged) if (value := merged[key]) is not None]

    def all(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every committed row of a table in order, one at a time (for offline verification)."""
        if table in self._tables:
            try:
                for pair in self._reader.execute(f'SELECT key, value FROM "{table}" ORDER BY key'):
                    yield self._sound(table, pair)
            except sqlite3.DatabaseError as error:
                raise Damaged(f"{self.path}, table {table}: {error}") from None

    def tables(self) -> tuple[str, ...]:
        """The names of all tables that are not empty, sorted; and of any that no ledger makes."""
        return tuple(name for name in sorted(self._tables) if name not in TABLES or not self._is_empty(name))

    def _is_empty(self, table: str) -> bool:
        if any(value is not None for value, _ in self._overlays[table].rows.values()) if table in self._overlays else 0:
            return False
        return not self._read(table, f"SELECT key, value FROM {table} LIMIT 1", ())

    def _read(self, table: str, statement: str, arguments: tuple[bytes, ...]) -> list[tuple[bytes, bytes]]:
        try:
            found = self._reader.execute(statement, arguments).fetchall()
            return [self._sound(table, pair) for pair in found] if self.is_read_only else found
        except sqlite3.OperationalError as error:
            if self.is_read_only:
                raise Damaged(f"{self.path}, {_place(table, arguments)}: {error}") from None
            raise StoreFailed(f"cannot read {self.path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise Damaged(f"{self.path}, {_place(table, arguments)}: {error}") from None

    def _sound(self, table: str, pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        key, value = pair
        if type(key) is not bytes:
            raise Damaged(f"{self.path}, table {table}: the key {key!r:.80} is {_kind(key)}, not bytes")
        if type(value) is not bytes:
            place = f"{_place(table, (key,))}, key {key.hex():.80}"
            raise Damaged(f"{self.path}, {place}: the value is {_kind(value)}, not bytes")
        return pair

    # --- writing ------------------------------------------------------------------------------------------------

    def stage(self, rows: Sequence[Row]) -> None:
        for table, changes in _by_table(rows).items():
            overlay = self._overlays.get(table)
            if overlay is None:
                overlay = self._overlays[table] = _Overlay()
            overlay.stage(changes)

    def commit(self, applies: Sequence[Apply]) -> None:
        """Make these heights durable in one transaction. May run in another thread; call `committed` afterwards.

        Raises StoreFailed or Damaged, and then nothing of them is in the file."""
        self.write(applies)
        self.sync(applies)

    def write(self, applies: Sequence[Apply]) -> None:
        """The first half of `commit`: the rows, in a transaction that `sync` ends; nothing else may be written between.
        Raises as `commit` does."""
        _reach(applies, "before")
        with self._undoing():
            self._writer.execute("BEGIN IMMEDIATE")
            self._created = self._write([row for apply in applies for row in apply.rows])
            failpoints.reach("commit.written")

    def sync(self, applies: Sequence[Apply]) -> None:
        """The second half: what waits for the disk. Raises as `commit` does."""
        with self._undoing():
            self._writer.execute("COMMIT")
        _reach(applies, "synced")
        self._tables.update(self._created)

    @contextlib.contextmanager
    def _undoing(self) -> Iterator[None]:
        with self._writing:
            try:
                yield
            except sqlite3.DatabaseError as error:
                with contextlib.suppress(sqlite3.DatabaseError):
                    self._writer.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise StoreFailed(f"cannot write {self.path}: {error}") from None
                raise Damaged(f"{self.path}: {error}") from None

    def _write(self, rows: Sequence[Row]) -> list[str]:
        """The last value of each key alone: blocks in a row write many of the same. Returns the tables that it had to
        create; they are readable once the transaction is committed."""
        changes = _by_table(rows)
        created = sorted(set(changes) - self._tables)
        for table in created:
            self._writer.execute(_create_table(table))
        for index, (table, changed) in enumerate(changes.items()):
            if index == len(changes) // 2:
                failpoints.reach("commit.middle")
                if any(value is not None for value in changes.get("base", {}).values()):
                    failpoints.reach("snapshot.middle")
            pairs = sorted([(key, value) for key, value in changed.items() if value is not None])
            self._writer.executemany(
                f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", pairs
            )
        for table, changed in changes.items():
            gone = [(key,) for key, value in changed.items() if value is None]
            if gone:
                self._writer.executemany(f"DELETE FROM {table} WHERE key = ?", gone)
        return created

    def committed(self, applies: Sequence[Apply]) -> None:
        """In the reading thread, after `commit`: these rows are read from the file from now on."""
        for apply in applies:
            for table, changes in _by_table(apply.rows).items():
                overlay = self._overlays.get(table)
                if overlay is not None:
                    overlay.committed(changes)

    def close(self) -> None:
        """A file that is written takes its log in and is marked as closed, unless somebody else has it open."""
        self._reader.close()
        if self.is_read_only:
            if self._forget is not None:
                self._forget()
            return
        with contextlib.suppress(sqlite3.DatabaseError):
            self._writer.execute("PRAGMA busy_timeout=0")
            self._writer.execute("PRAGMA journal_mode=DELETE")
        self._writer.close()


def _place(table: str, keys: Sequence[bytes]) -> str:
    """`table receipt, heights 64 to 127`, as far as the keys that were asked for tell."""
    heights = [int.from_bytes(key[:8], "big") for key in keys if len(key) >= 8]
    if table not in BY_HEIGHT or len(heights) != len(keys) or not keys:
        return f"table {table}"
    if len(heights) == 1 or heights[0] == heights[1]:
        return f"table {table}, height {heights[0]}"
    last = "the end" if heights[1] >> 60 else str(heights[1] - 1)
    return f"table {table}, heights {heights[0]} to {last}"


def _kind(value: object) -> str:
    """What SQLite holds instead of bytes."""
    return {str: "text", int: "an integer", float: "a real number"}.get(type(value), "NULL")


def _by_table(rows: Sequence[Row]) -> dict[str, dict[bytes, bytes | None]]:
    """The last value of each key, by table."""
    tables: dict[str, dict[bytes, bytes | None]] = {}
    for table, key, value in rows:
        changes = tables.get(table)
        if changes is None:
            changes = tables[table] = {}
        changes[key] = value
    return tables


def _reach(applies: Sequence[Apply], when: str) -> None:
    if not failpoints.is_any_armed():
        return
    failpoints.reach(f"commit.{when}")
    if any(table == "seal" and value is not None for apply in applies for table, _, value in apply.rows):
        failpoints.reach(f"seal.{when}")
    if any(table == "base" and value is not None for apply in applies for table, _, value in apply.rows):
        failpoints.reach(f"snapshot.{when}")


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA page_size=8192")  # of a new file; measured: a sixth less to write than with 4,096
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16000")
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        without = "; its log (-wal) does not lie beside it: copy both" if may_lack_its_log(path) else ""
        raise UserError(f"{path} is a SQLite file, but not the ledger of a node{without}")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise UserError(f"{path} is a ledger of format {version}; this version reads format {FORMAT}")


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for (name,) in found]


def _create_table(table: str) -> str:
    assert _NAME.match(table), f"{table!r} cannot name a table"
    return f"CREATE TABLE {table} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
