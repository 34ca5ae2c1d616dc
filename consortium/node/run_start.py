"""When a run began, as one node knows it."""

from __future__ import annotations

from consortium.core.machine import Now


class RunStart:
    """The beginning of the run on this node's monotonic clock. A node that was not told takes its first step for it."""

    def __init__(self) -> None:
        self.monotonic_us: int | None = None

    def passed_us(self, now: Now) -> int:
        """Microseconds since the run began."""
        if self.monotonic_us is None:
            self.monotonic_us = now.monotonic_us
        return now.monotonic_us - self.monotonic_us
