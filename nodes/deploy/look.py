"""What can be seen of a standing consortium from outside: its processes, its ledgers, what its nodes say."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.errors import UserError as AnyUserError
from consortium.core.machine import Rows
from consortium.ledger.certificate import newest_seal
from consortium.runs.run import head_height
from nodes.deploy.deployment import Deployment
from nodes.deploy.supervision import ProgramState, Supervision
from nodes.errors import Damaged
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows

TAIL_BYTES = 262_144
DOWN = "down"


class Heights(NamedTuple):
    """What a node's ledger holds; -1: nothing."""

    head: int
    sealed: int


class NodeLook(NamedTuple):
    """One member. `state`: down, or as of ProgramState. `bus`: up, down, deaf, or unknown."""

    name: str
    role: str
    state: str
    pid: int
    since_s: int
    heights: Heights
    bus: str

    @property
    def is_serving(self) -> bool:
        return self.state == "running" and self.bus == "up" and self.heights.head >= 0


def look(folder: Path, deployment: Deployment, roles: Mapping[str, str]) -> list[NodeLook]:
    """All members, in their order."""
    states = Supervision(folder).states()
    return [_look_at(NodeFolder(folder, name), name, roles.get(name, ""), states) for name in deployment.members]


def _look_at(folder: NodeFolder, name: str, role: str, states: Mapping[str, ProgramState]) -> NodeLook:
    state = states.get(name)
    if state is None:
        return NodeLook(name, role, DOWN, 0, 0, read_heights(folder), DOWN)
    bus = newest_bus(folder.trace) if state.is_alive else DOWN
    return NodeLook(name, role, state.state, state.pid, state.since_s, read_heights(folder), bus)


def read_heights(folder: NodeFolder) -> Heights:
    """Of a node that runs or does not; of a ledger that cannot be read, as of none."""
    with contextlib.suppress(AnyUserError, Damaged, OSError):
        rows = SqliteRows(folder.ledger, read_only=True)
        try:
            return Heights(head_height(rows) if _has_blocks(rows) else -1, newest_seal(rows)[0])
        finally:
            rows.close()
    return Heights(-1, -1)


def _has_blocks(rows: Rows) -> bool:
    return rows.get("meta", b"head") is not None


def newest_bus(trace: Path) -> str:
    """What a node last noted of its bus in this life; `unknown` where it says nothing lately."""
    told = "unknown"
    for record in last_records(trace):
        if record.get("kind") == "bus":
            told = str(record.get("state"))
    return told


def last_records(path: Path) -> list[dict[str, Any]]:
    """The whole lines at the end of a trace."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return []
    records = []
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            records.append(msgspec.json.decode(line, type=dict[str, Any]))
    return records
