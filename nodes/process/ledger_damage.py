"""Damage that SQLite itself passes over, or makes worse: in the header of a ledger's file, and in the logs beside it.

SQLite checks its pages as it meets them. But it believes the header (where free pages lie, how long the file is). It
leaves out of its write-ahead log what follows a frame that is not whole, and takes back what a rollback journal says.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nodes.errors import Damaged, StoreFailed

SQLITE_BEGINS = b"SQLite format 3\x00"
HEADER_BYTES = 100  # of a SQLite file
APPLICATION = 0x434E5331  # "CNS1", in the file's header
APPLICATION_PLACE = slice(68, 72)
VERSION_PLACE = slice(18, 20)  # who may write and read: 2 with a write-ahead log, 1 where its node has closed it

JOURNAL_BEGINS = bytes.fromhex("d9d505f920a163d7")
_JOURNAL = struct.Struct(">8sIIIII")  # begins, records, nonce, pages, bytes of a sector, bytes of a page

WAL_BEGINS = (0x377F0682, 0x377F0683)  # words of its checksums are little-endian, big-endian
WAL_VERSION = 3_007_000
_WAL = struct.Struct(">IIIIIIII")  # begins, version, page bytes, checkpoints, salt, salt, checksum of these (two words)
_FRAME = struct.Struct(">II8sII")  # page, pages of the database if a commit ends here, salts, checksum (two words)
_INDEX_FRAMES = slice(16, 20)  # in the index (-shm): how many frames of the log are of whole commits

# What these bytes are in the file of every ledger: (first, behind the last, the values that there are, what it is)
_CONSTANT = (
    (20, 24, (bytes([0, 64, 32, 32]),), "the layout of its pages"),
    (44, 48, (bytes(4), bytes([0, 0, 0, 4])), "the format of its tables"),
    (52, 56, (bytes(4),), "the page that names the others"),
    (56, 60, (bytes(4), bytes([0, 0, 0, 1])), "the encoding of its text"),
    (64, 68, (bytes(4),), "how it becomes smaller"),
    (72, 92, (bytes(20),), "what is kept for later versions"),
)


def beside(path: Path, end: str) -> Path:
    """The file beside a ledger whose name ends so: `-wal`, `-shm`, `-journal`."""
    return path.with_name(path.name + end)


def check_header(path: Path) -> None:
    """Of a ledger that is to be written. Raises Damaged where its first bytes say what no ledger's say."""
    header = read_header(path)
    if not header:
        return  # there is none yet
    if len(header) < HEADER_BYTES or not header.startswith(SQLITE_BEGINS):
        raise Damaged(f"{path} is not a sound SQLite file: its first bytes are damaged")
    page_bytes = int.from_bytes(header[16:18], "big")
    if page_bytes & (page_bytes - 1) or not 512 <= page_bytes <= 32_768:
        raise Damaged(f"{path} is not a sound SQLite file: its header names pages of {page_bytes} bytes")
    if header[VERSION_PLACE] not in (bytes([1, 1]), bytes([2, 2])):
        raise Damaged(f"{path} is not a sound SQLite file: its header says that it is written in an unknown way")
    for first, last, values, what in _CONSTANT:
        if header[first:last] not in values:
            raise Damaged(f"{path} is not a sound SQLite file: its header is damaged ({what})")


def read_header(path: Path) -> bytes:
    """The first bytes; none where there is no file."""
    try:
        with path.open("rb") as file:
            return file.read(HEADER_BYTES)
    except FileNotFoundError:
        return b""


# --- what SQLite says -----------------------------------------------------------------------------------------------


def refusal(path: Path, error: sqlite3.Error, place: str = "") -> Damaged | StoreFailed:
    """What an error of SQLite means for a file: that the machine refuses (no room, no right, taken by another), or that
    the file is not what was written."""
    text = f"{path}{place}: {error}"
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    kind = code & 0xFF
    if kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PERM):
        return StoreFailed(text)
    if kind == sqlite3.SQLITE_IOERR and code != sqlite3.SQLITE_IOERR_SHORT_READ:
        return StoreFailed(text)
    if kind in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) and not _is_ours(path):
        return StoreFailed(text)
    return Damaged(text)


def _is_ours(path: Path) -> bool:
    """Whether this process may do with a file, and beside it, what it likes."""
    return os.access(path.parent, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.R_OK | os.W_OK))


# --- the rollback journal -------------------------------------------------------------------------------------------


def is_foreign_journal(path: Path) -> bool:
    """Whether a journal lies beside a ledger that no ledger leaves: ours has but the first page in it, when a node is
    killed in the moment in which it opens or closes its ledger."""
    journal = beside(path, "-journal")
    if not journal.exists():
        return False
    with journal.open("rb") as file:
        head = file.read(_JOURNAL.size)
        if not head or head[:1] == b"\x00":
            return False  # SQLite does not play it back
        if len(head) < _JOURNAL.size:
            return True
        begins, _, _, _, sector, page = _JOURNAL.unpack(head)
        if begins != JOURNAL_BEGINS or not 0 < sector <= 65_536 or not 512 <= page <= 65_536:
            return True
        file.seek(sector)
        numbers = list(iter(lambda: file.read(4 + page + 4)[:4], b""))
    return any(number not in (b"\x00\x00\x00\x01", bytes(4)) for number in numbers)


# --- the write-ahead log --------------------------------------------------------------------------------------------


class _Log(NamedTuple):
    """The header of a write-ahead log."""

    page_bytes: int
    salts: bytes
    order: str

    @property
    def frame_bytes(self) -> int:
        return _FRAME.size + self.page_bytes


def log_fault(path: Path) -> str:
    """Why the write-ahead log of a ledger cannot be what was written, by its header; empty where it can, or is short,
    as one that is just begun."""
    head = _read_log_head(path)
    if len(head) < _WAL.size or not any(head):
        return ""
    begins, version, page_bytes = _WAL.unpack(head)[:3]
    if begins not in WAL_BEGINS or version != WAL_VERSION or page_bytes & (page_bytes - 1) or page_bytes < 512:
        return "its header is damaged"
    order = ">" if begins & 1 else "<"
    return "" if _checksum(head[:24], (0, 0), order) == _WAL.unpack(head)[6:] else "its header is damaged"


def lost_frames(path: Path, shared: int) -> tuple[int, int]:
    """How many pages at the end of a ledger's log SQLite leaves out, and how many of those a sound commit follows: they
    were durable once. `shared`: a descriptor of the `-shm` beside it, while the ledger is open."""
    log = _log_of(path)
    taken = int.from_bytes(os.pread(shared, 20, 0)[_INDEX_FRAMES], sys.byteorder)
    left = sound = 0
    previous: tuple[int, int] | None = None
    for place, (head, page) in enumerate(_frames(path, log, taken), 1):
        _, pages, salts, *stored = _FRAME.unpack(head)
        if salts == log.salts:  # others are spent, unless it is the salts that are damaged: then sound ones follow
            left = place
        if (
            salts == log.salts
            and pages
            and previous is not None
            and _checksum(head[:8] + page, previous, log.order) == tuple(stored)
        ):
            sound = place
        previous = (stored[0], stored[1])
    return left, sound


def _frames(path: Path, log: _Log, skipped: int) -> Iterator[tuple[bytes, bytes]]:
    try:
        with beside(path, "-wal").open("rb") as file:
            file.seek(_WAL.size + skipped * log.frame_bytes)
            while len(frame := file.read(log.frame_bytes)) == log.frame_bytes:
                yield frame[: _FRAME.size], frame[_FRAME.size :]
    except FileNotFoundError:
        return


def _read_log_head(path: Path) -> bytes:
    try:
        with beside(path, "-wal").open("rb") as file:
            return file.read(_WAL.size)
    except FileNotFoundError:
        return b""


def _log_of(path: Path) -> _Log:
    head = _read_log_head(path)
    if len(head) < _WAL.size:
        return _Log(0, b"", "<")
    return _Log(int.from_bytes(head[8:12], "big"), head[16:24], ">" if head[3] & 1 else "<")


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    """SQLite's, over words of 32 bits in pairs."""
    one, two = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for place in range(0, len(words), 2):
        one = (one + words[place] + two) & 0xFFFFFFFF
        two = (two + words[place + 1] + one) & 0xFFFFFFFF
    return one, two
