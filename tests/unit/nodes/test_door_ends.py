"""Whoever asked through a door is told why nothing more comes."""

import asyncio
from pathlib import Path

import pytest

from nodes.process.door_client import DoorClient
from nodes.process.door_frames import DoorClosed


@pytest.mark.parametrize(
    ("answer", "why"),
    [(b"", "has ended"), (b"\xff\xff\xff\xff", "no node's word"), (b"\0\0\0\1\xc1", "no node's word")],
    ids=["an end", "a frame beyond all bounds", "no message"],
)
async def test_a_question_that_is_not_answered_is_told_why(tmp_path: Path, answer: bytes, why: str) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(say, tmp_path / "door"):
        door = await DoorClient.connect(tmp_path / "door")
        with pytest.raises(DoorClosed, match=why):
            await door.ask("status")
        await door.close()
