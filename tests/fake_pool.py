"""A pool of bundles for tests of consensus: first come, first served, without admission, signatures or relaying."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Now
from consortium.core.transaction import decode_batch, encode_batch


class FakePool:
    """Bundles are any bytes; `unfit` ones are refused by their bytes."""

    def __init__(self, batch_max: int) -> None:
        self.known: dict[bytes, int] = {}
        self.flying: dict[bytes, None] = {}
        self.executed: dict[bytes, None] = {}
        self.is_overtaken = False
        self._batch_max = batch_max

    def _queue(self) -> list[bytes]:
        return [bundle for bundle in self.known if bundle not in self.flying]

    @property
    def waiting(self) -> int:
        return len(self._queue())

    @property
    def unexecuted(self) -> int:
        return len(self.known)

    def oldest_us(self) -> int | None:
        return min(self.known.values(), default=None)

    def add(self, now: Now, bundle: bytes) -> None:
        if bundle not in self.executed:
            self.known.setdefault(bundle, now.monotonic_us)

    def take(self, now: Now) -> bytes | None:
        taken = self._queue()[: self._batch_max]
        self.flying.update(dict.fromkeys(taken))
        return encode_batch(now.wall_us, taken) if taken else None

    def judge(self, batch: bytes) -> str | None:
        try:
            bundles = decode_batch(batch).bundles
        except Malformed as error:
            return str(error)
        return "unfit" if any(bundle.startswith(b"unfit") for bundle in bundles) else None

    def order(self, batch: bytes) -> None:
        self.flying.update(dict.fromkeys(decode_batch(batch).bundles))

    def release(self) -> None:
        self.flying.clear()

    def was_overtaken(self, now: Now, wait_us: int) -> bool:
        return self.is_overtaken

    def execute(self, batch: bytes) -> None:
        for bundle in decode_batch(batch).bundles:
            self.known.pop(bundle, None)
            self.flying.pop(bundle, None)
            self.executed[bundle] = None
