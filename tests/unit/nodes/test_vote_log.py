"""The vote log: torn tails are cut, damage is refused, compaction forgets what a seal made needless."""

import logging
import os
import stat
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.errors import Damaged, StoreFailed, VotesDamaged
from nodes.process.vote_log import BEGUN, VoteLog, read_log


def filled(path: Path, flushes: int = 5) -> list[bytes]:
    log = VoteLog(path)
    for index in range(flushes):
        log.append([(index, b"vote %d" % index), (None, b"number %d" % index)])
    log.close()
    return [word % index for index in range(flushes) for word in (b"vote %d", b"number %d")]


def reopened(path: Path) -> list[bytes]:
    log = VoteLog(path)
    records = list(log.take_records())
    log.close()
    return records


def test_records_come_back_in_order(tmp_path: Path) -> None:
    assert reopened(tmp_path / "v") == []
    assert reopened(tmp_path / "v2") == []
    expected = filled(tmp_path / "votes")
    assert reopened(tmp_path / "votes") == expected


def test_a_tail_torn_at_any_byte_is_cut_and_the_rest_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "votes"
    expected = filled(path, 3)
    whole = path.read_bytes()
    ends = [0]
    while ends[-1] < len(whole):  # where each block ends: header of 20 bytes, length in bytes 4..8
        ends.append(ends[-1] + 20 + int.from_bytes(whole[ends[-1] + 4 : ends[-1] + 8], "big"))
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        sound = max(end for end in ends if end <= size)
        with caplog.at_level(logging.WARNING):
            assert reopened(path) == expected[: 2 * ends.index(sound)]
        assert path.stat().st_size == sound
        assert bool(caplog.records) == (size != sound), "a cut is told, and nothing else is"
        caplog.clear()
    assert len(ends) == 4


def test_zeros_after_a_crash_are_a_torn_tail(tmp_path: Path) -> None:
    expected = filled(tmp_path / "votes")
    with (tmp_path / "votes").open("ab") as file:
        file.write(bytes(5_000))
    assert reopened(tmp_path / "votes") == expected


def test_any_changed_byte_before_the_last_block_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    filled(path, 3)
    whole = path.read_bytes()
    last = whole.rfind(b"CVL1")
    for index in range(last):
        changed = bytearray(whole)
        changed[index] ^= 0x41
        path.write_bytes(changed)
        with pytest.raises(Damaged, match=r"damaged at byte \d+.*must not vote"):
            read_log(path)
        assert path.read_bytes() == changed, "a damaged log is left as it was found"
    path.write_bytes(whole)
    assert len(read_log(path)[0]) == 6


@pytest.mark.parametrize("bit", range(8))
def test_a_bit_flipped_in_the_last_block_is_damage_and_no_torn_write(tmp_path: Path, bit: int) -> None:
    """It had been synced, and what rests on it was said: cut as torn, its votes would be cast a second time."""
    path = tmp_path / "votes"
    filled(path, 3)
    whole = path.read_bytes()
    for index in range(whole.rfind(b"CVL1"), len(whole)):
        changed = bytearray(whole)
        changed[index] ^= 1 << bit
        path.write_bytes(changed + bytes(100))
        with pytest.raises(VotesDamaged, match=r"damaged at byte \d+.*must not vote"):
            read_log(path)


def test_a_log_damaged_under_way_is_not_compacted_without_what_it_lost(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    filled(path)
    log = VoteLog(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30] + bytes(30))  # as torn: nothing behind it is sound
    with pytest.raises(VotesDamaged, match="behind which votes were durable"):
        log.compact(3, always=True)
    log.close()


def test_zeros_written_ahead_are_neither_damage_nor_a_torn_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "votes"
    log = VoteLog(path)
    for index in range(30):
        log.append([(index, bytes([index]) * 70_000 if index % 7 == 0 else b"small %d" % index)])
        assert [kept.height for kept in read_log(path)[0]] == list(range(index + 1)), "as a crash would leave it"
    assert path.stat().st_size > log.bytes, "positive control: the file does end in zeros"
    with caplog.at_level(logging.WARNING):
        assert len(reopened(path)) == 30
    assert not caplog.records


def test_appending_goes_on_after_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    expected = filled(path)
    path.write_bytes(path.read_bytes() + b"CVL1 torn")
    log = VoteLog(path)
    log.append([(9, b"after")])
    log.close()
    assert reopened(path) == [*expected, b"after"]


def test_compaction_forgets_sealed_heights_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    filled(path)
    log = VoteLog(path)
    assert not log.compact(3), "a small file is not worth it"
    assert log.compact(3, always=True)
    log.append([(7, b"vote 7")])
    log.close()
    assert reopened(path) == [b"number 0", b"number 1", b"number 2", b"number 3", b"vote 4", b"number 4", b"vote 7"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_compaction_takes_little_memory_however_long_the_log_is(tmp_path: Path) -> None:
    """Nodes under load grew by 35 to 60 MB each time: the whole log was read at once."""
    log = VoteLog(tmp_path / "votes")
    for height in range(1, 101):
        log.append([(height, bytes(60_000)), (None, b"for ever")])
    tracemalloc.start()
    try:
        assert log.compact(98, always=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    log.close()
    assert peak < 1_000_000, peak
    kept = read_log(tmp_path / "votes")[0]
    assert [len(each.record) for each in kept if each.height] == [60_000, 60_000] and len(kept) == 102


def test_a_compacted_log_is_whole_on_the_disk_before_it_takes_the_old_ones_place_and_so_is_its_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "votes"
    filled(path)
    log = VoteLog(path)
    acts: list[tuple[str, int]] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        sync(descriptor)
        status = os.fstat(descriptor)
        acts.append(("folder", 0) if stat.S_ISDIR(status.st_mode) else ("file", status.st_size))

    def renamed(source: Any, target: Any) -> None:
        rename(source, target)
        acts.append(("name", 0))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    log.compact(3, always=True)
    assert acts == [("file", log.bytes), ("name", 0), ("folder", 0)] and path.stat().st_size == log.bytes
    log.close()


def test_a_compaction_that_a_crash_interrupted_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    expected = filled(path)
    path.with_name("votes.new").write_bytes(b"half a file")
    assert reopened(path) == expected
    assert not path.with_name("votes.new").exists()


def test_compaction_is_due_when_the_file_has_doubled_under_a_newer_seal(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes", compact_bytes_min=1_000)
    for height in range(1, 200):
        log.append([(height, bytes(100))])
        log.compact(height - 3)
        assert log.bytes < 3_000
    log.close()


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = VoteLog(tmp_path / "votes")
    log.append([(1, b"one")])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("nodes.process.vote_log._sync_data", full)
        with pytest.raises(StoreFailed, match="No space left"):
            log.append([(2, b"two")])
    log.close()
    assert reopened(tmp_path / "votes") == [b"one"]


RECORD = st.binary(max_size=50).filter(lambda record: record != BEGUN.record)


@given(st.lists(st.lists(st.tuples(st.none() | st.integers(0, 9), RECORD), max_size=4), max_size=6))
def test_whatever_is_appended_comes_back(tmp_path_factory: pytest.TempPathFactory, flushes: list[Any]) -> None:
    path = tmp_path_factory.mktemp("log") / "votes"
    log = VoteLog(path)
    for records in flushes:
        log.append(records)
    log.close()
    assert reopened(path) == [record for records in flushes for _, record in records]
