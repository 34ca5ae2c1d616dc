"""The private store: a node's sealed boxes and its audit of reads, in an SQLite file of its own, mode 0600.

What is dropped is gone from the bytes of every file when `commit` returns. SQLite zeroes what it frees
(`secure_delete`), but leaves copies of small rows behind when it moves them between pages. So each value begins behind
a pad of a whole page: it lies in overflow pages, which are never moved, and freed whole. The write-ahead log, where
older pages stand, is emptied with every drop.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from consortium.core.machine import Drop, Keep
from consortium.core.vault import LACKING
from nodes.errors import Damaged, StoreFailed, UserError

APPLICATION = 0x434E5350  # "CNSP", in the file's header
FORMAT = 1
PAGE_BYTES = 512  # the smallest: a pad costs so much a row
LOOKED_THROUGH_MAX = 64_000_000  # bytes of a store whose pages are all looked at when it is opened
BESIDE = ("-wal", "-shm", "-journal")

_log = logging.getLogger("store")


def create_store(path: Path) -> None:
    """An empty store, made with a node's keys: a process that finds none has lost it. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with contextlib.closing(_connect(path)) as connection:
        _create(connection)


def open_store(path: Path) -> PrivateStore:
    """The store of a node that starts. One that is missing or damaged is begun anew with what of it can be read; the
    rest is asked of other holders. Raises UserError, StoreFailed."""
    if not path.exists():
        _log.error(
            "the private store %s is missing, and whoever prepared this node had made one: this node asks the other "
            "holders for the records that the ledger says are its to hold; what nobody else holds is lost",
            path,
        )
        return _begun_anew(path, ())
    _check_mode(path)
    try:
        return PrivateStore(path)
    except Damaged as error:
        kept = _salvage(path)
        destroy(path)
        store = _begun_anew(path, kept)
        _log.error(
            "the private store is damaged: %s. %d of its rows could be read and are kept; nothing of the damaged file "
            "is left, so that no erasure can miss it; what is lacking is asked of the other holders",
            error,
            len(kept),
        )
        return store


def _begun_anew(path: Path, kept: Sequence[tuple[str, bytes]]) -> PrivateStore:
    """A store of these rows that says of itself that it may lack some."""
    store = PrivateStore(path)
    store.commit([Keep(LACKING, b""), *(Keep(name, value) for name, value in kept)])
    return store


def destroy(path: Path) -> None:
    """Overwrite and remove a store, with all that lies beside it. Raises OSError."""
    for file in (path, *(path.with_name(path.name + end) for end in BESIDE)):
        if file.exists():
            with file.open("r+b") as opened:
                opened.write(bytes(file.stat().st_size))
                opened.flush()
                os.fsync(opened.fileno())
            file.unlink()


class PrivateStore:
    """`core.vault.Boxes` over the file. One thread writes (`commit`), the node's own thread reads; rows are staged
    first and seen by every read at once. Raises Damaged where the file is not what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_full = False  # a fault of the scenario: the disk takes nothing more
        self._staged: dict[str, tuple[bytes | None, int]] = {}  # the newest value, and how many are not committed
        if not path.exists():
            create_store(path)
        opened: list[sqlite3.Connection] = []
        try:
            opened.append(_connect(path))
            _check(opened[0], path)
            opened.append(_connect(path))
        except sqlite3.DatabaseError as error:
            for connection in opened:
                connection.close()
            raise _refusal(path, error) from None
        except BaseException:
            for connection in opened:
                connection.close()
            raise
        self._writer, self._reader = opened

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, name: str) -> bytes | None:
        staged = self._staged.get(name)
        if staged is not None:
            return staged[0]
        row = self._read("SELECT value FROM kept WHERE name = ?", (name,))
        return row[0][0] if row else None

    def names(self) -> Sequence[str]:
        found = {name for (name,) in self._read("SELECT name FROM kept", ())}
        for name, (value, _) in self._staged.items():
            (found.discard if value is None else found.add)(name)
        return sorted(found)

    def _read(self, statement: str, arguments: tuple[str, ...]) -> list[tuple[Any]]:
        try:
            return self._reader.execute(statement, arguments).fetchall()
        except sqlite3.DatabaseError as error:
            raise _refusal(self.path, error) from None

    # --- writing ----------------------------------------------------------------------------------------------------

    def stage(self, name: str, value: bytes | None) -> None:
        self._staged[name] = (value, self._staged.get(name, (None, 0))[1] + 1)

    def commit(self, rows: Sequence[Keep | Drop]) -> None:
        """Make these durable in one transaction; what is dropped is in no file any more when this returns. May run in
        another thread; call `committed` afterwards. Raises StoreFailed, Damaged."""
        if self.is_full:
            raise StoreFailed(f"cannot write {self.path}: {os.strerror(errno.ENOSPC)}")
        with self._told():
            self._writer.execute("BEGIN IMMEDIATE")
            for row in rows:
                self._writer.execute("DELETE FROM kept WHERE name = ?", (row.name,))
                if isinstance(row, Keep):
                    values = (row.name, PAGE_BYTES, row.value)
                    self._writer.execute("INSERT INTO kept VALUES (?, zeroblob(?), ?)", values)
            self._writer.execute("COMMIT")
            if any(isinstance(row, Drop) for row in rows):
                self._empty_log()

    def committed(self, rows: Sequence[Keep | Drop]) -> None:
        """In the reading thread, after `commit`: these are read from the file from now on."""
        for row in rows:
            held = self._staged.get(row.name)
            if held is not None and held[1] > 1:
                self._staged[row.name] = (held[0], held[1] - 1)
            elif held is not None:
                del self._staged[row.name]

    def _empty_log(self) -> None:
        """Raises StoreFailed where somebody reads an older state for too long: then it is not gone."""
        if self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            raise StoreFailed(f"{self.path} is being read, so that nothing in it can be erased: end what reads it")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            with contextlib.suppress(sqlite3.DatabaseError):
                self._writer.execute("ROLLBACK")
            raise _refusal(self.path, error) from None

    def close(self) -> None:
        """The log goes into the file."""
        self._reader.close()
        with contextlib.suppress(sqlite3.DatabaseError):
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()


class StoredBoxes:
    """A store that is only read, as it was when it was opened: for checks of runs. Raises UserError, Damaged."""

    def __init__(self, path: Path) -> None:
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            with contextlib.closing(connection):
                _check(connection, path)
                self._values = dict(connection.execute("SELECT name, value FROM kept ORDER BY name"))
        except sqlite3.DatabaseError as error:
            raise _refusal(path, error) from None

    def get(self, name: str) -> bytes | None:
        return self._values.get(name)

    def names(self) -> Sequence[str]:
        return list(self._values)


def copy_store(path: Path, copy: Path) -> None:
    """A copy of a store that may be in use, as it is at one moment. Raises Damaged, StoreFailed, UserError."""
    create_store(copy)
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
            _check(source, path)
            with contextlib.closing(_connect(copy)) as target:
                target.execute("BEGIN IMMEDIATE")
                rows = source.execute("SELECT name, pad, value FROM kept ORDER BY name")
                target.executemany("INSERT INTO kept VALUES (?, ?, ?)", rows)
                target.execute("COMMIT")
                target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        raise _refusal(path, error) from None


# --- the file ---------------------------------------------------------------------------------------------------------


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(f"PRAGMA application_id={APPLICATION}")
    connection.execute(f"PRAGMA user_version={FORMAT}")
    connection.execute("CREATE TABLE kept (name TEXT PRIMARY KEY, pad BLOB NOT NULL, value BLOB NOT NULL)")
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises UserError where it is of another format, Damaged where it is no store at all, or not a sound one (a large
    one is looked through as it is read)."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise Damaged(f"{path} does not say that it is a private store")
    if version != FORMAT:
        raise UserError(f"{path} is a private store of format {version}; this version reads format {FORMAT}")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    if pages * PAGE_BYTES > LOOKED_THROUGH_MAX:
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Damaged(f"{path}: {' '.join(str(found).split())}")


def _check_mode(path: Path) -> None:
    """Raises UserError where others may read it."""
    mode = path.stat().st_mode
    if mode & 0o077:
        raise UserError(f"{path} can be read by others (mode {mode & 0o777:04o}): run `chmod 600 {path}`")


def _salvage(path: Path) -> list[tuple[str, bytes]]:
    """The rows of a damaged store that can be read. Each box is held against its commitment when it is opened."""
    kept: list[tuple[str, bytes]] = []
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        for name, value in connection.execute("SELECT name, value FROM kept"):
            if type(name) is str and type(value) is bytes:
                kept.append((name, value))
    return kept


def _refusal(path: Path, error: sqlite3.DatabaseError) -> Damaged | StoreFailed:
    """What an error of SQLite means: that the disk refuses, or that the file is not what was written."""
    refused = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (*refused, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreFailed(f"{path}: {error}")
    return Damaged(f"{path} is not a sound private store: {error}")
