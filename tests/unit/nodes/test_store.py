"""SQLite behind `Rows`: staged rows are seen at once and agree with a dict, commits are all or nothing."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.core.codec import encode
from consortium.core.format import FORMAT
from consortium.core.header import Header
from consortium.core.machine import Apply
from consortium.ledger.rows import DictRows, height_key
from nodes.errors import Damaged, StoreFailed, UserError
from nodes.process.store import SqliteRows

KEYS = st.binary(min_size=1, max_size=2)
ROWS = st.lists(st.tuples(st.sampled_from(["block", "state", "seal"]), KEYS, st.none() | st.binary(max_size=3)))
STEPS = st.lists(st.tuples(ROWS, st.booleans()), max_size=8)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, low=KEYS, high=KEYS)
def test_reads_agree_with_a_dict_whatever_is_staged_and_whenever_it_is_committed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], low: bytes, high: bytes
) -> None:
    path = tmp_path_factory.mktemp("rows") / "ledger.sqlite"
    rows, model = SqliteRows(path), DictRows()
    waiting: list[Apply] = []

    def agree(left: SqliteRows) -> None:
        for table in ("block", "state", "seal"):
            assert list(left.range(table, b"", b"\xff" * 9)) == list(model.range(table, b"", b"\xff" * 9))
            assert list(left.range(table, low, high)) == list(model.range(table, low, high))
            assert left.get(table, low) == model.get(table, low)

    for height, (change, is_committed) in enumerate(steps):
        rows.stage(change)
        model.stage(change)
        waiting.append(Apply(height, tuple(change)))
        agree(rows)
        if is_committed:
            rows.commit(waiting[:1])
            agree(rows)
            rows.committed(waiting[:1])
            waiting = waiting[1:]
            agree(rows)
    rows.commit(waiting)
    rows.committed(waiting)
    agree(rows)
    rows.close()
    reader = SqliteRows(path, read_only=True)
    agree(reader)
    assert list(reader.tables()) == list(model.tables())
    reader.close()


def test_what_is_staged_but_not_committed_is_gone_after_a_crash(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    first, second = Apply(1, (("block", b"1", b"one"),)), Apply(2, (("block", b"2", b"two"),))
    rows.stage(first.rows)
    rows.commit([first])
    rows.committed([first])
    rows.stage(second.rows)
    assert rows.get("block", b"2") == b"two"
    again = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)  # the first one is still open, as after kill -9
    assert (again.get("block", b"1"), again.get("block", b"2")) == (b"one", None)


def test_a_full_disk_is_told_and_nothing_of_the_height_is_written(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    pages = rows._writer.execute("PRAGMA page_count").fetchone()[0]
    rows._writer.execute(f"PRAGMA max_page_count={pages + 2}")
    small = Apply(1, (("block", b"1", b"one"),))
    rows.commit([small])
    large = Apply(2, tuple(("block", height_key(index), bytes(3_000)) for index in range(2, 40)))
    with pytest.raises(StoreFailed, match="full"):
        rows.commit([large])
    rows.close()
    reader = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)
    assert list(reader.range("block", b"", b"\xff" * 9)) == [(b"1", b"one")]


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    rows.commit([Apply(1, (("block", height_key(1), b"header"), ("batch", height_key(1), b"batch")))])
    rows.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(before) == {"ledger.sqlite"}, "a clean end leaves one file"
    reader = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)
    assert reader.tables() == ("batch", "block")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    reader.close()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_views_show_a_person_heights_and_state(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    receipts = tuple(("receipt", height_key(300) + index.to_bytes(4, "big"), b"r") for index in range(3))
    rows.commit(
        [
            Apply(
                300,
                (
                    ("block", height_key(299), b"h"),
                    ("block", height_key(300), b"header"),
                    ("batch", height_key(300), b"batch"),
                    ("seal", height_key(300), b"seal"),
                    ("state", b"fund.account\x00h-1", b"\x01"),
                    *receipts,
                ),
            )
        ]
    )
    rows.close()
    reader = sqlite3.connect(tmp_path / "ledger.sqlite")
    found = reader.execute("SELECT height, header_bytes, batch_bytes, transactions, is_sealed FROM blocks").fetchall()
    assert found == [(299, 1, None, 0, 0), (300, 6, 5, 3, 1)]
    assert reader.execute("SELECT * FROM state_rows").fetchall() == [("fund.account", "h-1", "01")]


def test_files_that_are_no_ledger_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no ledger"):
        SqliteRows(tmp_path / "none", read_only=True)
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(UserError, match="not the ledger"):
        SqliteRows(tmp_path / "other", read_only=True)
    (tmp_path / "text").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(UserError, match="no SQLite file"):
        SqliteRows(tmp_path / "text", read_only=True)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(UserError, match="is empty"):
        SqliteRows(tmp_path / "empty", read_only=True)


def test_the_view_of_blocks_tells_what_a_header_says(tmp_path: Path) -> None:
    digests = [bytes((place,)) * 32 for place in range(1, 6)]
    header = Header(FORMAT, b"c" * 32, 300, 0, b"m" * 32, *digests, 1_767_225_600_000_000)  # type: ignore[arg-type, call-arg]
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    rows.commit([Apply(300, (("block", height_key(300), encode(header)), ("seal", height_key(300), b"seal")))])
    rows.close()
    opened = sqlite3.connect(tmp_path / "ledger.sqlite")
    columns = "height, time_us, is_sealed, parent, batch_digest, transactions_root, receipts_root, state_root"
    found = opened.execute(f"SELECT {columns} FROM blocks").fetchall()
    opened.close()
    assert found == [(300, header.time_us, 1, *(digest.hex() for digest in digests))]


def test_a_ledger_whose_first_bytes_are_damaged_is_still_known_as_one(tmp_path: Path) -> None:
    for name, first in (("ledger.sqlite", bytes(100)), ("other.sqlite", bytes(16))):
        path = tmp_path / name
        SqliteRows(path).close()
        with path.open("r+b") as file:
            file.write(first)
        with pytest.raises(Damaged, match="not a sound SQLite file"):
            SqliteRows(path, read_only=True)
        with pytest.raises(Damaged, match="not a sound SQLite file"):
            SqliteRows(path)


def test_a_damaged_page_is_told_with_its_table_and_heights(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    rows.commit([Apply(0, tuple(("batch", height_key(height), bytes(3_000)) for height in range(40)))])
    rows.close()
    pages = path.read_bytes()
    with path.open("r+b") as file:
        for start in range(8 * 8_192, len(pages), 8_192):
            file.seek(start)
            file.write(b"\xa5" * 64)
    reader = SqliteRows(path, read_only=True)
    with pytest.raises(Damaged, match="table batch, heights 0 to 39: "):
        reader.range("batch", height_key(0), height_key(40))
    reader.close()


def test_a_row_that_holds_no_bytes_is_damage_not_a_traceback(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    for key in ("'text'", "7", "1.5"):
        rows._writer.execute("DELETE FROM receipt")
        rows._writer.execute(f"INSERT INTO receipt VALUES ({key}, x'00')")
        reader = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)
        with pytest.raises(Damaged, match=r"table receipt: the key .* not bytes"):
            list(reader.all("receipt"))
    rows._writer.execute("DELETE FROM receipt")
    for value, kind in (("'text'", "text"), ("CAST(x'ff' AS TEXT)", "text"), ("5", "an integer"), ("0.5", "a real")):
        rows._writer.execute(f"INSERT OR REPLACE INTO receipt VALUES (x'000000000000000500000001', {value})")
        reader = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)
        told = f"table receipt, height 5, key 0000000000000005.*the value is {kind}"
        with pytest.raises(Damaged, match=told):
            reader.range("receipt", b"", b"\xff")
        with pytest.raises(Damaged, match=told):
            list(reader.all("receipt"))
    rows.close()


def test_a_ledger_is_as_large_as_its_file_once_its_log_was_moved_into_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    for height in range(60):
        apply = Apply(height, (("state", b"same", bytes(10_000)), ("block", height_key(height), bytes(500))))
        rows.stage(apply.rows)
        rows.commit([apply])
        rows.committed([apply])
    log = path.with_name(path.name + "-wal").stat().st_size
    held = rows.bytes_held()
    assert log > 5 * held, "a row that was written often lies in the log as often"
    rows.close()
    assert path.stat().st_size == held
