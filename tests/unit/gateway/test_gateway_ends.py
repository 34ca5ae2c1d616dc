"""A gateway ends when it is told to."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.gateway_kit import make_folder, served


async def test_a_gateway_ends_though_news_of_its_node_meets_the_end(tmp_path: Path) -> None:
    """Found as a hang: `asyncio.wait_for` of Python 3.11 forgets a cancellation that meets what it waited for."""
    async with served(make_folder(tmp_path)) as made:
        made.gateway._is_changed.set()
        made.gateway.feed._news.set()
        await asyncio.sleep(0)  # who waits for the news has heard them, and was not yet given them
        for task in made.gateway._tasks:
            task.cancel()
        _, left = await asyncio.wait(made.gateway._tasks, timeout=3)
        for task in left:
            task.cancel()
        assert not left
