"""What passes through a node's door: frames of a length (4 bytes, big-endian) and MessagePack; and where the door is.

A request is `{"id": number, "ask": word, …}`, its answer `{"id": number, …}` or `{"id": number, "error": sentence}`.
Many requests may be open on one connection. Nothing here reads a file or a socket.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import msgspec

from nodes.errors import UserError
from nodes.process.settings import NodeFolder
from nodes.process.socket_place import socket_place

FRAME_BYTES_MAX = 4_000_000
_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode


class BadFrame(ValueError):
    """What came is no frame. The sentence is for whoever sent it."""


class DoorError(UserError):
    """A node refused what it was asked, in a sentence."""


class DoorClosed(UserError):
    """Nobody answers behind this door (any more)."""


def door_path(folder: NodeFolder) -> Path:
    """Where the door of this node is: in its folder, or where that lies too deep as `socket_place` says."""
    return socket_place(folder.folder / "door")


def encode_frame(value: dict[str, Any]) -> bytes:
    """Raises BadFrame where it is too long."""
    body = _encode(value)
    if len(body) > FRAME_BYTES_MAX:
        raise BadFrame(f"a frame of {len(body)} bytes; at most {FRAME_BYTES_MAX} pass through a door")
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Cuts a stream of bytes into the bodies of frames. It holds one frame and what came behind it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that are whole now. Raises BadFrame where one is said to be too long."""
        held = self._held
        held += data
        bodies, at = [], 0
        while len(held) - at >= 4:
            (length,) = _LENGTH.unpack_from(held, at)
            if length > FRAME_BYTES_MAX:
                raise BadFrame(f"a frame of {length} bytes; at most {FRAME_BYTES_MAX} pass through a door")
            if len(held) - at - 4 < length:
                break
            bodies.append(bytes(held[at + 4 : at + 4 + length]))
            at += 4 + length
        del held[:at]
        return bodies
