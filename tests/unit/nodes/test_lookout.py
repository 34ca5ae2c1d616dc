"""What a watcher sees: traces a part at a time, pace and events out of them, the newest blocks of a ledger's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.core.words import ENGLISH
from nodes.deploy import trace_tail
from nodes.deploy.lookout import Lookout, MemberSight, Sight, Story, block_words
from nodes.deploy.newest_blocks import newest_blocks
from nodes.deploy.trace_tail import TraceTail
from nodes.errors import UserError
from tests.finished_run import finished_run

NOTHING = Sight(True, (), "", {}, 0.0, None, None, (), ())


def _line(**fields: Any) -> bytes:
    return msgspec.json.encode(fields) + b"\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("watched") / "run")


def test_a_tail_reads_whole_lines_of_its_kinds_once(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    tail = TraceTail(path, ("fault",))
    assert tail.read() == []
    path.write_bytes(_line(t_us=1, kind="fault") + _line(t_us=2, kind="cost") + b'{"t_us":3,"kind":"fau')
    assert [record["t_us"] for record in tail.read()] == [1]
    with path.open("ab") as file:
        file.write(b'lt"}\n')
    assert [record["t_us"] for record in tail.read()] == [3]
    assert tail.read() == []


def test_a_tail_passes_over_what_is_too_much_and_begins_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_tail, "BYTES_MAX", 100)
    path = tmp_path / "trace.jsonl"
    path.write_bytes(b"".join(_line(t_us=each, kind="fault") for each in range(50)))
    tail = TraceTail(path, ("fault",))
    newest = [record["t_us"] for record in tail.read()]
    assert newest == list(range(newest[0], 50)) and 1 <= len(newest) <= 5
    path.unlink()
    path.write_bytes(_line(t_us=99, kind="fault"))
    assert [record["t_us"] for record in tail.read()] == [99]


def test_the_pace_counts_each_height_once_and_forgets() -> None:
    story = Story(ENGLISH)
    for node in ("a", "b"):
        story.hear([{"t_us": 1_000_000, "node": node, "kind": "executed", "height": 1, "transactions": 10}])
    story.hear([{"t_us": 1_500_000, "node": "a", "kind": "included", "latency_us": 7_000}])
    now = story.sight(NOTHING, 2_000_000)
    assert (now.tx_s, now.p50_ms, now.p99_ms) == (2.0, 7.0, 7.0)
    later = story.sight(NOTHING, 90_000_000)
    assert (later.tx_s, later.p50_ms) == (0.0, None)


def test_what_happened_is_told_in_sentences_and_a_bus_that_stays_up_is_not() -> None:
    story = Story(ENGLISH)
    story.hear(
        [
            {"t_us": 2, "node": "", "kind": "fault", "act": "kill", "target": "bureau"},
            {"t_us": 1, "node": "a", "kind": "bus", "state": "up"},
            {"t_us": 6, "node": "", "kind": "fault", "act": "kill", "target": "bureau", "by": "down"},
            {"t_us": 3, "node": "a", "kind": "new_view", "view": 1, "leader": "b"},
            {"t_us": 4, "node": "b", "kind": "new_view", "view": 1, "leader": "b"},
            {"t_us": 5, "node": "a", "kind": "bus", "state": "down"},
        ]
    )
    told = [text for _, text in story.sight(NOTHING, 10).events]
    assert told == ["FAULT: kill bureau", "b leads (view 1)", "a: its bus is down"]


def test_the_newest_blocks_come_out_of_the_file_with_their_words(run: Path, tmp_path: Path) -> None:
    ledger = run / "nodes" / "bureau" / "ledger.sqlite"
    blocks = newest_blocks(ledger, 3)
    assert [block.height for block in blocks] == list(range(blocks[-1].height - 2, blocks[-1].height + 1))
    assert newest_blocks(ledger, 3, above=blocks[1].height) == [blocks[2]]
    told = block_words(blocks[-1], ENGLISH)
    assert told.index("is settled as claim") < told.index("fund/employee-pool to"), "the money comes last"
    assert newest_blocks(tmp_path / "none.sqlite", 3) == []


def test_a_run_without_processes_is_seen_as_it_lies_there(run: Path) -> None:
    sight = Lookout(run, ENGLISH).look()
    assert not sight.is_up and sight.leader == ""
    assert [each.state for each in sight.members] == ["", "", "", ""]
    assert sight.height == sight.blocks[-1].height > 0
    assert sight.members[0] == MemberSight("bureau", "bureau", "", sight.height, sight.sealed, bus="-")


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a consortium that stands nor a run"):
        Lookout(tmp_path, ENGLISH)
