"""Frames that have arrived and are not yet handled, bounded."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable

FRAMES_MAX = 50_000
BYTES_MAX = 128_000_000

_log = logging.getLogger("bus")


class Inbox:
    """First in, first out. When full the oldest go: the newest say more, and whoever misses one is told again."""

    def __init__(self, frames_max: int = FRAMES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._frames: deque[bytes] = deque()
        self._frames_max = frames_max
        self._bytes_max = bytes_max
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frames: Iterable[bytes]) -> None:
        for frame in frames:
            self._frames.append(frame)
            self.bytes += len(frame)
        while len(self._frames) > self._frames_max or self.bytes > self._bytes_max:
            self.bytes -= len(self._frames.popleft())
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:
                _log.warning("this node is too slow for what arrives: %d frames dropped so far", self.dropped)

    def take(self) -> bytes:
        frame = self._frames.popleft()
        self.bytes -= len(frame)
        return frame
