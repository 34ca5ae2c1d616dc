"""The vote log: what a node must not forget, append-only, synced before anything is said on the strength of it.

A file is a row of blocks, one per flush: `magic | length | offset | crc32 | payload`, payload = MessagePack
`[[height | nil, record], …]`. A block is written only after the one before it was synced. So a bad block with a good
one anywhere behind it is damage of something that was durable, and refused; so is one that a single flipped bit makes
good. Any other bad block at the end is a write that a crash tore, and cut (nothing had been said on its strength).

While a process has it open the file ends in zeros, written ahead: a sync that changes no file size needs no commit of
the file system's journal, and so does not wait for everybody else's (measured: 30 µs instead of 100 to 4,000).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from nodes.errors import StoreFailed, VotesDamaged
from nodes.process import failpoints
from nodes.process.flipped_bit import is_flipped

MAGIC = b"CVL1"
HEADER = struct.Struct(">4sIQI")
BLOCK_BYTES_MAX = 1 << 30
COMPACT_BYTES_MIN = 32_000_000
PART_BYTES = 1_000_000  # of records, in a block of a log that is written anew
AHEAD_BYTES = 1 << 20  # of zeros; not for large blocks, which would be written twice
AHEAD_BLOCK_BYTES_MAX = 1 << 16

_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
_log = logging.getLogger("store")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[tuple[int | None, bytes]])


class Kept(NamedTuple):
    height: int | None
    record: bytes


BEGUN = Kept(None, b"begun")  # the first record of a log that was prepared for a node: no node writes it


def _block(offset: int, records: Sequence[tuple[int | None, bytes]]) -> bytes:
    payload = _ENCODER.encode(records)
    return HEADER.pack(MAGIC, len(payload), offset, _checksum(offset, payload)) + payload


def _checksum(offset: int, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack(">QI", offset, len(payload))))


def _read_block(data: memoryview, offset: int) -> tuple[list[tuple[int | None, bytes]], int] | None:
    """The records of the block at `offset` and where the next begins; None if it is not sound."""
    return _read_under(data[offset : offset + HEADER.size], data, offset)


def _read_under(
    head: memoryview | bytearray, data: memoryview, offset: int
) -> tuple[list[tuple[int | None, bytes]], int] | None:
    """The same, if its header were this one."""
    if len(head) < HEADER.size:
        return None
    magic, length, at, checksum = HEADER.unpack(head)
    end = offset + HEADER.size + length
    if magic != MAGIC or at != offset or length > BLOCK_BYTES_MAX or end > len(data):
        return None
    payload = data[offset + HEADER.size : end]
    if _checksum(offset, payload) != checksum:
        return None
    return _DECODER.decode(payload), end


def read_log(path: Path) -> tuple[list[Kept], int, int]:
    """All records, the length of the sound part, and the bytes of a torn tail (zeros written ahead are none).
    Raises VotesDamaged."""
    raw = path.read_bytes()
    data = memoryview(raw)
    records: list[Kept] = []
    offset = 0
    while offset < len(data):
        block = _read_block(data, offset)
        if block is None:
            _refuse_damage(path, raw, data, offset)
            break
        records.extend(Kept(height, record) for height, record in block[0])
        offset = block[1]
    return records, offset, len(raw[offset:].rstrip(b"\0"))


def _read_above(path: Path, size: int, height: int) -> list[Kept] | None:
    """Of a log of this many bytes the records above a height, and those that are good for ever; None where it is not
    sound. It reads block by block: what a log of tens of megabytes takes in memory, a process does not give back."""
    keep: list[Kept] = []
    offset = 0
    with path.open("rb") as file:
        while offset < size:
            head = file.read(HEADER.size)
            length = HEADER.unpack(head)[1] if len(head) == HEADER.size else size
            if offset + HEADER.size + length > size:
                return None
            records = _open_block(head, file.read(length), offset)
            if records is None:
                return None
            keep += [Kept(until, record) for until, record in records if until is None or until > height]
            offset += HEADER.size + length
    return keep


def _open_block(head: bytes, payload: bytes, offset: int) -> list[tuple[int | None, bytes]] | None:
    """The records of a block; None if it is not sound."""
    magic, length, at, checksum = HEADER.unpack(head)
    if (magic, at, length) != (MAGIC, offset, len(payload)) or _checksum(offset, payload) != checksum:
        return None
    return _DECODER.decode(payload)


def block_ends(path: Path) -> list[int]:
    """0, and where each sound block from the beginning on ends."""
    data = memoryview(path.read_bytes())
    ends = [0]
    while (block := _read_block(data, ends[-1])) is not None:
        ends.append(block[1])
    return ends


def _refuse_damage(path: Path, raw: bytes, data: memoryview, offset: int) -> None:
    """Of a bad block. Raises VotesDamaged where it was good once."""
    if _is_one_bit_off(data, offset):
        raise VotesDamaged(
            f"{path} is damaged at byte {offset}: a bit of a whole write is flipped, so votes that this node cast are "
            "lost: with its present key it must not vote on"
        )
    at = raw.find(MAGIC, offset + 1)
    while at >= 0:
        if _read_block(data, at) is not None:
            raise VotesDamaged(
                f"{path} is damaged at byte {offset}: sound votes follow at byte {at}, so votes that this node cast "
                "are lost: with its present key it must not vote on"
            )
        at = raw.find(MAGIC, at + 1)


def _is_one_bit_off(data: memoryview, offset: int) -> bool:
    """Whether one flipped bit is all that is wrong with the block at `offset`: what a crash tears looks otherwise."""
    head = bytearray(data[offset : offset + HEADER.size])
    if len(head) < HEADER.size:
        return False
    magic, length, at, checksum = HEADER.unpack(head)
    payload = data[offset + HEADER.size : offset + HEADER.size + length]
    if (magic, at, len(payload)) == (MAGIC, offset, length) and is_flipped(
        length, _checksum(offset, payload) ^ checksum
    ):
        return True
    for bit in range(8 * HEADER.size):
        head[bit // 8] ^= 1 << bit % 8
        if _read_under(head, data, offset) is not None:
            return True
        head[bit // 8] ^= 1 << bit % 8
    return False


def salvage(path: Path) -> list[Kept]:
    """The records of every block that is sound, wherever it stands in a damaged file."""
    raw = path.read_bytes()
    data = memoryview(raw)
    records: list[Kept] = []
    at = raw.find(MAGIC)
    while at >= 0:
        block = _read_block(data, at)
        if block is not None:
            records.extend(Kept(height, record) for height, record in block[0])
        at = raw.find(MAGIC, at + 1 if block is None else block[1])
    return records


def create_log(path: Path, records: Iterable[Kept]) -> int:
    """A log of these records takes the place of the one at `path`, if there is one: whole, or not at all. Returns its
    length. Raises OSError."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    size = 0
    try:
        with os.fdopen(descriptor, "wb") as file:
            for part in _parts(records):
                block = _block(size, part)
                if failpoints.is_next("votes.compact.torn"):
                    file.write(block[: len(block) // 2])
                    file.flush()
                failpoints.reach("votes.compact.torn")
                size += file.write(block)
            file.flush()
            os.fsync(file.fileno())
        failpoints.reach("votes.compact.written")
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    failpoints.reach("votes.compact.renamed")
    _sync_folder(path)
    return size


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prepare_log(path: Path) -> None:
    """The log of a node that has never run, made with its keys: a process that finds none has lost it. Raises
    OSError."""
    create_log(path, [BEGUN])


class VoteLog:
    """Opened by one process. `append` is durable when it returns. Raises StoreFailed where the disk refuses."""

    def __init__(self, path: Path, compact_bytes_min: int = COMPACT_BYTES_MIN) -> None:
        self.path = path
        self._compact_bytes_min = compact_bytes_min
        path.with_name(path.name + ".new").unlink(missing_ok=True)
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if is_new:
            _sync_folder(path)
        kept, self.bytes, torn = read_log(path)
        self.records: tuple[Kept, ...] | None = tuple(kept)
        if torn:
            _log.warning("%s: cut %d bytes of a write torn by a crash, at byte %d", path, torn, self.bytes)
        os.ftruncate(self._descriptor, self.bytes)
        os.fsync(self._descriptor)
        self._allocated = self.bytes  # up to here the file exists
        self._compacted_bytes = 0  # nobody knows what is needless in it: the first seal tells
        self._compacted_height = 0
        self.is_full = False  # a fault of the scenario: the disk takes nothing more

    def take_records(self) -> tuple[bytes, ...]:
        """What was stored before this boot, oldest first; given once, so that it need not stay in memory."""
        assert self.records is not None
        records, self.records = self.records, None
        return tuple(kept.record for kept in records if kept != BEGUN)

    @property
    def is_lost(self) -> bool:
        """Whether it held nothing at all when it was opened, not even what a log begins with."""
        return self.records == ()

    def append(self, records: Sequence[tuple[int | None, bytes]]) -> None:
        """One write and one fdatasync for all of `records`."""
        block = _block(self.bytes, records)
        failpoints.reach("votes.append.before")
        try:
            if self.is_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if failpoints.is_next("votes.append.torn"):
                self._write(self.bytes, block[: len(block) // 2])
            failpoints.reach("votes.append.torn")
            self._write(self.bytes, block)
            failpoints.reach("votes.append.unsynced")
            _sync_data(self._descriptor)
        except OSError as error:
            self._undo()
            raise StoreFailed(f"cannot write {self.path}: {error.strerror}") from None
        failpoints.reach("votes.append.synced")
        self.bytes += len(block)

    def _write(self, offset: int, block: bytes) -> None:
        end = offset + len(block)
        if end > self._allocated and len(block) <= AHEAD_BLOCK_BYTES_MAX:
            block += bytes(AHEAD_BYTES)
        view = memoryview(block)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written
        self._allocated = max(self._allocated, offset)

    def _undo(self) -> None:
        self._allocated = self.bytes
        try:
            os.ftruncate(self._descriptor, self.bytes)
        except OSError:
            _log.warning("%s: the torn write stays, and will be cut at the next start", self.path)

    def is_due(self, stable_height: int) -> bool:
        """Whether `compact` is worth it: the file has doubled, and a newer seal makes records needless."""
        return stable_height > self._compacted_height and self.bytes >= max(
            self._compact_bytes_min, 2 * self._compacted_bytes
        )

    def compact(self, stable_height: int, *, always: bool = False) -> bool:
        """Forget records at or below `stable_height`, if it is worth it (or `always`). Raises VotesDamaged.

        The new file takes the old one's place whole, or not at all."""
        if self.is_full or (not always and not self.is_due(stable_height)):
            return False
        failpoints.reach("votes.compact.before")
        keep = _read_above(self.path, self.bytes, stable_height)
        if keep is None:
            _, size, _ = read_log(self.path)  # tells what is wrong, where that can be told
            raise VotesDamaged(f"{self.path} is damaged at byte {size}, behind which votes were durable")
        try:
            self._replace(keep)
        except OSError as error:
            raise StoreFailed(f"cannot rewrite {self.path}: {error.strerror}") from None
        self._compacted_height = stable_height
        failpoints.reach("votes.compact.done")
        return True

    def _replace(self, records: Iterable[Kept]) -> None:
        size = create_log(self.path, records)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        os.close(self._descriptor)
        self._descriptor = descriptor
        self.bytes = self._allocated = self._compacted_bytes = size

    def close(self) -> None:
        """The zeros at the end go; the votes were durable already."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self.bytes)
        os.close(self._descriptor)


def _parts(records: Iterable[Kept]) -> Iterable[list[Kept]]:
    part: list[Kept] = []
    size = 0
    for kept in records:
        part.append(kept)
        size += len(kept.record)
        if size > PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
