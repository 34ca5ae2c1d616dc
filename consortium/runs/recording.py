"""What one host of a real run was given and what it put out, step by step: the files that `consortium replay` reads.

A node's `recording/` holds one file a boot, `0001.bin` and so on: MAGIC and FORMAT, then entries of
`length | checksum of length and place | checksum of payload | payload`. Only the last entry may be cut (the node was
killed while it wrote); anything else unsound is damage. The payload is MessagePack, see `Step`. Whatever a step puts
out is carried out only after the step stands in the file, so a death loses no step that anybody can have heard of.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from consortium.core.errors import UserError
from consortium.core.machine import Apply, Drop, HandIn, Keep, Note, Now, Output, Rows, Store, Transmit, Wake
from consortium.core.vault import BoxReader

FOLDER = "recording"
MAGIC = b"CREC"
FORMAT = 2
_HEAD = struct.Struct(">4sI")
_ENTRY = struct.Struct(">III")
SPEECH_BYTES = 256  # of a frame, kept for a person: a vote is shorter, and a message's kind stands early

BOOT, ARRIVAL, WAKE, HAND_IN, END = range(5)
GIVEN = ("boot", "arrival", "wake", "hand-in", "end")


class Step(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """One call of a host. `given`: of a boot a `Boot`; of an arrival its publisher and the frame; of a wake the token;
    of a hand-in its kind and its fields; of the end the exit code. `put`: its outputs in short (`shorten`). `digest`:
    over all that the host has put out since its boot, this step included; empty where it put out nothing. `raised`: the
    class of the exception with which the step ended instead."""

    kind: int
    monotonic_us: int
    wall_us: int
    given: Any
    put: list[Any]
    digest: bytes
    raised: str = ""

    @property
    def now(self) -> Now:
        return Now(self.monotonic_us, self.wall_us)


class Boot(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What decides a boot, and of which node of which chain it is. `begun_us`: when the run began, on this node's
    monotonic clock; `known`: the proof of the members that a newcomer was given; `mark`: of the ledger that was on the
    disk (`ledger_mark`); `records`: what was in the vote log; `private`: the mark of the private store (`boxes_mark`).
    The versions are for a person."""

    chain: bytes
    name: str
    begun_us: int
    known: bytes
    mark: bytes
    records: tuple[bytes, ...]
    version: str
    python: str
    private: bytes = b""


_encode = msgspec.msgpack.Encoder().encode
_STEP = msgspec.msgpack.Decoder(Step)


class RecordingError(UserError, ValueError):
    """A recording that cannot be read. The sentence names file and place."""


class WrongRecording(ValueError):
    """The recording is of another run, or of another node. The sentence says of which."""


# --- what is compared ------------------------------------------------------------------------------------------------


def shorten(output: Output) -> tuple[Any, ...]:
    """An output for a person: enough to name it, not what it carries."""
    if isinstance(output, Transmit):
        return ("transmit", output.to, len(output.payload), output.payload[:SPEECH_BYTES])
    if isinstance(output, Store):
        return ("store", output.height, len(output.record))
    if isinstance(output, Apply):
        return ("apply", output.height, len(output.rows))
    if isinstance(output, Keep):
        return ("keep", output.name, len(output.value))
    if isinstance(output, Drop):
        return ("drop", output.name)
    if isinstance(output, Wake):
        return ("wake", output.token, output.delay_us)
    return ("note", output.kind, output.fields)


_LETTERS = {Transmit: b"t", Store: b"s", Apply: b"a", Keep: b"k", Drop: b"d", Wake: b"w", Note: b"n"}


def chain_digest(before: bytes, outputs: Sequence[Output]) -> bytes:
    """The running digest after a step that put out these, all of them with all that they carry."""
    letters = b"".join([_LETTERS[type(output)] for output in outputs])
    return sha256(before + letters + _encode(outputs)).digest()[:16]


_HAND_INS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(HandIn)}


def pack_hand_in(event: HandIn) -> tuple[Any, ...]:
    """What stands in a recording of what came through the door."""
    return (type(event).__name__, *event)


def unpack_hand_in(given: Sequence[Any]) -> HandIn:
    """Raises RecordingError where this version knows no such hand-in."""
    name, *fields = given
    if name not in _HAND_INS:
        raise RecordingError(f"a hand-in of kind {name!r} is none that this version knows")
    event: HandIn = msgspec.convert(fields, _HAND_INS[name])
    return event


def ledger_mark(rows: Rows) -> bytes:
    """16 bytes that no two contents of one member's ledger share: over head, seals and base, and the certificates of
    head and newest seal (which differ where the same blocks were fetched anew)."""
    head = rows.get("meta", b"head") or b""
    seals = rows.get("meta", b"seals") or b""
    base = rows.get("base", b"height") or b""
    parts = [head, seals, base, rows.get("certificate", head[:8]) or b"", rows.get("seal", seals[8:]) or b""]
    return sha256(_encode(parts)).digest()[:16]


def boxes_mark(boxes: BoxReader) -> bytes:
    """16 bytes over all that a private store holds."""
    digest = sha256()
    for name in boxes.names():
        digest.update(_encode((name, sha256(boxes.get(name) or b"").digest())))
    return digest.digest()[:16]


EMPTY_MARK = sha256(_encode([b""] * 5)).digest()[:16]


# --- the file --------------------------------------------------------------------------------------------------------


def encode_head() -> bytes:
    return _HEAD.pack(MAGIC, FORMAT)


def encode_step(offset: int, step: Step) -> bytes:
    """The entry that begins at byte `offset` of its file."""
    payload = _encode(step)
    return _ENTRY.pack(len(payload), _place_checksum(offset, len(payload)), zlib.crc32(payload)) + payload


def _place_checksum(offset: int, length: int) -> int:
    return zlib.crc32(b"%d %d" % (offset, length))


def recordings(node_folder: Path) -> list[Path]:
    """The files of a node, one a boot, in order."""
    return sorted((node_folder / FOLDER).glob("[0-9]*.bin"))


class Cut(NamedTuple):
    """How many bytes at the end of a file belong to no whole entry: what a `kill -9` cut."""

    bytes: int


def read_steps(path: Path) -> Iterator[Step | Cut]:
    """The steps of one boot; after them a `Cut`, where the writer was killed in an entry. Raises RecordingError."""
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    offset = _HEAD.size
    if len(data) < offset:
        if data:
            yield Cut(len(data))
        return
    magic, number = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise RecordingError(f"{path} is no recording, or its first bytes are damaged")
    if number != FORMAT:
        raise RecordingError(f"{path} is of format {number}; this version reads format {FORMAT}")
    while offset < len(data):
        end = _end_of_entry(path, data, offset)
        if end is None:
            yield Cut(len(data) - offset)
            return
        yield _decode(path, offset, data[offset + _ENTRY.size : end])
        offset = end


def _end_of_entry(path: Path, data: memoryview, offset: int) -> int | None:
    """None where the entry was cut. Raises RecordingError."""
    if len(data) - offset < _ENTRY.size:
        return None
    length, place, checksum = _ENTRY.unpack_from(data, offset)
    if place != _place_checksum(offset, length):
        raise _damaged(path, offset)
    end: int = offset + _ENTRY.size + length
    if end > len(data):
        return None
    if zlib.crc32(data[offset + _ENTRY.size : end]) != checksum:
        raise _damaged(path, offset)
    return end


def _decode(path: Path, offset: int, payload: memoryview) -> Step:
    try:
        step = _STEP.decode(payload)
        if step.kind == BOOT:
            return msgspec.structs.replace(step, given=msgspec.convert(step.given, Boot))
    except msgspec.MsgspecError:
        raise _damaged(path, offset) from None
    return step


def _damaged(path: Path, offset: int) -> RecordingError:
    return RecordingError(f"{path} is damaged: the entry at byte {offset} is not the one that was written")
