"""The file of a ledger, opened to be read: nothing beside it is created or changed, on a read-only mount neither.

A ledger keeps its last blocks in a log beside it (`ledger.sqlite-wal`) until its node closes it. SQLite would write an
index for that log, so what lies there is read from a copy. Only where a node is writing at this moment is the log read
in place, which is what SQLite's index is for.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import NamedTuple

from nodes.errors import Damaged, UserError

APPLICATION = 0x434E5331  # "CNS1", in the file's header
SQLITE_BEGINS = b"SQLite format 3\x00"
HEADER_BYTES = 100  # of a SQLite file; the application's number stands at 68
WAL_VERSION = 2  # byte 18 of the header; a ledger that its node has closed bears 1


class Opened(NamedTuple):
    """A connection, and the folder that holds the copy it reads, which is the caller's to remove."""

    connection: sqlite3.Connection
    copy: Path | None


def open_to_read(path: Path) -> Opened:
    """Raises UserError for what is no ledger, and Damaged."""
    _check_header(path)
    if not _log_of(path):
        return Opened(_connect(path, "mode=ro&immutable=1"), None)
    copy = _copied(path)
    if copy is not None:
        return Opened(_connect(copy / path.name, "mode=ro"), copy)
    try:
        connection = _connect(path, "mode=ro")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
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


def _log_of(path: Path) -> bool:
    wal = path.with_name(path.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _copied(path: Path) -> Path | None:
    """The file and its log as they were at one moment, elsewhere; None if somebody wrote meanwhile."""
    files = (path, path.with_name(path.name + "-wal"))
    before = [_mark(file) for file in files]
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
    first = _header(path)
    if not first:
        raise UserError(f"{path} is empty: it holds no ledger; name the ledger.sqlite of a node, or its folder")
    if not first.startswith(SQLITE_BEGINS):
        if path.name == "ledger.sqlite" or first[68:72] == APPLICATION.to_bytes(4, "big"):
            raise Damaged(f"{path} is not a sound SQLite file: its first bytes are damaged")
        raise UserError(
            f"{path} is no SQLite file (its first bytes are not those of one), so no ledger can be read from it; name "
            "the ledger.sqlite of a node, or its folder"
        )


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEADER_BYTES)


def may_lack_its_log(path: Path) -> bool:
    """Whether no node has closed this file and yet no log lies beside it: it was copied alone, or it is a closed ledger
    of version 0.1, which did not mark what it closed."""
    return not _log_of(path) and _header(path)[18:19] == bytes([WAL_VERSION])
