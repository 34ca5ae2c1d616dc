"""The watcher over a consortium in real processes: it sees who leads, and its key kills a node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import DataTable
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.watch import striker
from consortium.commands.watch_screen import WatchScreen
from consortium.core.words import ENGLISH
from nodes.deploy.lookout import Lookout

pytestmark = pytest.mark.live


def _states(screen: WatchScreen) -> list[str]:
    table = screen.query_one("#members", DataTable)
    return [str(table.get_row_at(row)[2]) for row in range(table.row_count)]


async def _until(holds: Callable[[], bool], pilot: object) -> None:
    for _ in range(300):
        if holds():
            return
        await pilot.pause(0.1)  # type: ignore[attr-defined]
    raise AssertionError("it is not so after 30 s")


def test_a_key_kills_a_node_that_runs_and_another_starts_it(tmp_path: Path) -> None:
    folder = tmp_path / "watched"
    up = CliRunner().invoke(app, ["up", "--dir", str(folder), "--members", "bureau=1,hospital=2,regulator=1"])
    assert up.exit_code == 0, up.output

    async def watch() -> None:
        screen = WatchScreen(Lookout(folder, ENGLISH), striker(folder), ENGLISH)
        async with screen.run_test(size=(80, 24)) as pilot:
            await _until(lambda: _states(screen) == ["leads", "running", "running", "running"], pilot)
            await pilot.press("down", "down", "k")
            await _until(lambda: _states(screen)[2] == "stopped", pilot)
            await pilot.press("r")
            await _until(lambda: _states(screen)[2] == "running", pilot)

    try:
        asyncio.run(watch())
        assert '"act":"kill"' in (folder / "hands.jsonl").read_text()
    finally:
        assert CliRunner().invoke(app, ["down", "--dir", str(folder)]).exit_code == 0
