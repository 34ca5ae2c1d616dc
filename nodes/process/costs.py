"""Where the CPU time of a node goes, in nanoseconds by cost; the bench prints it per transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from consortium.core.crypto import KeySuite

NAMES = ("verify", "hash", "decode", "execute", "state", "store", "bus")


class Costs:
    """Counters of nanoseconds. `clock` is the calling thread's CPU time, so waiting costs nothing."""

    def __init__(self) -> None:
        self.clock: Callable[[], int] = time.thread_time_ns
        self.ns: dict[str, int] = dict.fromkeys(NAMES, 0)
        self._begun_ns = 0

    def add(self, name: str, ns: int) -> None:
        self.ns[name] = self.ns.get(name, 0) + ns

    def begin(self) -> None:
        """The run begins now: what start-up cost (interpreter, imports, preparing the workload) is not counted."""
        self._begun_ns = time.process_time_ns()

    def fields(self, transactions: int) -> dict[str, Any]:
        """The fields of a `cost` note; `cpu_us` is that of the whole process, all threads, since `begin`."""
        fields: dict[str, Any] = {f"{name}_us": ns // 1_000 for name, ns in self.ns.items()}
        fields["cpu_us"] = (time.process_time_ns() - self._begun_ns) // 1_000
        fields["transactions"] = transactions
        return fields


class CountingSuite:
    """A key suite that counts what verifying costs."""

    def __init__(self, suite: KeySuite, costs: Costs) -> None:
        self.name = suite.name
        self.signature_bytes = suite.signature_bytes
        self.public_key = suite.public_key
        self.sign = suite.sign
        self.is_sound_key = suite.is_sound_key
        self._verify = suite.verify
        self._costs = costs

    def verify(self, key: bytes, statement: bytes, signature: bytes) -> bool:
        begun = self._costs.clock()
        is_signed = self._verify(key, statement, signature)
        self._costs.ns["verify"] += self._costs.clock() - begun
        return is_signed
