"""The file of a ledger, opened to be read: nothing beside it is created or changed, on a read-only mount neither.

A ledger keeps its last blocks in a log beside it (`ledger.sqlite-wal`) until its node closes it. SQLite would write an
index for that log, so what lies there is read from a copy. Only where a node is writing at this moment is the log read
in place, which is what SQLite's index is for. All is read in one transaction: as it was at one moment, whoever writes
meanwhile.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from nodes.errors import Damaged, UserError
from nodes.process.ledger_damage import (
    APPLICATION,
    APPLICATION_PLACE,
    SQLITE_BEGINS,
    beside,
    is_foreign_journal,
    log_fault,
    lost_frames,
    read_header,
)

OPEN_VERSION = 2  # byte 18 of the header; a ledger that its node has closed bears 1
SETTLED_NS = 50_000_000  # a file that was written so lately may be written again before the clock of the disk ticks


class Opened(NamedTuple):
    """A connection, and the folder that holds the copy it reads, which is the caller's to remove."""

    connection: sqlite3.Connection
    copy: Path | None


def open_to_read(path: Path) -> Opened:
    """Raises UserError for what is no ledger, and Damaged."""
    _check_header(path)
    if is_foreign_journal(path):
        raise Damaged(
            f"{beside(path, '-journal')} is a rollback journal that no ledger leaves: whoever opens {path.name} to "
            "write takes back with it what it says"
        )
    if not _logs_of(path):
        return Opened(_begin(_connect(path, "mode=ro&immutable=1")), None)
    copy = _copied(path)
    if copy is not None:
        return _open_copy(copy, path)
    try:
        connection = _begin(_connect(path, "mode=ro"))
    except sqlite3.OperationalError as error:
        raise UserError(
            f"{path} is being written just now and cannot be read meanwhile ({error}): try again when its node has "
            "stopped, or read a copy of its folder"
        ) from None
    return Opened(connection, None)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")  # text is refused row by row, with its place
    return connection


def _begin(connection: sqlite3.Connection) -> sqlite3.Connection:
    """From here on it reads what was committed up to now, and nothing later."""
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_copy(copy: Path, path: Path) -> Opened:
    """The copy is taken up as its node would: with what its logs say. Raises Damaged where a log is damaged."""
    connection = None
    try:
        fault = log_fault(copy / path.name)
        connection = _begin(_connect(copy / path.name, "mode=rw"))
        if not fault and _log_of(copy / path.name):
            shared = os.open(beside(copy / path.name, "-shm"), os.O_RDONLY)
            _, lost = lost_frames(copy / path.name, shared)
            os.close(shared)
            fault = f"{lost} pages at its end, which were written whole once, cannot be read any more" if lost else ""
        if fault:
            raise Damaged(f"{beside(path, '-wal')} is damaged: {fault}")
    except BaseException:
        if connection is not None:
            connection.close()
        shutil.rmtree(copy, ignore_errors=True)
        raise
    return Opened(connection, copy)


def _logs_of(path: Path) -> list[Path]:
    """The files beside a ledger that tell what is not in it yet, or in it no more."""
    return [file for end in ("-wal", "-journal") if (file := beside(path, end)).exists() and file.stat().st_size > 0]


def _log_of(path: Path) -> bool:
    return beside(path, "-wal") in _logs_of(path)


def _copied(path: Path) -> Path | None:
    """The file and its logs as they were at one moment, elsewhere; None if somebody writes to them."""
    files = (path, *_logs_of(path))
    before = [_mark(file) for file in files]
    if 0 <= time.time_ns() - max(at_ns for _, at_ns in before) < SETTLED_NS:
        time.sleep(SETTLED_NS / 1e9)
    copy = Path(tempfile.mkdtemp(prefix="consortium-ledger-"))
    try:
        for file in files:
            shutil.copyfile(file, copy / file.name)
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise UserError(
            f"{path} must be copied to be read, for its last blocks lie in a log beside it, and there is no room in "
            f"{tempfile.gettempdir()} ({error.strerror}): name another folder with TMPDIR"
        ) from None
    if [_mark(file) for file in files] == before:
        return copy
    shutil.rmtree(copy, ignore_errors=True)
    return None


def _mark(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _check_header(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"there is no ledger at {path}")
    first = read_header(path)
    if not first:
        raise UserError(f"{path} is empty: it holds no ledger; name the ledger.sqlite of a node, or its folder")
    if not first.startswith(SQLITE_BEGINS):
        if path.name == "ledger.sqlite" or first[APPLICATION_PLACE] == APPLICATION.to_bytes(4, "big"):
            raise Damaged(f"{path} is not a sound SQLite file: its first bytes are damaged")
        raise UserError(
            f"{path} is no SQLite file (its first bytes are not those of one), so no ledger can be read from it; name "
            "the ledger.sqlite of a node, or its folder"
        )


def may_lack_its_log(path: Path) -> bool:
    """Whether no node has closed this file and yet no log lies beside it: it was copied alone, or it is a closed ledger
    of version 0.1, which did not mark what it closed."""
    return not _log_of(path) and read_header(path)[18:19] == bytes([OPEN_VERSION])
