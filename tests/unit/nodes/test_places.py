"""The rows of the state lie in the order of their writing, and the receipts of a block in one row; nobody sees it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

import pytest

from consortium.core.codec import encode
from consortium.core.machine import Apply
from consortium.ledger.rows import END, DictRows, Row, height_key, receipt_key
from nodes.errors import Damaged
from nodes.process.store import SqliteRows
from tests.unit.ledger.test_ledger_prune import pruned_chain


def _commit(rows: SqliteRows, height: int, changes: list[Row]) -> None:
    apply = Apply(height, tuple(changes))
    rows.stage(changes)
    rows.commit([apply])
    rows.committed([apply])


def _places(path: Path) -> dict[bytes, int]:
    opened = sqlite3.connect(path)
    found: dict[bytes, int] = dict(opened.execute("SELECT key, id FROM state").fetchall())
    opened.close()
    return found


def test_a_row_keeps_its_place_when_it_changes_and_new_ones_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    _commit(rows, 1, [("state", b"t\x00z", b"1"), ("state", b"t\x00a", b"1")])
    before = _places(path)
    _commit(rows, 2, [("state", b"t\x00z", b"2"), ("state", b"t\x00m", b"2")])
    after = _places(path)
    assert {key: after[key] for key in before} == before and after[b"t\x00m"] > max(before.values())
    assert rows.range("state", b"t\x00", b"t\x01") == [(b"t\x00a", b"1"), (b"t\x00m", b"2"), (b"t\x00z", b"2")]
    rows.close()


def test_whatever_is_written_taken_away_and_written_again_before_and_after_commits(tmp_path: Path) -> None:
    random, path, model = Random(11), tmp_path / "ledger.sqlite", DictRows()
    rows, waiting = SqliteRows(path), list[Apply]()
    for step in range(400):
        keys = [b"%d\x00%d" % (random.randrange(3), random.randrange(40)) for _ in range(random.randrange(1, 5))]
        changes: list[Row] = [("state", key, random.choice((None, b"%d" % step))) for key in keys]
        rows.stage(changes)
        model.stage(changes)
        waiting.append(Apply(step, tuple(changes)))
        if random.randrange(3) == 0:
            rows.commit(waiting)
            rows.committed(waiting)
            waiting = []
        if random.randrange(150) == 0:
            rows.commit(waiting)
            rows.close()
            rows, waiting = SqliteRows(path), []
        table = b"%d\x00" % random.randrange(3)
        limit = random.choice((0, 1, 5))
        for low, high in ((table, table[:1] + b"\x01"), (table + b"2", table + b"3"), (b"", END)):
            assert list(rows.range("state", low, high, limit)) == list(model.range("state", low, high, limit))
        assert sorted(rows.each("state")) == sorted(model.each("state"))
        assert rows.get("state", keys[0]) == model.get("state", keys[0])
    rows.commit(waiting)
    rows.close()
    reader = SqliteRows(path, read_only=True)
    assert list(reader.all("state")) == list(model.all("state"))
    reader.close()


def test_many_keys_are_found_again_after_a_start(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    keys = [b"t\x00%d" % number for number in range(9_000)]
    _commit(rows, 1, [("state", key, key) for key in keys])
    rows.close()
    again = SqliteRows(path)
    assert all(again.get("state", key) == key for key in keys) and again.get("state", b"t\x00none") is None
    again.close()


@pytest.mark.parametrize(
    "harm",
    [
        "INSERT INTO state VALUES (900, (SELECT key FROM state LIMIT 1), x'00')",
        "UPDATE state SET id = 1 << 40 WHERE id = 3",
        "UPDATE state SET id = -4 WHERE id = 3",
        "UPDATE state SET key = CAST(key AS TEXT) WHERE id = 3",
    ],
)
def test_a_key_that_stands_twice_or_where_none_is_written_is_damage(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    _commit(rows, 1, [("state", b"t\x00%d" % number, b"v") for number in range(5)])
    rows.close()
    opened = sqlite3.connect(path, isolation_level=None)
    opened.execute(harm)
    opened.close()
    with pytest.raises(Damaged, match="table state"):
        SqliteRows(path)
    reader = SqliteRows(path, read_only=True)
    with pytest.raises(Damaged, match="table state"):
        reader.get("state", b"t\x001")
    reader.close()


def test_the_receipts_of_a_block_are_one_row_that_is_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    _commit(rows, 7, [("receipt", receipt_key(7, number), b"r%d" % number) for number in range(3)])
    _commit(rows, 8, [("receipt", receipt_key(8, 0), b"s")])
    opened = sqlite3.connect(path)
    assert opened.execute("SELECT key, value FROM receipt").fetchall() == [
        (height_key(7), encode([b"r0", b"r1", b"r2"])),
        (height_key(8), encode([b"s"])),
    ]
    opened.close()
    assert rows.get("receipt", receipt_key(7, 2)) == b"r2" and rows.get("receipt", receipt_key(7, 3)) is None
    assert [value for _, value in rows.range("receipt", receipt_key(7, 1), receipt_key(8, 0))] == [b"r1", b"r2"]
    assert len(rows.range("receipt", b"", END)) == 4 and len(rows.range("receipt", b"", END, 2)) == 2
    _commit(rows, 9, [("receipt", receipt_key(7, number), None) for number in range(3)])
    assert [value for _, value in rows.all("receipt")] == [b"s"]
    rows.close()


@pytest.mark.parametrize("value", [b"", b"\xc1", b"\x91\x01", b"\x91\xc4\x01", b"\x91\xc5\x00\x01a", b"\x91\xc4\x01ab"])
def test_receipts_that_are_not_as_they_are_written_are_damage(tmp_path: Path, value: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    rows = SqliteRows(path)
    rows._writer.execute("INSERT INTO receipt VALUES (?, ?)", (height_key(5), value))
    with pytest.raises(Damaged, match="table receipt, height 5"):
        rows.range("receipt", receipt_key(5, 0), receipt_key(6, 0))
    rows.close()


def test_a_ledger_that_let_go_of_old_blocks_lacks_none_of_the_others(tmp_path: Path) -> None:
    chain = pruned_chain()
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    held: list[Row] = [(table, key, value) for table in chain.rows.tables() for key, value in chain.rows.all(table)]
    _commit(rows, 60, held)
    rows.check_heights()
    for table in ("block", "batch", "certificate"):
        _commit(rows, 61, [(table, height_key(55), None)])
        with pytest.raises(Damaged, match=f"table {table}"):
            rows.check_heights()
        _commit(rows, 62, [(table, height_key(55), chain.rows.get(table, height_key(55)))])
    rows.close()


def test_parts_of_the_index_grow_in_turn(tmp_path: Path) -> None:
    """Were all as full as each other, some blocks would pay for the growth of all of them."""
    rows, sizes, most = SqliteRows(tmp_path / "ledger.sqlite"), [0] * 256, 0
    places = rows._state.open()
    for first in range(0, 120_000, 2_000):
        places.stage({b"t\x00%d" % number: b"" for number in range(first, first + 2_000)})
        grown = sum(len(part) != size for part, size in zip(places._index, sizes, strict=True))
        most, sizes = max(most, grown if first >= 40_000 else 0), [len(part) for part in places._index]
    assert 0 < most < 40, "2,000 of 40,000 keys or more: one in twenty, and few parts grow"
    rows.close()
