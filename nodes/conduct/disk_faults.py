"""Faults of a real node's disk, done to the files of a process that is down: copied, laid back, torn, flipped."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

from consortium.ledger.rows import TABLES
from consortium.scenario.streams import Stream
from nodes.process.settings import NodeFolder
from nodes.process.vote_log import block_ends

COPY = "copy"


def _files(folder: NodeFolder) -> list[Path]:
    stores = [
        file.with_name(file.name + end) for file in (folder.ledger, folder.private) for end in ("", "-wal", "-shm")
    ]
    return [*stores, folder.votes]


def copy_disk(folder: NodeFolder) -> None:
    """A copy of ledger, votes and private store as they are now, also of a node that runs."""
    copy = folder.folder / COPY
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for store in (folder.ledger, folder.private):
        with (
            contextlib.closing(sqlite3.connect(store)) as source,
            contextlib.closing(sqlite3.connect(copy / store.name)) as target,
        ):
            source.backup(target)
    (copy / folder.private.name).chmod(0o600)
    shutil.copy2(folder.votes, copy)


def lay_disk(folder: NodeFolder, which: str) -> None:
    """`own`: as it is; `copy`: as `copy_disk` left it (without one: empty); `empty`: keys and settings alone."""
    if which == "own":
        return
    for path in _files(folder):
        path.unlink(missing_ok=True)
    if which == "copy":
        for path in sorted((folder.folder / COPY).glob("*")):
            shutil.copy2(path, folder.folder)


def tear_votes(path: Path, blocks: int) -> str:
    """The last writes were never whole, though the disk had said so: the last is half there."""
    ends = block_ends(path)
    if len(ends) < 2:
        return "no votes"
    first = max(0, len(ends) - 1 - blocks)
    with path.open("r+b") as file:
        file.truncate((ends[first] + ends[first + 1]) // 2)
    return f"votes, the last {len(ends) - 1 - first} writes"


def flip(folder: NodeFolder, table: str, stream: Stream) -> str | None:
    """Flip one bit of the vote log (`votes`), or of a value of a table (`any`: of some table). What was hit, if any."""
    if table == "votes":
        ends = block_ends(folder.votes)
        if len(ends) < 2:
            return None
        at = stream.below(ends[-1])
        data = bytearray(folder.votes.read_bytes())
        data[at] ^= 1 << stream.below(8)
        folder.votes.write_bytes(data)
        return f"votes, byte {at} of {ends[-1]}"
    with contextlib.closing(sqlite3.connect(folder.ledger)) as database:
        tables = [name for name in TABLES if database.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]
        name = tables[stream.below(len(tables))] if table == "any" else table
        keys = [key for (key,) in database.execute(f"SELECT key FROM {name} WHERE length(value) > 0 ORDER BY key")]
        if not keys:
            return None
        key = keys[stream.below(len(keys))]
        value = bytearray(database.execute(f"SELECT value FROM {name} WHERE key = ?", (key,)).fetchone()[0])
        bit = stream.below(8 * len(value))
        value[bit // 8] ^= 1 << bit % 8
        with database:
            database.execute(f"UPDATE {name} SET value = ? WHERE key = ?", (bytes(value), key))
        return f"{name} {key.hex()[:32]}"
