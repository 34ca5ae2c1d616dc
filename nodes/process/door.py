"""A node's door: a Unix socket, open to its own user alone. A gateway and a person's commands speak to the node there.

Nothing a client does may slow consensus. Requests are handled in slices, short ones while frames of other members
wait; what one connection may have open, and what is held for one that does not read, is bounded; a bundle is taken
where the pool has room for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast

import msgspec

from nodes.errors import UserError
from nodes.process.door_asks import Asked, decode_ask, id_of
from nodes.process.door_frames import BadFrame, FrameReader, encode_frame
from nodes.process.door_frames import door_path as door_path

CONNECTIONS_MAX = 32
OPEN_MAX = 256  # requests of one connection that are not answered yet; more are not read
UNREAD_BYTES_MAX = 8_000_000  # held for a client that does not read; at more it is cut off
SLICE_S = 0.001
REST_S = 0.004  # between two slices while frames of others wait
WAIT_S = 0.02  # until a request that waits is looked at again

_log = logging.getLogger("door")
GOES_ON, WAITS = False, True
Job = Iterator[bool]  # a request under way, a step at a time: WAITS where the next one can do nothing yet


class Desk(Protocol):
    """Who carries requests out."""

    def begin(self, connection: Connection, asked: Asked) -> Job:
        """Its steps; the answer is given through the connection."""
        ...

    def settle(self) -> None:
        """A slice is over: carry out what its steps have gathered."""
        ...

    def left(self, connection: Connection) -> None:
        """This client is gone."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether consensus has work to do now."""
        ...


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._is_paused = False
        self._open = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNREAD_BYTES_MAX)
        if not self._door.enter(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._door.leave(self)

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def data_received(self, data: bytes) -> None:
        try:
            bodies = self._reader.feed(data)
        except BadFrame as error:
            self._refuse(None, str(error))
            self.close()
            return
        for body in bodies:
            self._hear(body)
        if self._open > OPEN_MAX and self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _hear(self, body: bytes) -> None:
        try:
            asked = decode_ask(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            self._refuse(id_of(body), f"this is nothing that can be asked here: {error}")
            return
        self._open += 1
        self._door.take(self, asked)

    def say(self, value: Mapping[str, Any]) -> None:
        """One frame to this client. One that does not read is cut off."""
        transport = self._transport
        if transport is None:
            return
        try:
            transport.write(encode_frame(dict(value)))
        except BadFrame as error:
            self._refuse(value.get("id"), str(error))
        if transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            _log.warning("a client of this node's door does not read what it asked for, and is cut off")
            transport.abort()

    def answer(self, number: int, **fields: Any) -> None:
        """The answer to a request; it is not open any more."""
        self.say({"id": number, **fields})
        self._open -= 1
        if self._is_paused and self._open <= OPEN_MAX // 2 and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def _refuse(self, number: int | None, why: str) -> None:
        if self._transport is not None:
            self._transport.write(encode_frame({"id": number, "error": why[:400]}))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    @property
    def unread_bytes(self) -> int:
        """What waits for the client to read it."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()


class Door:
    """`open` first, in the loop. Raises OSError where there can be no socket."""

    def __init__(self, path: Path, desk: Desk) -> None:
        self.path = path
        self._desk = desk
        self._connections: set[Connection] = set()
        self._jobs: deque[tuple[Connection, Asked, Job]] = deque()
        self._is_due = False
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. A socket that a killed node left behind is replaced: the lock of its folder tells that none runs."""
        _make_private(self.path.parent)
        self.path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.get_running_loop().create_unix_server(lambda: Connection(self), str(self.path))
        finally:
            os.umask(before)

    def close(self) -> None:
        """No more clients; the socket is gone."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.close()
        self.path.unlink(missing_ok=True)

    # --- what connections call --------------------------------------------------------------------------------------

    def enter(self, connection: Connection) -> bool:
        if len(self._connections) >= CONNECTIONS_MAX:
            _log.warning("more than %d clients at this node's door: one is turned away", CONNECTIONS_MAX)
            return False
        self._connections.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._desk.left(connection)

    def take(self, connection: Connection, asked: Asked) -> None:
        """Handle this request when it is its turn."""
        self._jobs.append((connection, asked, self._desk.begin(connection, asked)))
        if not self._is_due:
            self._wake(0.0)

    def _wake(self, after_s: float) -> None:
        self._is_due = True
        loop = asyncio.get_running_loop()
        if after_s:
            loop.call_later(after_s, self._serve)
        else:
            loop.call_soon(self._serve)

    def _serve(self) -> None:
        """A slice of what waits, a step of each in turn."""
        self._is_due = False
        ends_s = monotonic() + SLICE_S
        waiting: list[tuple[Connection, Asked, Job]] = []
        while self._jobs and monotonic() < ends_s:
            connection, asked, job = self._jobs.popleft()
            more = self._go_on(connection, asked, job) if connection.is_open else None
            if more is not None:
                (waiting if more is WAITS else self._jobs).append((connection, asked, job))
        self._desk.settle()
        after_s = WAIT_S if not self._jobs else REST_S if self._desk.is_busy else 0.0
        self._jobs.extend(waiting)
        if self._jobs and not self._is_due:
            self._wake(after_s)

    def _go_on(self, connection: Connection, asked: Asked, job: Job) -> bool | None:
        """One step; whether the next one waits, None: there is none. What goes wrong is told, and ends nothing but this
        request."""
        try:
            return next(job)
        except StopIteration:
            return None
        except UserError as error:
            connection.answer(asked.id, error=str(error))
        except Exception:
            _log.exception("an internal error in answering %s", type(asked).__name__)
            connection.answer(asked.id, error="an internal error; the node's log.txt has it")
        return None


def _make_private(folder: Path) -> None:
    """A folder of ours for the socket, where it lies in none of the run's. Raises OSError where it is another's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(PermissionError):
        if folder.stat().st_uid == os.getuid() and not stat.S_IMODE(folder.stat().st_mode) & 0o022:
            return
    raise PermissionError(f"{folder} is open to others, or theirs: a node's door cannot be there")
