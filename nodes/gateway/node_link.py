"""The line to the node: one connection to its door, made again whenever it is lost.

While the node is away every question fails at once: nothing is kept for it here, for what a client was not answered it
says again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodes.process.door_client import DoorClient
from nodes.process.door_frames import DoorClosed, DoorError

AGAIN_S = (0.05, 0.1, 0.2, 0.5)  # between attempts; the last one again and again

_log = logging.getLogger("gateway")


class NodeAway(Exception):
    """The node cannot be asked now, or did not answer before it went away."""


class NodeLink:
    """`path`: of the door. `from_height`: from where on to follow. `on_news` is handed each part of the stream
    of what is executed; `on_change` is told when the node has come (True: it answers and can be followed) or gone."""

    def __init__(
        self,
        path: Path,
        from_height: Callable[[], int],
        on_news: Callable[[dict[str, Any]], None],
        on_change: Callable[[bool], None],
    ) -> None:
        self._path = path
        self._from_height = from_height
        self._on_news = on_news
        self._on_change = on_change
        self._door: DoorClient | None = None

    @property
    def is_up(self) -> bool:
        return self._door is not None and self._door.is_open

    async def ask(self, word: str, /, **fields: Any) -> dict[str, Any]:
        """Raises NodeAway; DoorError with the node's own words why it does not do what it was asked."""
        if self._door is None:
            raise NodeAway("the node does not answer")
        try:
            return await self._door.ask(word, **fields)
        except DoorClosed as error:
            raise NodeAway(str(error)) from None

    async def run(self) -> None:
        """Until it is cancelled."""
        attempts = 0
        while True:
            with contextlib.suppress(DoorClosed, DoorError):
                door = await DoorClient.connect(self._path)
                try:
                    await _until_live(door)
                    attempts = 0
                    await self._follow(door)
                finally:
                    await door.close()
            await asyncio.sleep(AGAIN_S[min(attempts, len(AGAIN_S) - 1)])
            attempts += 1

    async def _follow(self, door: DoorClient) -> None:
        """Until the node is gone."""
        self._door = door
        _log.info("the node answers")
        self._on_change(True)
        try:
            async for executed in door.follow(self._from_height()):
                self._on_news(executed)
        finally:
            self._door = None
            _log.warning("the node does not answer: it is called until it does")
            self._on_change(False)


async def _until_live(door: DoorClient) -> None:
    """A node that starts has a door, and no ledger to speak of yet. Raises DoorClosed, DoorError."""
    while not (await door.ask("status")).get("is_live"):
        await asyncio.sleep(AGAIN_S[-1])
