"""What people do to a standing consortium by hand, as records of its trace: hands.jsonl in its folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from consortium.core.genesis import decode_genesis
from consortium.runs.folder import HANDS_FILE
from consortium.runs.run import STANDS
from consortium.runs.trace import Record, encode_record
from nodes.process.trace_file import cut_torn_line


class Hands:
    """`origin_us`: since when the trace counts, microseconds of UTC: the time of the genesis."""

    def __init__(self, folder: Path, origin_us: int | None = None) -> None:
        self.path = folder / HANDS_FILE
        if origin_us is None:
            origin_us = decode_genesis((folder / "genesis.json").read_bytes()).time_us
        self._origin_us = origin_us

    def now_us(self) -> int:
        return time.time_ns() // 1_000 - self._origin_us

    def note(self, name: str, kind: str, fields: dict[str, Any], at_us: int | None = None) -> None:
        """One record, durable, whoever else writes."""
        record = {"t_us": self.now_us() if at_us is None else at_us, "node": name, "kind": kind, **fields}
        with self.path.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            cut_torn_line(self.path)
            file.write(encode_record(record))
            os.fsync(file.fileno())

    def fault(self, act: str, target: str, **fields: Any) -> None:
        self.note("", "fault", {"act": act, "target": target, **fields})

    def records(self) -> Sequence[Record]:
        """All that were written whole."""
        try:
            lines = self.path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [msgspec.json.decode(line, type=Record) for line in lines]

    @property
    def was_left_up(self) -> bool:
        """Whether it was brought up and, as far as these records say, not down since."""
        marks = [record["state"] for record in self.records() if record["kind"] == STANDS]
        return bool(marks) and marks[-1] == "up"
