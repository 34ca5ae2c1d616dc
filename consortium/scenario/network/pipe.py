"""A line of bounded bandwidth with a queue: each message is sent whole before the next one."""

from __future__ import annotations

NS_PER_S = 1_000_000_000


class Pipe:
    """`bits_per_s` 0: without bound. What finds `queue_bytes` or more still to be sent is dropped; 0: no bound."""

    __slots__ = ("_bits_per_s", "_free_ns", "_queue_bytes", "dropped")

    def __init__(self, bits_per_s: int, queue_bytes: int) -> None:
        self._bits_per_s = bits_per_s
        self._queue_bytes = queue_bytes
        self._free_ns = 0
        self.dropped = 0

    def leaves_us(self, now_us: int, size_bytes: int) -> int | None:
        """When the last bit of a message that comes now is through, rounded up; None: dropped. Calls are in order of
        time."""
        if not self._bits_per_s:
            return now_us
        now_ns = now_us * 1_000
        waiting_ns = max(0, self._free_ns - now_ns)
        if self._queue_bytes and waiting_ns * self._bits_per_s >= 8 * NS_PER_S * self._queue_bytes:
            self.dropped += 1
            return None
        self._free_ns = now_ns + waiting_ns + 8 * NS_PER_S * size_bytes // self._bits_per_s
        return -(-self._free_ns // 1_000)
