"""The private store keeps what it was given, and what was dropped is in no byte of any file."""

import random
import sqlite3
from pathlib import Path

import pytest

from consortium.core.machine import Drop, Keep
from consortium.core.vault import LACKING
from nodes.errors import Damaged, StoreFailed, UserError
from nodes.process.private_store import PAGE_BYTES, PrivateStore, StoredBoxes, copy_store, create_store, open_store


def raw(folder: Path) -> bytes:
    """All bytes of all files."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def holds(data: bytes, value: bytes) -> bool:
    """Whether a piece of a value stands in it: values here repeat a word of 16 bytes that no other has."""
    return value[:16] in data


def test_rows_are_read_when_staged_and_stay_when_committed(tmp_path: Path) -> None:
    store = PrivateStore(tmp_path / "private.sqlite")
    for name, value in (("b", b"2"), ("a", b"1"), ("b", b"3")):
        store.stage(name, value)
    assert (store.get("a"), store.get("b"), store.get("c"), store.names()) == (b"1", b"3", None, ["a", "b"])
    rows = [Keep("b", b"2"), Keep("a", b"1"), Keep("b", b"3")]
    store.commit(rows)
    store.committed(rows)
    store.stage("a", None)
    assert store.get("a") is None and store.names() == ["b"], "a drop is seen before it is durable"
    store.close()
    again = PrivateStore(tmp_path / "private.sqlite")
    assert [(name, again.get(name)) for name in again.names()] == [("a", b"1"), ("b", b"3")]
    again.close()


def test_it_is_its_owners_alone_and_one_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "private.sqlite"
    create_store(path)
    store = PrivateStore(path)
    store.commit([Keep("a", b"1")])
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}, "the logs beside it, too"
    store.close()
    path.chmod(0o640)
    with pytest.raises(UserError, match="chmod 600"):
        open_store(path)


@pytest.mark.parametrize("seed", range(2))
def test_what_was_dropped_is_in_no_byte_of_any_file(tmp_path: Path, seed: int) -> None:
    store, rng = PrivateStore(tmp_path / "private.sqlite"), random.Random(seed)
    held: dict[str, bytes] = {}
    gone: list[bytes] = []
    for number in range(120):
        rows: list[Keep | Drop] = []
        for _ in range(rng.randint(1, 4)):
            if held and rng.random() < 0.45:
                name = rng.choice(sorted(held))
                gone.append(held.pop(name))
                rows.append(Drop(name))
            else:
                name = rng.choice(sorted(held)) if held and rng.random() < 0.1 else f"record/{number}-{rng.random()}"
                value = rng.randbytes(16) * rng.choice([2, 20, PAGE_BYTES // 16, 190, 600])
                if name in held:
                    gone.append(held[name])
                held[name] = value
                rows.append(Keep(name, value))
        store.commit(rows)
    store.commit([Drop("record/none")])
    data = raw(tmp_path)
    assert all(holds(data, value) for value in held.values()), "positive control: what is held is found so"
    assert [len(value) for value in gone if holds(data, value)] == [] and len(gone) > 50
    store.close()
    assert not any(holds(raw(tmp_path), value) for value in gone)


def test_nothing_counts_as_erased_while_somebody_reads_an_older_state(tmp_path: Path) -> None:
    store = PrivateStore(tmp_path / "private.sqlite")
    store.commit([Keep("a", b"v" * 5_000)])
    store._writer.execute("PRAGMA busy_timeout=50")
    reader = sqlite3.connect(tmp_path / "private.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM kept").fetchone()
    with pytest.raises(StoreFailed, match="erased"):
        store.commit([Drop("a")])
    reader.close()
    store.commit([Drop("a")])
    assert b"v" * 40 not in raw(tmp_path)
    store.close()


def test_a_missing_store_is_begun_anew_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(tmp_path / "private.sqlite")
    assert store.names() == [LACKING] and "asks the other holders" in caplog.text
    store.close()


@pytest.mark.parametrize("where", [0, 68, 700, 5_000])
def test_a_damaged_store_is_begun_anew_with_what_can_be_read_and_nothing_of_it_stays(
    tmp_path: Path, where: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "private.sqlite"
    values = {f"record/{number}": bytes([number]) * 3_000 for number in range(30)}
    store = PrivateStore(path)
    store.commit([Keep(name, value) for name, value in values.items()])
    store.close()
    data = bytearray(path.read_bytes())
    data[where : where + 300] = b"\xa5" * 300
    path.write_bytes(bytes(data))
    store = open_store(path)
    kept = {name: store.get(name) for name in store.names() if name != LACKING}
    assert (
        all(name in values for name in kept)
        and [file.name for file in tmp_path.iterdir() if "damaged" in file.name] == []
    )
    assert "private store is damaged" in caplog.text or kept.keys() == values.keys()
    store.close()


def test_a_file_of_another_kind_or_format_is_no_store(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE kept (name, pad, value)")
    with pytest.raises(Damaged, match="does not say"):
        PrivateStore(other)
    newer = tmp_path / "newer.sqlite"
    create_store(newer)
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version=9")
    with pytest.raises(UserError, match="format 9"):
        PrivateStore(newer)


def test_a_full_disk_refuses_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    store = PrivateStore(tmp_path / "private.sqlite")
    store.is_full = True
    with pytest.raises(StoreFailed):
        store.commit([Keep("a", b"1")])
    store.is_full = False
    assert store.get("a") is None
    store.close()


def test_a_copy_is_of_one_moment_also_while_the_store_is_in_use(tmp_path: Path) -> None:
    store = PrivateStore(tmp_path / "private.sqlite")
    store.commit([Keep("a", b"1"), Keep("b", b"2" * 5_000)])
    copy_store(tmp_path / "private.sqlite", tmp_path / "copy.sqlite")
    store.commit([Keep("c", b"3"), Drop("a")])
    copy = StoredBoxes(tmp_path / "copy.sqlite")
    assert copy.names() == ["a", "b"] and copy.get("b") == b"2" * 5_000 and copy.get("c") is None
    assert (tmp_path / "copy.sqlite").stat().st_mode & 0o777 == 0o600
    store.close()
