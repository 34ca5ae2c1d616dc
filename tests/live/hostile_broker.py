"""`python -m tests.live.hostile_broker SETTINGS`: the embedded broker as an enemy. It drops, doubles, holds back,
replays, bends what it carries, and puts it into other mouths; what it did it counts in did.json beside its settings."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter, deque
from pathlib import Path
from typing import Any

from nodes.broker import broker_process
from nodes.broker.quiet_broker import QuietBroker

SHARES = {"drop": 10, "double": 15, "hold": 10, "replay": 15, "bend": 10, "impersonate": 10}  # in 100 messages
KEPT_MAX = 500

_honest_deliver = QuietBroker._deliver


class Enemy:
    """What it does to one message after another; drawn anew each time, from a seed."""

    def __init__(self, did: Path) -> None:
        self._did = did
        self._draw = random.Random(7)
        self._counts: Counter[str] = Counter()
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT_MAX)
        self._held: list[dict[str, Any]] = []

    def carry(self, broadcast: dict[str, Any]) -> list[dict[str, Any]]:
        """What is delivered in its place."""
        drawn, act = self._draw.randrange(100), ""
        for name, share in SHARES.items():
            if drawn < share:
                act = name
                break
            drawn -= share
        self._kept.append(broadcast)
        self._counts[act or "pass"] += 1
        if sum(self._counts.values()) % 20 == 0:
            self._did.write_text(json.dumps(self._counts))
        out = [broadcast]
        if act == "drop":
            out = []
        elif act == "double":
            out = [broadcast, broadcast]
        elif act == "hold":
            self._held.append(broadcast)
            out = []
        elif act == "replay":
            out = [broadcast, self._draw.choice(self._kept)]
        elif act == "bend":
            out = [broadcast, {**broadcast, "data": self._bent(bytes(broadcast["data"]))}]
        elif act == "impersonate":
            out = [broadcast, {**broadcast, "topic": self._draw.choice(self._kept)["topic"]}]
        if self._held and self._draw.randrange(4) == 0:
            out.append(self._held.pop(0))
        return out

    def _bent(self, data: bytes) -> bytes:
        if not data:
            return data
        at = self._draw.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << self._draw.randrange(8)]) + data[at + 1 :]


def main() -> int:
    enemy = Enemy(Path(sys.argv[1]).with_name("did.json"))

    def deliver(self: QuietBroker, broadcast: dict[str, Any], running_tasks: Any) -> None:
        for each in enemy.carry(broadcast):
            _honest_deliver(self, each, running_tasks)

    QuietBroker._deliver = deliver  # type: ignore[method-assign]
    return broker_process.main()


if __name__ == "__main__":
    sys.exit(main())
