"""A node's door over a stand-in desk: frames, turns, and what one client cannot do to the others."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from nodes.process import door as door_module
from nodes.process.door import GOES_ON, WAITS, Connection, Door, Job
from nodes.process.door_asks import Asked, AskFollow, AskLog, AskStatus
from nodes.process.door_client import DoorClient, ask_door
from nodes.process.door_frames import (
    FRAME_BYTES_MAX,
    BadFrame,
    DoorClosed,
    DoorError,
    FrameReader,
    door_path,
    encode_frame,
)
from nodes.process.settings import NodeFolder

COUNT = 25_000


class Desk:
    """`status` is answered, `log` refused, `follow` fills its client with frames that it did not ask to stop."""

    is_busy = False

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.settled = 0
        self.gone = 0
        self.waits_for: asyncio.Event | None = None

    def begin(self, connection: Connection, asked: Asked) -> Job:
        self.begun.append(asked.id)
        match asked:
            case AskLog():
                raise DoorError("no")
            case AskFollow():
                while connection.is_open:
                    connection.say({"id": asked.id, "executed": {"header": bytes(500_000)}})
                    yield GOES_ON
            case AskStatus():
                while self.waits_for is not None and not self.waits_for.is_set():
                    yield WAITS
                connection.answer(asked.id, height=7)
                yield GOES_ON
            case _:
                raise ZeroDivisionError

    def settle(self) -> None:
        self.settled += 1

    def left(self, connection: Connection) -> None:
        self.gone += 1


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Door, Desk]]:
    desk = Desk()
    door = Door(tmp_path / "door", desk)
    await door.open()
    yield door, desk
    door.close()


def test_frames_are_cut_wherever_the_stream_is() -> None:
    data = b"".join(encode_frame({"id": number, "x": bytes(number)}) for number in range(20))
    for step in (1, 3, 1_000):
        reader, found = FrameReader(), list[bytes]()
        for at in range(0, len(data), step):
            found += reader.feed(data[at : at + step])
        assert [msgspec.msgpack.decode(body)["id"] for body in found] == list(range(20))
    with pytest.raises(BadFrame, match="at most"):
        FrameReader().feed(struct.pack(">I", FRAME_BYTES_MAX + 1))
    with pytest.raises(BadFrame, match="at most"):
        encode_frame({"x": bytes(FRAME_BYTES_MAX)})


def test_a_door_that_lies_too_deep_is_in_a_private_folder_that_everybody_finds(tmp_path: Path) -> None:
    near, deep = NodeFolder(Path("/run/c"), "a"), NodeFolder(tmp_path / ("deep" * 30), "a")
    assert door_path(near) == Path("/run/c/nodes/a/door")
    assert len(os.fsencode(door_path(deep))) < 100 and door_path(deep) == door_path(NodeFolder(deep.run, "a"))
    assert door_path(deep) != door_path(NodeFolder(deep.run, "b"))


async def test_many_requests_share_a_connection_and_one_that_fails_spoils_no_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as (door, desk):
        assert stat.S_IMODE(door.path.stat().st_mode) == 0o600
        client = await DoorClient.connect(door.path)
        answers = await asyncio.gather(
            *(client.ask("status") for _ in range(50)),
            client.ask("log", level="x"),
            client.ask("submit", bundles=[]),
            client.ask("dance"),
            return_exceptions=True,
        )
        assert [isinstance(each, dict) and each["height"] for each in answers[:50]] == [7] * 50
        assert [str(each)[:12] for each in answers[50:]] == ["no", "an internal ", "this is noth"]
        assert all(isinstance(each, DoorError) for each in answers[50:])
        assert 0 < desk.settled < 50, "many in one slice"
        await client.close()


async def test_a_request_that_waits_holds_up_nobody_and_costs_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as (door, desk):
        desk.waits_for = asyncio.Event()
        first, second = await DoorClient.connect(door.path), await DoorClient.connect(door.path)
        waiting = asyncio.ensure_future(first.ask("status"))
        await asyncio.sleep(0.15)
        assert not waiting.done() and desk.settled < 20
        with pytest.raises(DoorError):
            await second.ask("log", level="x")
        desk.waits_for.set()
        assert (await waiting)["height"] == 7
        await first.close()
        await second.close()


async def test_whoever_does_not_read_is_cut_off_and_the_others_are_served(tmp_path: Path) -> None:
    async with opened(tmp_path) as (door, desk):
        lazy = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        lazy.setblocking(False)
        await asyncio.get_running_loop().sock_connect(lazy, str(door.path))
        await asyncio.get_running_loop().sock_sendall(lazy, encode_frame({"id": 1, "ask": "follow"}))
        client = await DoorClient.connect(door.path)
        async with asyncio.timeout(10):
            while not desk.gone:
                assert (await client.ask("status"))["height"] == 7
        await client.close()
        lazy.close()


async def test_junk_and_frames_that_are_too_long_end_their_connection_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (door, _):
        client = await DoorClient.connect(door.path)
        for junk in (b"\xff" * 8, struct.pack(">I", FRAME_BYTES_MAX + 1), b"GET / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_unix_connection(str(door.path))
            writer.write(junk)
            assert b"at most" in await reader.read()
            writer.close()
        reader, writer = await asyncio.open_unix_connection(str(door.path))
        for body in (b"\xc1", b"\x93\x01\x02\x03", b"\x91" * 10_000, msgspec.msgpack.encode({"ask": "status"})):
            writer.write(struct.pack(">I", len(body)) + body)
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            assert "nothing that can be asked" in msgspec.msgpack.decode(await reader.readexactly(length))["error"]
        writer.close()
        assert (await client.ask("status"))["height"] == 7
        await client.close()


async def test_connections_and_open_requests_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "CONNECTIONS_MAX", 1)
    async with opened(tmp_path) as (door, desk):
        desk.waits_for = asyncio.Event()
        client = await DoorClient.connect(door.path)
        first = asyncio.ensure_future(client.ask("status"))
        await asyncio.sleep(0.05)
        with pytest.raises(DoorClosed):
            await (await DoorClient.connect(door.path)).ask("status")
        asked = [asyncio.ensure_future(client.ask("status")) for _ in range(COUNT)]
        await asyncio.sleep(0.3)
        assert len(desk.begun) < COUNT // 2, "no more is read while so many are open"
        desk.waits_for.set()
        answers = await asyncio.gather(first, *asked)
        assert all(answer["height"] == 7 for answer in answers)
        await client.close()


async def test_who_asks_a_node_that_is_gone_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(DoorClosed, match="is it running"):
        await DoorClient.connect(tmp_path / "door")
    with pytest.raises(DoorClosed, match="is it running"):
        ask_door(tmp_path / "door", "status")
    async with opened(tmp_path) as (door, desk):
        answer = await asyncio.to_thread(ask_door, door.path, "status")
        assert answer["height"] == 7
        desk.waits_for = asyncio.Event()
        with pytest.raises(DoorClosed, match="did not answer"):
            await asyncio.to_thread(ask_door, door.path, "status", timeout_s=0.1)
        client = await DoorClient.connect(door.path)
        asked = asyncio.ensure_future(client.ask("status"))
        await asyncio.sleep(0.05)
        door.close()
        with pytest.raises(DoorClosed, match="before it answered"):
            await asked
        assert not door.path.exists() and not client.is_open
