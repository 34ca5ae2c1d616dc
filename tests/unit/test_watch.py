"""`consortium watch`: the screen over a run, its keys, and what it says where it cannot draw."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import DataTable, Static

from consortium.commands import app as cli
from consortium.commands import watch as watching
from consortium.commands.watch_screen import WatchScreen
from consortium.core.words import ENGLISH
from nodes.deploy.lookout import Lookout
from nodes.errors import UserError
from tests.finished_run import finished_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("watched") / "run")


def _text(screen: WatchScreen, where: str) -> str:
    return str(screen.query_one(where, Static).content)


async def _drawn(screen: WatchScreen, pilot: object) -> None:
    for _ in range(200):
        if screen.query_one("#members", DataTable).row_count:
            return
        await pilot.pause(0.05)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["small", "wide"])
def test_members_blocks_and_help_stand_on_the_screen(run: Path, size: tuple[int, int]) -> None:
    async def look() -> None:
        screen = WatchScreen(Lookout(run, ENGLISH), None, ENGLISH)
        async with screen.run_test(size=size) as pilot:
            await _drawn(screen, pilot)
            await pilot.pause()
            table = screen.query_one("#members", DataTable)
            assert [str(table.get_row_at(row)[0]) for row in range(4)][1:3] == ["hospital-1", "hospital-2"]
            assert "a run, height" in _text(screen, "#head")
            assert "is settled as claim" in _text(screen, "#blocks")
            assert _text(screen, "#events") == "nothing yet"
            blocks, events = screen.query_one("#blocks").region, screen.query_one("#events").region
            assert (blocks.y == events.y) == (size[0] >= 120), "side by side where there is room"
            assert blocks.height > 2 and events.height > 2 and events.right <= size[0]
            await pilot.press("k")
            await pilot.pause()
            assert "this is shown only" in _text(screen, "#said")
            await pilot.press("q")

    asyncio.run(look())


def test_a_key_strikes_the_selected_node_and_a_refusal_is_said(run: Path) -> None:
    struck: list[tuple[str, str]] = []

    def strike(act: str, target: str) -> str:
        struck.append((act, target))
        if act == "pause":
            raise UserError("it is down")
        return f"done: {act}"

    async def press() -> None:
        screen = WatchScreen(Lookout(run, ENGLISH), strike, ENGLISH)
        async with screen.run_test(size=(80, 24)) as pilot:
            await _drawn(screen, pilot)
            await pilot.press("down", "k")
            for key in ("p", "h"):
                await pilot.pause(0.2)
                await pilot.press(key)
            await pilot.pause(0.2)
            assert struck == [("kill", "hospital-1"), ("pause", "hospital-1"), ("heal", "")]
            assert _text(screen, "#said") == "done: heal"

    asyncio.run(press())


def _say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(["watch", *words])
    return int(left.value.code or 0), capsys.readouterr().err


def test_it_says_what_to_do_where_it_cannot_draw(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, told = _say(capsys, str(run))
    assert status == 2 and "`consortium status` prints what there is" in told
    assert "neither a consortium" in _say(capsys, "--dir", str(tmp_path))[1]
    monkeypatch.setattr(watching, "find_spec", lambda name: None)
    assert "pip install 'consortium[watch]'" in _say(capsys, str(run))[1]
