"""What lies around the rows of a ledger: its schema, its file's header, the logs beside it. Nothing foreign passes."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from consortium.core.machine import Apply
from consortium.ledger.rows import TABLES
from consortium.ledger.verify import Verified, verify_ledger
from nodes.errors import Damaged, UserError
from nodes.process.disk import open_ledger
from nodes.process.ledger_damage import HEADER_BYTES
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows
from tests.unit.ledger.ledger_kit import CONTRACTS, PROTOCOL, Chain

DEEDS = {
    "a view": ("CREATE VIEW more AS SELECT key FROM block", "no ledger has a view more"),
    "a trigger": (
        "CREATE TRIGGER eat AFTER INSERT ON receipt BEGIN DELETE FROM receipt WHERE key = new.key; END",
        "no ledger has a trigger eat on table receipt",
    ),
    "an index": ("CREATE INDEX quick ON state (value)", "no ledger has a index quick on table state"),
    "a column": ("ALTER TABLE seal ADD COLUMN note TEXT", "its table seal is not the one that a ledger has"),
    "a table": ("CREATE TABLE notes (x)", "no ledger has a table notes"),
    "a view fewer": ("DROP VIEW blocks", "its view blocks is missing"),
    "another view": (
        "DROP VIEW blocks; CREATE VIEW blocks AS SELECT 7 AS height",
        "its view blocks is not the one that a ledger has",
    ),
    "statistics": ("ANALYZE", "no ledger has a table sqlite_stat1"),
}


@pytest.fixture(scope="module")
def chain() -> Chain:
    chain = Chain()
    chain.grow(12)
    return chain


def held(chain: Chain) -> Apply:
    return Apply(0, tuple((table, key, value) for table in TABLES for key, value in chain.rows.all(table)))


def laid(chain: Chain, folder: Path) -> NodeFolder:
    """A node's folder with this chain's ledger in it, closed."""
    node = NodeFolder(folder, "a")
    node.folder.mkdir(parents=True)
    rows = SqliteRows(node.ledger)
    rows.commit([held(chain)])
    rows.close()
    return node


def verify(chain: Chain, path: Path) -> Verified:
    rows = SqliteRows(path, read_only=True)
    try:
        return verify_ledger(chain.genesis, rows, CONTRACTS, PROTOCOL)
    finally:
        rows.close()


def change(path: Path, *deeds: str) -> None:
    with sqlite3.connect(path) as opened:
        for deed in deeds:
            opened.executescript(deed)
    opened.close()


@pytest.mark.parametrize("name", DEEDS)
def test_what_is_foreign_in_the_database_is_named_to_readers_and_set_aside_by_its_node(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Regression (hostile suite, finding 11): all of these were "sound"."""
    node = laid(chain, tmp_path)
    assert verify(chain, node.ledger).height == 12
    deed, words = DEEDS[name]
    change(node.ledger, deed)
    try:
        reader = SqliteRows(node.ledger, read_only=True)
        assert words in reader.foreign
        reader.close()
    except Damaged as damaged:
        assert words in str(damaged) and "table seal" in words, "the tables themselves are needed to read anything"
    rows = open_ledger(node)
    assert rows.range("block", b"", b"\xff") == [] and words in caplog.text
    assert len(list(node.folder.glob("ledger.damaged-*.sqlite"))) == 1
    rows.close()


def test_a_trigger_would_have_eaten_what_the_next_commit_stores(chain: Chain, tmp_path: Path) -> None:
    """Why it matters: this is what a foreign trigger did to a commit, and no reader of rows could tell."""
    node = laid(chain, tmp_path)
    change(node.ledger, DEEDS["a trigger"][0])
    with sqlite3.connect(node.ledger) as opened:
        opened.execute("INSERT INTO receipt VALUES (x'00', x'00')")
        assert opened.execute("SELECT count(*) FROM receipt WHERE key = x'00'").fetchone() == (0,)
    opened.close()
    with pytest.raises(Damaged, match="trigger eat"):
        SqliteRows(node.ledger)


def journal(path: Path, deed: Callable[[sqlite3.Connection], object]) -> bytes:
    """A hot rollback journal of `path`, whose deed it takes back: as a writer leaves it that is killed."""
    copy = path.with_name("copy.sqlite")
    shutil.copy(path, copy)
    connection = sqlite3.connect(copy, isolation_level=None)
    connection.execute("PRAGMA cache_size=1")
    connection.execute("PRAGMA cache_spill=1")
    connection.execute("BEGIN IMMEDIATE")
    deed(connection)
    connection.execute("INSERT INTO meta SELECT randomblob(16), zeroblob(9000) FROM block, block LIMIT 40")
    data = copy.with_name("copy.sqlite-journal").read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    copy.unlink()
    assert data[:8].hex() == "d9d505f920a163d7"
    return data


def test_a_foreign_journal_is_told_to_a_reader_and_never_played_back_by_the_node(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node = laid(chain, tmp_path)
    data = journal(node.ledger, lambda opened: opened.execute("DELETE FROM receipt"))
    beside = node.ledger.with_name("ledger.sqlite-journal")
    beside.write_bytes(data)
    with pytest.raises(Damaged, match="no ledger leaves"):
        SqliteRows(node.ledger, read_only=True)
    rows = open_ledger(node)
    assert len(rows.range("block", b"", b"\xff")) == 13 and not beside.exists()
    rows.close()
    assert "no ledger leaves such a journal" in caplog.text and verify(chain, node.ledger).height == 12
    assert [path.name[-15:] for path in node.folder.glob("ledger.damaged-*")] == [".sqlite-journal"]


def test_the_journal_of_a_node_that_was_killed_as_it_closed_is_taken_back_and_no_fault(
    chain: Chain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """To close a ledger is to rewrite its first page: killed then, a node leaves that page in a journal."""
    node = laid(chain, tmp_path)
    sound = node.ledger.read_bytes()
    page, pages = sound[:8_192], len(sound) // 8_192
    checksum = sum(page[at] for at in range(8_192 - 200, 0, -200))
    head = struct.pack(">8sIIIII", bytes.fromhex("d9d505f920a163d7"), 1, 0, pages, 512, 8_192).ljust(512, b"\x00")
    beside = node.ledger.with_name("ledger.sqlite-journal")
    beside.write_bytes(head + struct.pack(">I", 1) + page + struct.pack(">I", checksum))
    torn = sound[:100] + b"\xa5" * 8_092 + sound[8_192:]
    node.ledger.write_bytes(torn)
    assert verify(chain, node.ledger).height == 12
    assert (node.ledger.read_bytes(), beside.exists()) == (torn, True), "a reader changes nothing"
    rows = open_ledger(node)
    assert len(rows.range("block", b"", b"\xff")) == 13 and not caplog.records
    rows.close()
    assert verify(chain, node.ledger).height == 12 and not beside.exists()


def test_a_ledger_that_is_set_aside_takes_its_journal_along(chain: Chain, tmp_path: Path) -> None:
    node = laid(chain, tmp_path)
    node.ledger.with_name("ledger.sqlite-journal").write_bytes(b"\x00 not hot")
    node.ledger.write_bytes(bytes(100) + node.ledger.read_bytes()[100:])
    open_ledger(node).close()
    assert not node.ledger.with_name("ledger.sqlite-journal").exists()


def test_a_ledger_of_a_node_that_runs_is_sound_at_every_moment(chain: Chain, tmp_path: Path) -> None:
    """Regression (hostile suite, finding 11): each statement read another moment, and the ledger was accused."""
    path, grown = tmp_path / "ledger.sqlite", Chain()
    rows, is_over, heights = SqliteRows(path), threading.Event(), set[int]()
    rows.commit([held(grown)])

    def write() -> None:
        while not is_over.is_set():
            before = {(table, key): value for table in TABLES for key, value in grown.rows.all(table)}
            grown.grow(1)
            after = {(table, key): value for table in TABLES for key, value in grown.rows.all(table)}
            changed = tuple((*place, value) for place, value in after.items() if before.get(place) != value)
            rows.commit([Apply(grown.ledger.head_height, changed)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            heights.add(verify(grown, path).height)
    finally:
        is_over.set()
        writer.join()
        rows.close()
    assert len(heights) > 2, "positive control: it was written meanwhile"


def test_a_newer_format_is_no_damage(chain: Chain, tmp_path: Path) -> None:
    node = laid(chain, tmp_path)
    change(node.ledger, "PRAGMA user_version=9; UPDATE meta SET value = x'09' WHERE key = CAST('format' AS BLOB)")
    with pytest.raises(UserError, match="of format 9") as told:
        open_ledger(node)
    assert not isinstance(told.value, Damaged)
    change(node.ledger, "PRAGMA user_version=8")
    open_ledger(node).close()
    assert len(list(node.folder.glob("ledger.damaged-*.sqlite"))) == 1, "only its header says 8"


@pytest.mark.parametrize("what", ["header", "frame", "salt"])
def test_a_damaged_log_beside_a_ledger_makes_it_older_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    grown, node = Chain(), NodeFolder(tmp_path, "a")
    node.folder.mkdir(parents=True)
    rows = SqliteRows(node.ledger)
    for _ in range(6):
        rows.commit([held(grown)])
        grown.grow(1)
    wal = node.ledger.with_name("ledger.sqlite-wal")
    main, log = node.ledger.read_bytes(), bytearray(wal.read_bytes())
    rows.close()
    frame = 32 + (len(log) - 32) // 8_216 // 2 * 8_216
    log[{"header": 12, "frame": frame + 4_000, "salt": frame + 13}[what]] ^= 1
    node.ledger.write_bytes(main)
    wal.write_bytes(log)
    with (
        pytest.raises(Damaged, match=r"wal is damaged|no ledger|not the ledger")
        if what != "header"
        else pytest.raises(UserError)
    ):
        SqliteRows(node.ledger, read_only=True)
    with caplog.at_level(logging.WARNING):
        again = open_ledger(node)
    assert len(again.range("block", b"", b"\xff")) < 6
    again.close()
    assert ("its header is damaged" if what == "header" else "it is damaged before them") in caplog.text


@pytest.mark.parametrize("at", range(HEADER_BYTES))
def test_no_flipped_bit_of_the_files_header_stops_a_node_or_passes_with_an_effect(
    chain: Chain, tmp_path: Path, at: int
) -> None:
    node = laid(chain, tmp_path)
    sound = node.ledger.read_bytes()
    for bit in {at * 5 % 8, 0 if at in (40, 60, 68) else 7}:
        node.ledger.write_bytes(sound[:at] + bytes([sound[at] ^ 1 << bit]) + sound[at + 1 :])
        rows = open_ledger(node)
        found = len(rows.range("block", b"", b"\xff"))
        rows.close()
        aside = list(node.folder.glob("ledger.damaged-*"))
        assert found in (0, 13) and (found == 0) == bool(aside), f"bit {bit}"
        if found:
            assert verify(chain, node.ledger).height == 12
        for path in node.folder.iterdir():
            path.unlink()
