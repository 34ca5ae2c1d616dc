"""A view in a file beside the ledger, `views.sqlite`: rows as a researcher can read them, mode 0600.

Whoever removes the file loses nothing; it is made again from the ledger. Beside each view stands the
digest of the rules that fed it: where this program has others, it is made again by itself."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import consortium
from consortium.core.codec import encode
from consortium.core.machine import Receipted
from consortium.plugins.load import current
from consortium.views.view import DAY, FEN, NUMBER, Book, Columns, Row, Value, View, feed_block
from nodes.errors import UserError

VIEWS_FILE = "views.sqlite"
FORMAT = 1
WAIT_S = 30  # for whoever feeds the same file
COMMIT_EVERY = 256  # blocks
ROOMS = ("views", "contracts")  # whose code says what a view is fed


@cache
def digest_of_rooms(package: Path) -> str:
    """Of every file of the rooms that feed views."""
    digest = sha256(consortium.__version__.encode())
    for path in sorted(path for room in ROOMS for path in (package / room).rglob("*.py")):
        digest.update(encode((path.relative_to(package).as_posix(), path.read_bytes())))
    return digest.hexdigest()


def rules_of(view: View) -> str:
    """What feeds a view, as a digest: another one may feed other rows. A plug-in's view rests on the plug-ins in use,
    too. Raises OSError."""
    rooms = digest_of_rooms(Path(consortium.__file__).parent)
    is_ours = view.feed.__module__.startswith(f"{consortium.__name__}.")
    return rooms if is_ours else sha256(encode((rooms, sorted(current().digests.items())))).hexdigest()


class Blocks(Protocol):
    """A ledger, for what is fed from it: `first` is the height of the first block that it can tell, `head` that of the
    last."""

    @property
    def first(self) -> int: ...

    @property
    def head(self) -> int: ...

    def digest(self, height: int) -> bytes:
        """Of the header of this height."""

    def receipted(self, height: int) -> Receipted:
        """Raises Damaged."""


class ViewFile:
    """The tables of one view in the file. `head`: the height and the digest of the header up to which it was fed;
    height −1: never. What is of another chain, shape or format, or was fed by other rules, is thrown away.

    Nobody else has the file until `close`, for two that fed it would count blocks twice: a second waits WAIT_S. One
    thread at a time uses it. Raises UserError."""

    def __init__(self, path: Path, view: View, chain: bytes) -> None:
        self.view = view
        self.path = path
        try:
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            path.chmod(0o600)
            self._file = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")  # until it is closed
            self._file.execute("BEGIN EXCLUSIVE")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS fed (view TEXT PRIMARY KEY, shape TEXT, height INT, digest BLOB)"
            )
            self._file.execute("COMMIT")
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"cannot keep views in {path}: {error}; remove the file, or make room") from None
        tables = [(t.name, t.keys, dict(t.kinds)) for t in view.tables]
        self._shape = f"{FORMAT} {chain.hex()} {rules_of(view)} {tables}"
        found = self._file.execute("SELECT shape, height, digest FROM fed WHERE view = ?", (view.name,)).fetchone()
        self.head: tuple[int, bytes] = (-1, b"")
        if found is not None and found[0] == self._shape:
            self.head = (int(found[1]), bytes(found[2]))
        else:
            self.clear()
        self.book = Book(view.tables, self._read)

    def clear(self) -> None:
        """Nothing was fed yet."""
        with self._file:
            self._file.execute("BEGIN")
            for table in self.view.tables:
                columns = ", ".join(f'"{name}" {_type(kind)} NOT NULL' for name, kind in table.kinds.items())
                keys = ", ".join(f'"{name}"' for name in list(table.kinds)[: table.keys])
                self._file.execute(f"DROP TABLE IF EXISTS {self._name(table)}")
                self._file.execute(f"CREATE TABLE {self._name(table)} ({columns}, PRIMARY KEY ({keys})) WITHOUT ROWID")
            self._file.execute("DELETE FROM fed WHERE view = ?", (self.view.name,))
        self.head = (-1, b"")
        self.book = Book(self.view.tables, self._read)

    def commit(self, height: int, digest: bytes) -> None:
        """What the book has changed, and up to where it was fed, in one transaction."""
        with self._file:
            self._file.execute("BEGIN")
            for (name, key), row in self.book.changes.items():
                table = self.book.tables[name]
                if row is None:
                    self._file.execute(f"DELETE FROM {self._name(table)} WHERE {_where(table)}", key)
                else:
                    marks = ", ".join("?" * len(table.kinds))
                    self._file.execute(f"INSERT OR REPLACE INTO {self._name(table)} VALUES ({marks})", (*key, *row))
            kept = (self.view.name, self._shape, height, digest)
            self._file.execute("INSERT OR REPLACE INTO fed VALUES (?, ?, ?, ?)", kept)
        self.book.changes.clear()
        self.head = (height, digest)

    def begin(self, blocks: Blocks, *, rebuild: bool = False) -> int:
        """The height from which it is to be fed: what was fed from another ledger, or so long ago that blocks between
        are gone, is thrown away."""
        height, digest = self.head
        first = blocks.first
        is_foreign = height > blocks.head or (height >= first and blocks.digest(height) != digest)
        if rebuild or is_foreign or height + 1 < first:
            self.clear()
            height = -1
        return max(height + 1, first)

    def feed(self, blocks: Blocks, height: int, *, is_last: bool) -> bool:
        """The block that follows what it was fed. Whether it is on the disk by now: with every 256th, and the last."""
        try:
            feed_block(self.view, self.book, blocks.receipted(height))
            if height % COMMIT_EVERY and not is_last:
                return False
            self.commit(height, blocks.digest(height))
        except BaseException:
            self.book.changes.clear()  # it is as it was at the last commit
            raise
        return True

    def rows(
        self, table: Columns, where: Mapping[str, Value] | None = None, after: Row = (), limit: int = -1
    ) -> Iterator[tuple[Any, ...]]:
        """Key and row together, in the order of the key: those that have these values, behind the key `after`."""
        keys = [f'"{name}"' for name in list(table.kinds)[: table.keys]]
        wanted = [f'"{name}" = ?' for name in where or {}]
        if after:
            wanted.append(f"({', '.join(keys)}) > ({', '.join('?' * len(keys))})")
        chosen = f" WHERE {' AND '.join(wanted)}" if wanted else ""
        select = f"SELECT * FROM {self._name(table)}{chosen} ORDER BY {', '.join(keys)} LIMIT ?"
        yield from self._file.execute(select, (*(where or {}).values(), *after, limit))

    def all_rows(self) -> Iterator[tuple[str, Row, Row]]:
        """Those of all tables, as `digest_of` takes them."""
        for table in sorted(self.view.tables, key=lambda one: one.name):
            for row in self.rows(table):
                yield table.name, tuple(row[: table.keys]), tuple(row[table.keys :])

    def close(self) -> None:
        self._file.close()

    def _read(self, name: str, key: Row) -> Row | None:
        table = self.book.tables[name]
        found = self._file.execute(f"SELECT * FROM {self._name(table)} WHERE {_where(table)}", key).fetchone()
        return None if found is None else tuple(found[table.keys :])

    def _name(self, table: Columns) -> str:
        return f'"{self.view.name}_{table.name}"'


def _type(kind: str) -> str:
    return "INTEGER" if kind in (NUMBER, FEN, DAY) else "TEXT"


def _where(table: Columns) -> str:
    return " AND ".join(f'"{name}" = ?' for name in list(table.kinds)[: table.keys])
