"""Named places at which a node process dies as by `kill -9`: for tests of recovery, and for nothing else.

A place is armed by the environment variable CONSORTIUM_FAILPOINT=`name` or `name:count` (the count-th time that it is
reached), which a conductor gives to one child that a drill asks it to (`drill.py`). Without it `reach` does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from types import MappingProxyType

VARIABLE = "CONSORTIUM_FAILPOINT"

FAILPOINTS: Mapping[str, str] = MappingProxyType(
    {
        "boot.locked": "the folder is locked, no file is open yet",
        "boot.ledger_opened": "the ledger is open, the vote log is not",
        "boot.votes_opened": "a torn tail of the vote log is cut",
        "boot.host_built": "the ledger's head and state are loaded",
        "boot.recovered": "the machines have read their records, none of their outputs is carried out",
        "boot.begun": "the first outputs are on their way",
        "step.before": "a frame has been handled, none of its outputs is carried out",
        "step.half": "half of the outputs of a frame are carried out",
        "votes.append.before": "votes are to be written",
        "votes.append.torn": "half of a block of votes is written",
        "votes.append.unsynced": "votes are written, not synced",
        "votes.append.synced": "votes are synced, what rests on them is not said",
        "votes.compact.before": "the vote log is to be compacted",
        "votes.compact.torn": "the compacted log is half written",
        "votes.compact.written": "the compacted log is synced beside the old one",
        "votes.compact.renamed": "the compacted log is in place, the folder not synced",
        "votes.compact.done": "the old log is closed",
        "votes.created": "a vote log is in the place of a missing one",
        "publish.before": "frames may leave, none has left",
        "publish.middle": "the first of several frames has left",
        "publish.after": "all frames have left",
        "ledger.create.middle": "half of the tables of a new ledger are there",
        "commit.before": "blocks are to be committed",
        "commit.middle": "half of the rows of a transaction are written",
        "commit.written": "all rows are written, the transaction is open",
        "commit.synced": "blocks are committed, the node does not know it yet",
        "commit.known": "blocks are committed and read from the file",
        "seal.before": "the row of a seal is to be committed",
        "seal.synced": "the row of a seal is committed, votes below it not yet forgotten",
        "snapshot.before": "a snapshot is to be installed",
        "snapshot.middle": "half of the rows of a snapshot are written",
        "snapshot.synced": "a snapshot is committed, the node does not know it yet",
        "aside.wal": "the write-ahead log of a damaged ledger is set aside, the ledger is not",
        "aside.ledger": "a damaged ledger is set aside, no new one is there",
        "stop.asked": "the node is told to stop and has not drained",
        "stop.drained": "all is durable, nothing is closed",
    }
)


def _armed() -> tuple[str, int]:
    name, _, count = os.environ.get(VARIABLE, "").partition(":")
    if name and name not in FAILPOINTS:
        raise ValueError(f"{VARIABLE}={name}: no such failpoint; known are {', '.join(FAILPOINTS)}")
    return name, int(count or "1")


_name, _left = _armed()


def reach(name: str) -> None:
    """Die here if this place is armed."""
    if name == _name:
        die()


def is_any_armed() -> bool:
    """For places that are costly to find."""
    return bool(_name)


def is_next(name: str) -> bool:
    """Whether `die` here would kill: for a place that has to leave something half done first."""
    return name == _name and _left <= 1


def die() -> None:
    """The armed place is reached once more; the last time it kills."""
    global _left
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
