"""The ledger's database: SQLite behind `Rows`, one file per node that a researcher can open.

One thread writes (`commit`), the node's own thread reads. Rows are staged first and seen by every read at once; they
leave the overlay when their `Apply` is committed. Tables hold canonical bytes; readable columns are SQL views.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from consortium.core.format import FORMAT
from consortium.core.machine import Apply
from consortium.core.state_path import Buckets
from consortium.ledger.prune import bodies_above
from consortium.ledger.rows import TABLES, Row, height_key, read_height
from nodes.errors import Damaged, UserError
from nodes.process import failpoints
from nodes.process.buckets import BucketFile
from nodes.process.ledger_damage import APPLICATION, refusal
from nodes.process.ledger_file import may_lack_its_log, open_to_read
from nodes.process.ledger_schema import foreign_parts, read_schema
from nodes.process.overlay import Changes, Overlay, by_table
from nodes.process.own_ledger import check_format, open_to_write
from nodes.process.stored_tables import KeyedTable, Pairs, ReceiptTable, StateTable, StoredTable

BY_HEIGHT = ("block", "batch", "certificate", "receipt", "seal")


class SqliteRows:
    """`Rows` over one SQLite file. `read_only` never creates or changes a file (a `-wal` left by a crash is read), and
    reads all as it was when it was opened; `foreign` then tells what no ledger has in it.

    Raises UserError for a file that is missing, of another kind or newer; Damaged where it is not what was written."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.is_read_only = read_only
        self.is_full = False  # a fault of the scenario: the disk takes nothing more
        self._overlays: dict[str, Overlay] = {}
        self._buckets: BucketFile | None = None
        self._forget: Callable[[], object] | None = None  # removes the copy that is read
        self.left = self.lost = 0  # pages at the end of the log that are not read, and those that were durable once
        if read_only:
            self._reader, copy = open_to_read(path)
            if copy is not None:
                self._forget = weakref.finalize(self, shutil.rmtree, copy, ignore_errors=True)
            try:
                self.foreign = check_readable(self._reader, path)
                self._stored, self._state = tables_of(self._reader, _version(self._reader))
            except BaseException as error:
                self.close()
                if isinstance(error, sqlite3.Error):
                    raise Damaged(f"{path} is not a sound SQLite file: {error}") from None
                raise
            return
        self.foreign = []
        self._owned = open_to_write(path)
        self._writer, self._reader, _, self.left, self.lost = self._owned
        self._writing = threading.Lock()
        self._stored, self._state = tables_of(self._reader, FORMAT)
        try:
            self._state.open()
        except (sqlite3.Error, Damaged) as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise refusal(path, error, ", table state") from None
            raise

    def bytes_held(self) -> int:
        """The length of the file once the log beside it has been moved into it: a page that was written a hundred times
        counts once."""
        try:
            pages, page_bytes = (
                self._reader.execute(f"PRAGMA page_{each}").fetchone()[0] for each in ("count", "size")
            )
        except sqlite3.Error:  # a damaged file, of which another tells
            return self.path.stat().st_size
        return int(pages * page_bytes)

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, table: str, key: bytes) -> bytes | None:
        overlay = self._overlays.get(table)
        if overlay is not None:
            held = overlay.rows.get(key)
            if held is not None:
                return held[0]
        for _, value in self._read(table, lambda stored: stored.get(key), (key,)):
            return value
        return None

    def range(self, table: str, low: bytes, high: bytes, limit: int = 0) -> Sequence[tuple[bytes, bytes]]:
        """low ≤ key < high, in order of bytes; at most `limit`, 0: all."""
        overlay = self._overlays.get(table)
        staged = overlay.between(low, high) if overlay is not None else []
        more = limit + len(staged) if limit else 0
        found = self._read(table, lambda stored: stored.between(low, high, more), (low, high))
        if overlay is None or not staged:
            return found
        merged = overlay.over(found, staged)
        return merged[:limit] if limit else merged

    def each(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every row, one at a time, in no order."""
        overlay = self._overlays.get(table)
        staged = {} if overlay is None else dict(overlay.rows)
        for key, value in self._one_by_one(table, lambda stored: stored.each()):
            if key not in staged:
                yield key, value
        yield from ((key, value) for key, (value, _) in staged.items() if value is not None)

    def all(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every committed row of a table in order, one at a time (for offline verification)."""
        return self._one_by_one(table, lambda stored: stored.all())

    def tables(self) -> tuple[str, ...]:
        """The names of all tables that are not empty, sorted."""
        return tuple(name for name in TABLES if not self._is_empty(name))

    def _is_empty(self, table: str) -> bool:
        if any(value is not None for value, _ in self._overlays[table].rows.values()) if table in self._overlays else 0:
            return False
        return not self._read_raw(f"SELECT 1 FROM {table} LIMIT 1", f", table {table}")

    def _read(
        self, table: str, ask: Callable[[StoredTable], Pairs], keys: tuple[bytes, ...]
    ) -> list[tuple[bytes, bytes]]:
        try:
            return [self._sound(table, pair) for pair in ask(self._stored[table])]
        except sqlite3.DatabaseError as error:
            raise refusal(self.path, error, f", {_place(table, keys)}") from None

    def _one_by_one(self, table: str, ask: Callable[[StoredTable], Pairs]) -> Iterator[tuple[bytes, bytes]]:
        try:
            for pair in ask(self._stored[table]):
                yield self._sound(table, pair)
        except sqlite3.DatabaseError as error:
            raise refusal(self.path, error, f", table {table}") from None

    def _sound(self, table: str, pair: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        key, value = pair
        if type(key) is not bytes:
            raise Damaged(f"{self.path}, table {table}: the key {key!r:.80} is {_kind(key)}, not bytes")
        if type(value) is not bytes:
            place = f"{_place(table, (key,))}, key {key.hex():.80}"
            raise Damaged(f"{self.path}, {place}: the value is {_kind(value)}, not bytes")
        return pair

    # --- writing ------------------------------------------------------------------------------------------------

    def make_buckets(self) -> Buckets | None:
        """Raises StoreFailed."""
        if self.is_read_only:
            return None
        if self._buckets is not None:
            self._buckets.close()
        self._buckets = BucketFile(self.path.parent)
        return self._buckets

    def stage(self, rows: Sequence[Row]) -> None:
        for table, changes in by_table(rows).items():
            overlay = self._overlays.get(table)
            if overlay is None:
                overlay = self._overlays[table] = Overlay()
            overlay.stage(changes)
            if table == "state":
                self._stage_places(changes)

    def _stage_places(self, changes: Changes) -> None:
        try:
            self._state.stage(changes)
        except sqlite3.DatabaseError as error:
            raise refusal(self.path, error, ", table state") from None

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
            self._write([row for apply in applies for row in apply.rows])
            failpoints.reach("commit.written")

    def sync(self, applies: Sequence[Apply]) -> None:
        """The second half: what waits for the disk. Raises as `commit` does."""
        with self._undoing():
            self._writer.execute("COMMIT")
        _reach(applies, "synced")

    @contextlib.contextmanager
    def _undoing(self) -> Iterator[None]:
        with self._writing:
            try:
                yield
            except sqlite3.DatabaseError as error:
                with contextlib.suppress(sqlite3.DatabaseError):
                    self._writer.execute("ROLLBACK")
                raise refusal(self.path, error) from None

    def _write(self, rows: Sequence[Row]) -> None:
        """The last value of each key alone: blocks in a row write many of the same."""
        changes = by_table(rows)
        for index, (table, changed) in enumerate(changes.items()):
            if index == len(changes) // 2:
                failpoints.reach("commit.middle")
                if any(value is not None for value in changes.get("base", {}).values()):
                    failpoints.reach("snapshot.middle")
            self._stored[table].write(self._writer, changed)

    def committed(self, applies: Sequence[Apply]) -> None:
        """In the reading thread, after `commit`: these rows are read from the file from now on."""
        for apply in applies:
            for table, changes in by_table(apply.rows).items():
                overlay = self._overlays.get(table)
                if overlay is not None:
                    overlay.committed(changes)
                if table == "state":
                    held = () if overlay is None else overlay.rows
                    self._state.settle(key for key in changes if key not in held)

    def close(self) -> None:
        """A file that is written takes its log in and is marked as closed, unless somebody else has it open."""
        self._reader.close()
        if self._buckets is not None:
            self._buckets.close()
        if self.is_read_only:
            if self._forget is not None:
                self._forget()
            return
        with contextlib.suppress(sqlite3.DatabaseError):
            self._writer.execute("PRAGMA busy_timeout=0")
            self._writer.execute("PRAGMA journal_mode=DELETE")
        self._owned.close()

    # --- a file that may be damaged -----------------------------------------------------------------------------

    def check_pages(self) -> None:
        """That every page is what its tree takes it for, and free pages are free. Raises Damaged."""
        for (found,) in self._read_raw("PRAGMA quick_check(1)"):
            if found != "ok":
                raise Damaged(f"{self.path}: {' '.join(str(found).split())}")

    def check_heights(self) -> None:
        """That no block is missing between the first and the head. Raises Damaged."""
        named, base = self.get("meta", b"head"), self.get("base", b"height")
        if named is None:
            return  # there is no head, and so there may be nothing: whoever boots a ledger looks
        head, first = read_height(named[:8]), read_height(base)
        above = bodies_above(self)
        bodies = above + 1 if above else 0  # the genesis has a batch and no certificate
        wanted = {"block": first, "batch": bodies, "certificate": max(bodies, 1)}
        for table, lowest in wanted.items():
            ((count, least, most),) = self._read_raw(f"SELECT count(*), min(key), max(key) FROM {table}")
            if count != head - lowest + 1 or (count and (least, most) != (height_key(lowest), height_key(head))):
                raise Damaged(f"{self.path}, table {table}: {count} rows for the heights {lowest} to {head}")

    def _read_raw(self, statement: str, place: str = "") -> list[tuple[Any, ...]]:
        try:
            return self._reader.execute(statement).fetchall()
        except sqlite3.DatabaseError as error:
            raise refusal(self.path, error, place) from None


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


def _reach(applies: Sequence[Apply], when: str) -> None:
    if not failpoints.is_any_armed():
        return
    failpoints.reach(f"commit.{when}")
    if any(table == "seal" and value is not None for apply in applies for table, _, value in apply.rows):
        failpoints.reach(f"seal.{when}")
    if any(table == "base" and value is not None for apply in applies for table, _, value in apply.rows):
        failpoints.reach(f"snapshot.{when}")


def tables_of(reader: sqlite3.Connection, version: int) -> tuple[Mapping[str, StoredTable], StateTable]:
    """How each table of a ledger of this format lies, and that of the state of ours once more."""
    stored: dict[str, StoredTable] = {name: KeyedTable(reader, name) for name in TABLES}
    state = StateTable(reader)
    if version == FORMAT:
        stored.update({each.name: each for each in (ReceiptTable(reader), state)})
    return stored, state


def _version(connection: sqlite3.Connection) -> int:
    """The format that the file's header names."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_readable(connection: sqlite3.Connection, path: Path) -> list[str]:
    """What is foreign in it (see `foreign_parts`). Raises UserError where it is no ledger, or of another format, and
    Damaged where its rows cannot be read."""
    found = read_schema(connection)
    version = _version(connection)
    faults = foreign_parts(found, version, are_views_asked=False)
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION and faults:
        without = "; its log (-wal) does not lie beside it: copy both" if may_lack_its_log(path) else ""
        raise UserError(f"{path} is a SQLite file, but not the ledger of a node{without}")
    if faults:
        raise Damaged(f"{path}: {'; '.join(faults)}")
    check_format(connection, path, read_only=True)
    return foreign_parts(found, version)
