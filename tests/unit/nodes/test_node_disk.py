"""Damaged files of a node: set aside in an order that a crash may cut anywhere, told, taken up from what is sound."""

import logging
import sqlite3
from pathlib import Path

import pytest

from consortium.core.codec import encode
from consortium.core.machine import Apply
from consortium.ledger.rows import height_key
from consortium.node.node import is_wish, lost_votes_record
from consortium.scenario.streams import Stream
from nodes.conduct.disk_faults import copy_disk, flip, lay_disk, tear_votes
from nodes.conduct.local_world import cuts
from nodes.errors import Damaged, StoreFailed
from nodes.process.disk import open_ledger, open_votes, set_ledger_aside
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows
from nodes.process.vote_log import VoteLog, block_ends, prepare_log, read_log, salvage

WISH, VOTE = encode(("outbox", b"wish")), encode(("consensus", b"vote"))


def folder_with_both(tmp_path: Path, blocks: int = 20) -> NodeFolder:
    folder = NodeFolder(tmp_path, "a")
    folder.folder.mkdir(parents=True, exist_ok=True)
    rows = SqliteRows(folder.ledger)
    for height in range(blocks):
        apply = Apply(height, (("block", height_key(height), b"h" * 3_000), ("state", b"s%d" % height, b"v")))
        rows.stage(apply.rows)
        rows.commit([apply])
        rows.committed([apply])
    rows.close()
    log = VoteLog(folder.votes)
    for height in range(blocks):
        log.append([(height, VOTE), (None, WISH)])
    log.close()
    return folder


def heights(folder: NodeFolder) -> int:
    rows = open_ledger(folder)
    found = len(rows.range("block", b"", b"\xff" * 9))
    rows.close()
    return found


def test_a_ledger_that_is_no_database_any_more_is_set_aside_and_an_empty_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_with_both(tmp_path)
    assert heights(folder) == 20 and not caplog.records, "positive control: a sound one is opened and nothing said"
    folder.ledger.write_bytes(b"\x00" * 100 + folder.ledger.read_bytes()[100:])
    assert heights(folder) == 0
    assert "set aside as ledger.damaged-" in caplog.text and len(list(folder.folder.glob("ledger.damaged-*"))) == 1


def test_pages_damaged_under_way_are_damage_and_not_a_full_disk(tmp_path: Path) -> None:
    folder = folder_with_both(tmp_path, 200)
    data = folder.ledger.read_bytes()
    half = len(data) // 2
    folder.ledger.write_bytes(data[:half] + b"\xa5" * (len(data) - half))
    rows = SqliteRows(folder.ledger)
    with pytest.raises(Damaged):
        rows.range("block", b"", b"\xff" * 9)
    with pytest.raises(Damaged):
        rows.commit([Apply(300, (("block", height_key(300), b"h"),))])
    rows.close()


def test_a_write_ahead_log_never_meets_a_ledger_that_is_not_its_own(tmp_path: Path) -> None:
    folder = folder_with_both(tmp_path)
    wal = folder.ledger.with_name("ledger.sqlite-wal")
    wal.write_bytes(b"left by a crash")
    aside = set_ledger_aside(folder, Damaged("it is broken"))
    assert aside.exists() and aside.with_name(aside.name + "-wal").read_bytes() == b"left by a crash"
    assert not wal.exists() and not folder.ledger.exists()
    again = set_ledger_aside(folder_with_both(tmp_path / "other"), Damaged("it is broken"))
    assert again.name.startswith("ledger.damaged-") and heights(folder) == 0


def test_a_ledger_that_is_damaged_again_and_again_ends_in_words_and_not_in_a_circle(tmp_path: Path) -> None:
    for _ in range(8):
        set_ledger_aside(folder_with_both(tmp_path, 1), Damaged("it is broken"))
        (tmp_path / "nodes" / "a" / "votes.log").unlink()
    with pytest.raises(StoreFailed, match="found damaged 8 times within an hour"):
        set_ledger_aside(NodeFolder(tmp_path, "a"), Damaged("it is broken"))


def test_a_lost_ledger_is_told_where_votes_are_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = folder_with_both(tmp_path)
    folder.ledger.unlink()
    assert heights(folder) == 0 and "is missing although this node has voted" in caplog.text


def test_a_node_that_never_ran_is_told_of_no_loss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = NodeFolder(tmp_path, "a")
    folder.folder.mkdir(parents=True)
    prepare_log(folder.votes)
    assert heights(folder) == 0 and not caplog.records


def test_a_damaged_vote_log_keeps_the_wishes_and_says_that_votes_are_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_with_both(tmp_path)
    data = bytearray(folder.votes.read_bytes())
    data[block_ends(folder.votes)[10] - 1] ^= 1
    folder.votes.write_bytes(data)
    with caplog.at_level(logging.ERROR):
        log = open_votes(folder, b"k" * 32)
    assert log.take_records() == (lost_votes_record(b"k" * 32), *[WISH] * 19)
    log.close()
    assert "so it signs no votes" in caplog.text
    (aside,) = folder.folder.glob("votes.damaged-*.log")
    assert aside.read_bytes() == bytes(data) and len(salvage(aside)) == 38
    log = open_votes(folder, b"k" * 32)
    assert len(log.take_records()) == 20, "the new log is a log like any other"
    log.close()


@pytest.mark.parametrize("harm", ["removed", "emptied", "torn"])
def test_a_log_that_is_missing_or_empty_is_lost_and_one_that_was_prepared_is_new(
    tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = NodeFolder(tmp_path, "a")
    folder.folder.mkdir(parents=True)
    prepare_log(folder.votes)
    log = open_votes(folder, b"k" * 32)
    assert log.take_records() == (), "positive control: nothing was ever signed"
    log.close()
    assert heights(folder) == 0 and not caplog.records, "nothing is missing where nothing was"
    if harm == "removed":
        folder.votes.unlink()
    else:
        folder.votes.write_bytes(folder.votes.read_bytes()[:10] if harm == "torn" else b"")
    for _ in range(2):
        log = open_votes(folder, b"k" * 32)
        assert log.take_records() == (lost_votes_record(b"k" * 32),), "and stays so"
        log.close()


def test_only_what_the_outbox_keeps_is_a_wish() -> None:
    assert is_wish(WISH) and not is_wish(VOTE) and not is_wish(b"\xff") and not is_wish(lost_votes_record(b"k"))


def test_a_disk_is_copied_laid_back_torn_and_flipped(tmp_path: Path) -> None:
    folder = folder_with_both(tmp_path)
    copy_disk(folder)
    whole = folder.votes.read_bytes()
    assert tear_votes(folder.votes, 2) == "votes, the last 2 writes"
    records, _, torn = read_log(folder.votes)
    assert len(records) == 36 and torn
    hit = flip(folder, "state", Stream(1, "x"))
    assert hit is not None and hit.startswith("state ")
    values = [value for (value,) in sqlite3.connect(folder.ledger).execute("SELECT value FROM state")]
    assert sum(value != b"v" for value in values) == 1
    lay_disk(folder, "copy")
    assert folder.votes.read_bytes() == whole and heights(folder) == 20
    lay_disk(folder, "empty")
    assert not folder.votes.exists() and heights(folder) == 0


def test_one_way_links_are_cut_at_the_receiver() -> None:
    names = ["a", "b", "c"]
    assert cuts((), names, ("a>b",)) == {"a": [], "b": ["a"], "c": []}
    assert cuts((), names, ("*>c",)) == {"a": [], "b": [], "c": ["a", "b"]}
    assert cuts((("a",),), names) == {"a": ["b", "c"], "b": ["a"], "c": ["a"]}
