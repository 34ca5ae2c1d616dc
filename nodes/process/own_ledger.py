"""A node's own ledger, opened to be written: only where its file is what a ledger's file is, or where there is none."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from consortium.core.codec import encode
from consortium.core.format import FORMAT, format_fault, is_readable
from consortium.ledger.rows import TABLES
from nodes.errors import Damaged, UserError
from nodes.process import failpoints
from nodes.process.ledger_damage import APPLICATION, beside, check_header, lost_frames, refusal
from nodes.process.ledger_schema import foreign_parts, read_schema, statements


class Owned(NamedTuple):
    """Two connections to one ledger. `shared`: a descriptor of the `-shm` beside it, to be closed after both, for that
    frees what SQLite has locked there. `left`, `lost`: pages at the end of the log that SQLite leaves out, and those of
    them that were durable once."""

    writer: sqlite3.Connection
    reader: sqlite3.Connection
    shared: int
    left: int
    lost: int

    def close(self) -> None:
        self.reader.close()
        self.writer.close()
        os.close(self.shared)


def open_to_write(path: Path) -> Owned:
    """Makes the ledger where there is none. Raises Damaged; UserError where it is of another format, or where the
    machine refuses."""
    check_header(path)
    opened: list[sqlite3.Connection] = []
    try:
        for _ in range(2):
            opened.append(connect(path))
            if len(opened) == 1:
                _make_sure(opened[0], path)
        opened[1].execute("SELECT count(*) FROM meta").fetchone()
        shared = os.open(beside(path, "-shm"), os.O_RDONLY)
        return Owned(opened[0], opened[1], shared, *lost_frames(path, shared))
    except BaseException as error:
        for connection in opened:  # not when they are collected: the last one removes a log, by its name
            connection.close()
        if isinstance(error, sqlite3.Error):
            refused = refusal(path, error)
            if isinstance(refused, Damaged):
                raise Damaged(f"{path} is not a sound SQLite file: {error}") from None
            raise UserError(f"cannot open the ledger {path}: {error}") from None
        raise


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.execute("PRAGMA page_size=8192")  # of a new file; measured: a sixth less to write than with 4,096
        if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise Damaged(f"{path} cannot be written with a log beside it, as every ledger is")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_sure(writer: sqlite3.Connection, path: Path) -> None:
    """That it is a ledger of our format, and nothing more. Raises Damaged, UserError."""
    found = read_schema(writer)
    if not found:
        if writer.execute("PRAGMA page_count").fetchone()[0] > 1:
            raise Damaged(f"{path} names no table, and is not empty")
        _create(writer)
        found = read_schema(writer)
    check_format(writer, path, read_only=False)
    foreign = foreign_parts(found)
    if foreign:
        raise Damaged(f"{path}: {'; '.join(foreign)}")


def check_format(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    """Raises UserError where a ledger is of another format, and Damaged where only the header of the file says so. One
    of an older version is read, and never written to."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise Damaged(f"{path} is not a sound SQLite file: its header does not say that it is a ledger")
    if version == FORMAT:
        return
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (b"format",)).fetchone()
    if row is None or row[0] != encode(version):
        raise Damaged(f"{path} is not a sound SQLite file: its header names format {version}, and its rows do not")
    if not (read_only and is_readable(version)):
        raise UserError(f"{path} is a {format_fault('ledger', version)}")


def _create(writer: sqlite3.Connection) -> None:
    writer.execute("BEGIN IMMEDIATE")
    writer.execute(f"PRAGMA application_id={APPLICATION}")
    writer.execute(f"PRAGMA user_version={FORMAT}")
    for index, statement in enumerate(statements()):
        writer.execute(statement)
        if index == len(TABLES) // 2:
            failpoints.reach("ledger.create.middle")
    writer.execute("COMMIT")
