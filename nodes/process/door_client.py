"""The other side of a node's door: a client for an event loop, and a small one that blocks, for commands."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from nodes.process.door_frames import FRAME_BYTES_MAX, BadFrame, DoorClosed, DoorError, FrameReader, encode_frame

READ_BYTES = 262_144
STREAM_MAX = 4_096  # frames of a stream that its reader has not taken; at more the connection is closed
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class DoorClient:
    """Many requests at a time over one connection. `await DoorClient.connect(path)`; raises DoorClosed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._next_id = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._streams: dict[int, asyncio.Queue[dict[str, Any] | None]] = {}
        self._why = "the node behind this door has ended, or cut us off"  # why nothing more comes, once nothing does
        self._task = asyncio.get_running_loop().create_task(self._hear())

    @classmethod
    async def connect(cls, path: Path) -> DoorClient:
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=2 * FRAME_BYTES_MAX)
        except OSError as error:
            raise _nobody(path, error) from None
        return cls(reader, writer)

    @property
    def is_open(self) -> bool:
        return not self._task.done()

    async def ask(self, ask: str, **fields: Any) -> dict[str, Any]:
        """The answer. Raises DoorError where the node refuses, DoorClosed where it is gone before it answers."""
        number, future = self._number(), asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._say(number, ask, fields)
            answer: dict[str, Any] = await future
        finally:
            self._waiting.pop(number, None)
        return _checked(answer)

    async def follow(self, from_height: int = 0, *, receipts: bool = False) -> AsyncGenerator[dict[str, Any], None]:
        """What the node tells of each block, see `docs/door.md`; until the connection ends, with DoorClosed."""
        number, queue = self._number(), asyncio.Queue[dict[str, Any] | None](STREAM_MAX)
        self._streams[number] = queue
        try:
            self._say(number, "follow", {"from_height": from_height, "receipts": receipts})
            while (told := await queue.get()) is not None:
                yield _checked(told)["executed"]
        finally:
            self._streams.pop(number, None)
            if not self._task.done():
                self._say(self._number(), "unfollow", {"follow": number})
        raise DoorClosed(self._why)

    async def close(self) -> None:
        self._task.cancel()
        self._writer.close()
        await asyncio.wait([self._task])  # whoever is cancelled meanwhile hears of it

    def _number(self) -> int:
        self._next_id += 1
        return self._next_id

    def _say(self, number: int, ask: str, fields: Mapping[str, Any]) -> None:
        if self._task.done():
            raise DoorClosed(self._why)
        self._writer.write(encode_frame({"id": number, "ask": ask, **fields}))

    async def _hear(self) -> None:
        frames = FrameReader()
        try:
            while data := await self._reader.read(READ_BYTES):
                for body in frames.feed(data):
                    self._take(_decode(body))
        except (BadFrame, msgspec.MsgspecError) as error:
            self._why = f"what came through this door is no node's word ({error})"
        except asyncio.QueueFull:
            self._why = "more of a stream came through this door than was taken"
        except OSError as error:
            self._why = f"the connection through this door broke ({error})"
        finally:
            self._end()

    def _take(self, answer: dict[str, Any]) -> None:
        number = answer.get("id")
        future, stream = self._waiting.get(number or 0), self._streams.get(number or 0)
        if future is not None and not future.done():
            future.set_result(answer)
        elif stream is not None:
            stream.put_nowait(answer)

    def _end(self) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(DoorClosed(f"{self._why}, before it answered"))
        for stream in self._streams.values():
            if stream.full():
                stream.get_nowait()
            stream.put_nowait(None)
        self._writer.close()


def ask_door(path: Path, ask: str, *, timeout_s: float = 5.0, **fields: Any) -> dict[str, Any]:
    """One question and its answer, blocking. Raises DoorError where the node refuses; DoorClosed where there is no
    node, or none that answers in time."""
    frames = FrameReader()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(encode_frame({"id": 1, "ask": ask, **fields}))
            while data := connection.recv(READ_BYTES):
                for body in frames.feed(data):
                    return _checked(_decode(body))
        except TimeoutError:
            raise DoorClosed(f"the node at {path} did not answer in {timeout_s:g} s") from None
        except (OSError, BadFrame) as error:
            raise _nobody(path, error) from None
    raise DoorClosed(f"the node at {path} ended before it answered")


def _nobody(path: Path, error: Exception) -> DoorClosed:
    return DoorClosed(f"no node answers at {path} ({error}); is it running?")


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "error" in answer:
        raise DoorError(str(answer["error"]))
    return answer
