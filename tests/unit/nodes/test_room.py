"""A supervised node whose disk is full waits for room, so that it is not started again and again."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.process import room
from nodes.process.room import ROOM_BYTES_MIN, wait_for_room


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_it_waits_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([0, 0, 0, ROOM_BYTES_MIN])
    monkeypatch.setattr(room, "room_bytes", lambda _: next(free))
    monkeypatch.setattr(room, "POLL_S", 0.001)
    wait_for_room(tmp_path, least_s=0.0)
    assert next(free, None) is None


def test_it_waits_a_while_where_the_disk_refuses_for_another_reason_and_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_s = time.monotonic()
    wait_for_room(tmp_path, least_s=0.05)
    assert time.monotonic() - begun_s >= 0.05
    monkeypatch.setattr(room, "room_bytes", lambda _: 0)
    wait_for_room(tmp_path, least_s=0.01, most_s=0.1)
    assert time.monotonic() - begun_s < 5


def test_whoever_ends_it_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "room_bytes", lambda _: 0)
    monkeypatch.setattr(time, "sleep", lambda _: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(SystemExit) as left:
        wait_for_room(tmp_path)
    assert left.value.code == 74
