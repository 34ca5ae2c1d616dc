"""What became of transactions that applications were told of: on every ledger, executed once."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from nodes.deploy.deployment import read_deployment
from nodes.gateway.feed import read_block
from nodes.gateway.reading import LedgerReader, Moment
from nodes.gateway.serve import read_genesis
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, door_path
from nodes.process.settings import NodeFolder

WAIT_S = 120.0
SLICE = 500  # blocks of one moment: SQLite's log is not held up by the whole ledger
MOMENT_S = 60.0
REPEATED = "already-executed"


class Found(NamedTuple):
    """Of the ids that were asked for: how many a ledger has not, and how many it has executed more than once."""

    head: int
    missing: int
    twice: int


def await_equal_heads(folder: Path, seconds: float = WAIT_S) -> int:
    """The height at which all members stand. Raises TimeoutError."""
    names = read_deployment(folder).members
    ends_s, before = time.monotonic() + seconds, [-1]
    while time.monotonic() < ends_s:
        heads = [_head(folder, name) for name in names]
        if len(set(heads)) == 1 and heads == before and heads[0] >= 0:
            return heads[0]
        before = heads
        time.sleep(1.0)
    raise TimeoutError(f"after {seconds:g} s the members stand at {dict(zip(names, before, strict=False))}")


def leader_of(folder: Path) -> str:
    """As the first that answers says. Raises DoorClosed where nobody does."""
    for name in read_deployment(folder).members:
        with contextlib.suppress(DoorClosed):
            return str(ask_door(door_path(NodeFolder(folder, name)), "status")["leader"])
    raise DoorClosed("no node answers")


def look_in_all(folder: Path, wanted: Collection[bytes]) -> Mapping[str, Found]:
    """By member. `wanted`: the first halves of ids."""
    return {name: _look(folder, name, set(wanted)) for name in read_deployment(folder).members}


def _look(folder: Path, name: str, wanted: set[bytes]) -> Found:
    reader = LedgerReader(NodeFolder(folder, name).ledger, read_genesis(folder / "genesis.json"))
    times, begin, head = Counter[bytes](), 0, 0
    try:
        while begin <= head:
            with reader.moment(MOMENT_S) as moment:
                head = moment.head.height
                for height in range(begin, min(head, begin + SLICE - 1) + 1):
                    times.update(_executed(moment, height, wanted))
            begin += SLICE
    finally:
        reader.close()
    return Found(head, len(wanted) - len(times), sum(count > 1 for count in times.values()))


def _executed(moment: Moment, height: int, wanted: set[bytes]) -> list[bytes]:
    """Ids that this block executed: one that was ordered again is refused for its number alone."""
    receipts = read_block(moment, height).receipts
    halves = [receipt.transaction[:16] for receipt in receipts if receipt.code != REPEATED]
    return [half for half in halves if half in wanted]


def _head(folder: Path, name: str) -> int:
    """As its node says; −1: it does not answer."""
    try:
        return int(ask_door(door_path(NodeFolder(folder, name)), "status")["height"])
    except DoorClosed:
        return -1
