"""What a client is told, once it was verified."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from consortium.core.contract import OK, Event


class Stage(IntEnum):
    """How far a transaction got: a node has it durably; f+1 members executed it; a quorum sealed it."""

    TAKEN = 1
    EXECUTED = 2
    SEALED = 3


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A receipt. Of what is only taken, `height` and `index` are −1 and `code` is empty; `acknowledged_by` is empty
    where a seal was the proof. `key` is the idempotency key."""

    transaction: str
    key: str
    stage: Stage
    height: int = -1
    index: int = -1
    time_us: int = 0
    code: str = ""
    sentence: str = ""
    events: tuple[Event, ...] = ()
    acknowledged_by: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """It was executed, and the contract did not refuse it."""
        return self.code == OK

    def event(self, kind: str) -> dict[str, int | str]:
        """The fields of the first event of this kind. Raises KeyError where it has none."""
        for each in self.events:
            if each.kind == kind:
                return each.fields
        raise KeyError(kind)


class Record(NamedTuple):
    """An answer, as of the block at `height`. `is_proven`: a quorum's seal stands over it, and `proof` convinces others
    (`consortium verify-proof`); otherwise it is one node's word."""

    value: Any
    height: int
    time_us: int = 0
    is_proven: bool = False
    proof: bytes = b""


class Happening(msgspec.Struct, frozen=True, gc=False):
    """An event of the stream: `member` called `contract.operation` in the block at `height`."""

    height: int
    index: int
    time_us: int
    transaction: str
    member: str
    contract: str
    operation: str
    code: str
    kind: str
    fields: dict[str, int | str]
