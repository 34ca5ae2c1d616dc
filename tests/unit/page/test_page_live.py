"""What comes live is told once and whole, whatever happens to files meanwhile; less of it to who falls behind."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from consortium.core.errors import UserError
from consortium.runs.folder import HANDS_FILE
from nodes.page import of_standing, sampling
from nodes.page.facts import read_facts
from nodes.page.of_standing import StandingSource
from nodes.page.pack import Row
from nodes.page.sampling import Sampler
from nodes.page.serve import open_source
from nodes.page.tails import NOWHERE, cursor_of, end_of, places_of, read_before, read_on
from nodes.process.settings import NodeFolder
from nodes.process.trace_file import PartPlan, TraceWriter
from tests.finished_run import finished_run
from tests.page_kit import client_of, unpack

MEMBERS = ("bureau", "hospital-1", "hospital-2", "regulator")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("page") / "run")


@pytest.fixture
def stand(run: Path, tmp_path: Path) -> Path:
    """A folder that looks like that of a consortium that stands, without a process."""
    for name in ("scenario.json", "genesis.json", "format.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    (tmp_path / HANDS_FILE).write_bytes(b"")
    for name in MEMBERS:
        (tmp_path / "nodes" / name).mkdir(parents=True)
    return tmp_path


def say(stand: Path, *times: int, name: str = "bureau", kind: str = "prepared", part_bytes: int = 0) -> None:
    trace = TraceWriter(NodeFolder(stand, name).trace, name, PartPlan(part_bytes))
    for t_us in times:
        trace.add(t_us, kind, {"height": t_us})
    trace.close()


async def events(source: StandingSource, cursor: str, count: int) -> list[tuple[str, Any, str]]:
    """The next `count` messages with a name: name, data, id."""
    found: list[tuple[str, Any, str]] = []
    stream = source.follow(cursor)
    assert stream is not None
    async for message in stream:
        fields = dict(line.split(": ", 1) for line in message.decode().strip().split("\n"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
        if len(found) >= count:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return found


def test_history_and_what_follows_meet_without_a_gap(stand: Path) -> None:
    say(stand, 1, 2, 3)
    with client_of(stand) as client:
        about = client.get("/page/about.json").json()
        assert about["source"] == "live" and about["end_us"] is None and about["records"] == 3
        say(stand, 4)
        rows = unpack(client.get(f"/page/records?upto={about['cursor']}").content)
    assert [row[0] for row in rows] == [1, 2, 3]
    source = StandingSource(read_facts(stand))
    told = asyncio.run(events(source, about["cursor"], 3))
    by_name = {name: data for name, data, _ in told}
    assert [row[0] for row in by_name["records"]] == [4]
    assert {each["name"] for each in by_name["status"]["members"]} == set(MEMBERS)


def test_a_reader_that_comes_again_misses_nothing(stand: Path) -> None:
    source = StandingSource(read_facts(stand))
    cursor = source.about()["cursor"]
    times = []
    for first in range(0, 40, 8):
        say(stand, *range(first, first + 4), part_bytes=300)
        say(stand, *range(first + 4, first + 8), part_bytes=300)
        told = [each for each in asyncio.run(events(source, cursor, 3)) if each[0] == "records"]
        times += [row[0] for _, rows, _ in told for row in rows if row[3] >= 0]
        cursor = told[-1][2]
    assert times == list(range(40))


def test_a_kind_that_nobody_named_before_is_told_before_its_records(stand: Path) -> None:
    source = StandingSource(read_facts(stand))
    cursor = source.about()["cursor"]
    say(stand, 7, kind="oracle")
    told = asyncio.run(events(source, cursor, 2))
    assert [name for name, _, _ in told][:2] == ["kinds", "records"]
    assert told[0][1][told[1][1][0][2]] == "oracle"


def test_records_of_several_members_come_in_order_of_time(stand: Path) -> None:
    source = StandingSource(read_facts(stand))
    cursor = source.about()["cursor"]
    say(stand, 2, 9)
    say(stand, 1, 5, name="regulator")
    rows = next(data for name, data, _ in asyncio.run(events(source, cursor, 3)) if name == "records")
    assert [row[0] for row in rows] == [1, 2, 5, 9]


@pytest.mark.parametrize("cursor", ["", "x", "1.2", "1.2-3", "-" * 99, "9" * 40 + ".1", "1.1-2.2-3.3-4.4-5.5", "\n"])
def test_a_cursor_that_is_none_begins_now(stand: Path, cursor: str) -> None:
    say(stand, 1)
    told = asyncio.run(events(StandingSource(read_facts(stand)), cursor, 1))
    assert told[0][0] in ("kinds", "status", "records")


def test_no_more_follow_than_can_be_served(stand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_standing, "FOLLOWERS_MAX", 0)
    with client_of(stand) as client:
        response = client.get("/page/live")
    assert response.status_code == 404 and "close one" in response.json()["error"]


def test_a_stream_ends_with_its_server(stand: Path) -> None:
    """Regression: Ctrl-C waited for whoever followed, and ended in a traceback."""
    source = StandingSource(read_facts(stand))

    async def followed() -> list[bytes]:
        stream = source.follow("")
        assert stream is not None
        found = [await anext(stream)]
        source.stop()
        async for message in stream:
            found.append(message)
        return found

    assert asyncio.run(asyncio.wait_for(followed(), 30))[0].startswith(b"retry")


# --- tails ----------------------------------------------------------------------------------------------------------


def test_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(b"one\ntw")
    lines, place = read_on(path, NOWHERE, 1_000)
    assert lines == b"one\n" and place == end_of(path)
    with path.open("ab") as file:
        file.write(b"o\n")
    assert read_on(path, place, 1_000)[0] == b"two\n"


def test_a_part_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(b"old\n")
    place = end_of(path)
    path.unlink()
    (tmp_path / "hold").write_bytes(b"so that the inode is another")
    path.write_bytes(b"new\n")
    assert read_on(path, place._replace(inode=place.inode + 10**9), 1_000)[0] == b"new\n"
    path.unlink()
    assert read_on(path, place, 1_000) == (b"", place)


def test_what_lies_before_a_place_is_read_from_its_part_and_those_before(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    (tmp_path / "trace.000001.jsonl").write_bytes(b"a\nb\n")
    path.write_bytes(b"c\nd\n")
    place = end_of(path)._replace(offset=2)
    assert read_before(path, place, 1_000) == b"a\nb\nc\n"
    assert read_before(path, place, 5) == b"b\nc\n"
    assert places_of(cursor_of([place, NOWHERE]), 2) == [place, NOWHERE]


# --- sampling -------------------------------------------------------------------------------------------------------


def burst(heights: range, kinds: tuple[str, ...] = ("prepared", "committed", "executed")) -> list[Row]:
    return [Row(0, node, kind, height) for height in heights for node in "abcd" for kind in kinds]


def test_a_reader_that_cannot_take_all_gets_one_of_k_heights_and_every_first_executed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "ROWS_A_BATCH", 200)
    sampler = Sampler()
    rows = [*burst(range(160)), Row(0, "", "fault")]
    for row, is_kept in zip(rows, sampler.choose(rows), strict=True):
        if is_kept and row.kind in ("prepared", "committed"):
            assert row.height % sampler.k == 0
    assert sampler.k > 1
    later = [*burst(range(160, 320)), Row(0, "", "fault")]
    kept = [row for row, one in zip(later, sampler.choose(later), strict=True) if one]
    assert {row.height for row in kept if row.kind == "executed"} == set(range(160, 320))
    assert kept[-1].kind == "fault"
    for _ in range(sampling.CALM_BATCHES * 12):
        sampler.choose([])
    assert sampler.k == 1


def test_all_is_sent_where_it_can_be_taken() -> None:
    sampler = Sampler()
    assert all(sampler.choose(burst(range(50)))) and sampler.k == 1


def test_open_source_tells_what_stands_from_what_is_over(run: Path, stand: Path) -> None:
    assert isinstance(open_source(stand), StandingSource)
    with pytest.raises(UserError):
        open_source(stand / HANDS_FILE.replace("jsonl", "none"))
