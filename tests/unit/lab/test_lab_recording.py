"""Recordings: a death may cut the last entry, anything else unsound is damage; and the tree of ledgers behind boots."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest

from consortium.core.machine import Apply, HandIn, Note, Now, Output, Store, Transmit, Wake
from consortium.ledger.rows import DictRows, Row, height_key
from consortium.runs import recording
from consortium.runs.recording import (
    ARRIVAL,
    BOOT,
    EMPTY_MARK,
    END,
    WAKE,
    Boot,
    Cut,
    RecordingError,
    Step,
    WrongRecording,
    chain_digest,
    ledger_mark,
    read_steps,
)
from consortium.runs.replay import Replayer, WrittenLedgers
from nodes.process.recorder import Recorder

NOW = Now(5, 7)
OUTPUTS: list[Output] = [Transmit(None, b"said"), Store(b"vote", 3), Wake(1, 10), Note("booted", {"records": 0})]


def block(height: int, certificate: bytes = b"c") -> Apply:
    key = height_key(height)
    rows: tuple[Row, ...] = (
        ("block", key, b"h%d" % height),
        ("certificate", key, certificate),
        ("meta", b"head", key + b"digest"),
    )
    return Apply(height, rows)


class Counting:
    """A host that says how often it was called, and applies a block with every wake."""

    def __init__(self, rows: DictRows, step_by: int = 1) -> None:
        self.rows = rows
        self.step_by = step_by

    def begin_run(self, monotonic_us: int) -> None:
        self.begun_us = monotonic_us

    def boot(self, now: Now, records: Any) -> list[Output]:
        return [Note("booted", {"records": len(records), "blocks": len(self.rows.range("block", b"", b"\xff" * 9))})]

    def arrival(self, now: Now, publisher: str, payload: bytes) -> list[Output]:
        if payload == b"bad":
            raise ValueError("a mistake")
        return [Transmit("b", payload * self.step_by)] if payload else []

    def wake(self, now: Now, token: int) -> list[Output]:
        apply = block(token)
        self.rows.stage(apply.rows)
        return [apply, Note("executed", {"height": token})]

    def hand_in(self, now: Now, event: HandIn) -> list[Output]:
        return []


def record(folder: Path, mark: bytes, rows: DictRows, calls: list[tuple[int, Any]], *, is_killed: bool = False) -> Path:
    """One boot of a `Counting`, as its process would have recorded it."""
    recorder, host = Recorder(folder), Counting(rows)
    given = Boot(b"chain", "a", 1, b"", mark, (), "v", "3")
    recorder.add(BOOT, NOW, given, host.boot(NOW, ()))
    for kind, what in calls:
        try:
            if kind == ARRIVAL:
                what = ("b", what)
                recorder.add(kind, NOW, what, host.arrival(NOW, *what))
            else:
                recorder.add(kind, NOW, what, host.wake(NOW, what))
        except ValueError as error:
            recorder.add(kind, NOW, what, (), type(error).__name__)
    recorder.flush()
    if not is_killed:
        recorder.close(NOW, 0)
    return recorder.path


def replay(folder: Path, step_by: int = 1, chain: bytes = b"chain", name: str = "a") -> Any:
    paths = recording.recordings(folder)
    return Replayer(chain, name, lambda rows, known, boxes: Counting(rows, step_by)).run(paths)


def test_what_is_recorded_is_read_back_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = record(tmp_path, EMPTY_MARK, DictRows(), [(ARRIVAL, b"x"), (ARRIVAL, b""), (WAKE, 1)])
    steps = [step for step in read_steps(path) if isinstance(step, Step)]
    assert [step.kind for step in steps] == [BOOT, ARRIVAL, ARRIVAL, WAKE, END]
    assert list(steps[1].given) == ["b", b"x"] and steps[1].now == NOW and steps[2].digest == b"" != steps[1].digest
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o077 == 0


def test_a_death_in_an_entry_costs_that_entry_alone(tmp_path: Path) -> None:
    path = record(tmp_path, EMPTY_MARK, DictRows(), [(ARRIVAL, b"x"), (ARRIVAL, b"y")], is_killed=True)
    whole = path.read_bytes()
    seen = set()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        steps = list(read_steps(path))
        cut = [step for step in steps if isinstance(step, Cut)]
        assert len(steps) - len(cut) <= 3 and len(cut) <= 1
        seen.add(len(steps) - len(cut))
        assert replay(tmp_path).difference is None
    assert seen == {0, 1, 2, 3}


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    path = record(tmp_path, EMPTY_MARK, DictRows(), [(ARRIVAL, b"x"), (ARRIVAL, b"y")])
    whole = path.read_bytes()
    assert replay(tmp_path).difference is None, "positive control"
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(RecordingError):
            list(read_steps(path))
        assert replay(tmp_path).difference is not None


def test_a_changed_arrival_with_a_right_checksum_is_a_step_that_differs(tmp_path: Path) -> None:
    path = record(tmp_path, EMPTY_MARK, DictRows(), [(ARRIVAL, b"xxxx"), (ARRIVAL, b"y")])
    data = bytearray(path.read_bytes())
    at = data.index(b"\xc4\x04xxxx")
    data[at + 2] ^= 1
    for begin in range(at, 0, -1):
        length = int.from_bytes(data[begin : begin + 4], "big")
        if data[begin + 4 : begin + 8] == zlib.crc32(b"%d %d" % (begin, length)).to_bytes(4, "big"):
            data[begin + 8 : begin + 12] = zlib.crc32(data[begin + 12 : begin + 12 + length]).to_bytes(4, "big")
            break
    path.write_bytes(data)
    difference = replay(tmp_path).difference
    assert difference is not None and (difference.boot, difference.step) == (1, 2)
    assert difference.then != difference.now


def test_a_changed_rule_is_found_at_the_first_step_that_it_changes(tmp_path: Path) -> None:
    record(tmp_path, EMPTY_MARK, DictRows(), [(ARRIVAL, b""), (WAKE, 1), (ARRIVAL, b"x"), (ARRIVAL, b"y")])
    assert replay(tmp_path).difference is None
    difference = replay(tmp_path, step_by=2).difference
    assert difference is not None and difference.step == 4 and difference.why == "it put out something else"


def test_a_step_that_raised_must_raise_again(tmp_path: Path) -> None:
    path = record(tmp_path, EMPTY_MARK, DictRows(), [(ARRIVAL, b"bad")])
    assert replay(tmp_path).difference is None
    steps = [step for step in read_steps(path) if isinstance(step, Step)]
    assert steps[1].raised == "ValueError"


def test_a_boot_goes_back_to_the_ledger_that_the_death_left(tmp_path: Path) -> None:
    rows = DictRows()
    record(tmp_path, EMPTY_MARK, rows, [(WAKE, 1), (WAKE, 2), (WAKE, 3)], is_killed=True)
    kept = DictRows()
    for height in (1, 2):
        kept.stage(block(height).rows)
    record(tmp_path, ledger_mark(kept), kept, [(WAKE, 3), (WAKE, 4)], is_killed=True)
    record(tmp_path, EMPTY_MARK, DictRows(), [(WAKE, 1)])  # wiped
    replayed = replay(tmp_path)
    assert (replayed.difference, replayed.boots, replayed.blocks, replayed.unended) == (None, 3, 6, 2)
    strange = DictRows()
    strange.stage(block(9).rows)
    record(tmp_path, ledger_mark(strange), strange, [])
    difference = replay(tmp_path).difference
    assert difference is not None and "no recorded step had written" in difference.why and difference.boot == 4


def test_the_same_block_under_another_certificate_is_another_ledger() -> None:
    one, other = DictRows(), DictRows()
    one.stage(block(1).rows)
    other.stage(block(1, b"d").rows)
    assert len({ledger_mark(one), ledger_mark(other), EMPTY_MARK, ledger_mark(DictRows())}) == 3
    written = WrittenLedgers()
    assert written.go_back(ledger_mark(one)) is None
    written.applied(block(1))
    found = written.go_back(ledger_mark(one))
    assert found is not None and found.get("block", height_key(1)) == b"h1"


def test_a_recording_of_another_run_or_node_is_refused(tmp_path: Path) -> None:
    record(tmp_path, EMPTY_MARK, DictRows(), [])
    with pytest.raises(WrongRecording, match="another run"):
        replay(tmp_path, chain=b"other")
    with pytest.raises(WrongRecording, match="by a, not by b"):
        replay(tmp_path, name="b")


def test_the_running_digest_tells_kinds_contents_and_order_apart() -> None:
    digests = {
        chain_digest(b"", OUTPUTS),
        chain_digest(b"x", OUTPUTS),
        chain_digest(b"", OUTPUTS[::-1]),
        chain_digest(b"", [Store(b"vote", None)]),
        chain_digest(b"", [Transmit("vote", b"")]),
        chain_digest(b"", [Transmit(None, b"vote")]),
    }
    assert len(digests) == 6


def test_a_disk_that_refuses_ends_the_recording_and_not_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path)

    def refuse(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nodes.process.recorder.os.write", refuse)
    recorder.add(ARRIVAL, NOW, b"x", OUTPUTS)
    recorder.flush()
    recorder.add(ARRIVAL, NOW, b"x", OUTPUTS)
    recorder.close(NOW, 0)
    assert "the recording ends here" in caplog.text
    (tmp_path / "b").write_bytes(b"a file where the node's folder should be")
    Recorder(tmp_path / "b").close(NOW, 0)
    assert "this node is not recorded" in caplog.text
