"""The conductor of a run, as a node that it started sees it: lines of JSON, in on stdin and out on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Any

import msgspec

from nodes.process.orders import obey
from nodes.process.process import Process
from nodes.process.status import Origin, Status


class ConductorLink:
    """To be made where no event loop runs yet or in it; `listen` must be called in the loop."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._input = b""
        os.set_blocking(0, False)
        os.set_blocking(1, False)

    def listen(self, process: Process) -> None:
        """Obey orders from now on. When the conductor is gone the process stops."""
        self._process = process
        asyncio.get_running_loop().add_reader(0, self._hear)

    def ready(self) -> None:
        """Say that the bus is up."""
        self._say({"ready": True})

    def status(self, status: Status) -> None:
        """Say how far this node is."""
        self._say(status._asdict())

    def _say(self, line: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            os.write(1, msgspec.json.encode(line) + b"\n")

    def _hear(self) -> None:
        assert self._process is not None
        try:
            data = os.read(0, 65_536)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            self._process.stop()  # the conductor is gone
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._obey(self._process, msgspec.json.decode(line, type=dict[str, Any]))

    def _obey(self, process: Process, order: dict[str, Any]) -> None:
        """What changes this node's world comes before `go`, its first step in it."""
        obey(process, order)
        if "go" in order:
            process.begin(Origin(*order["go"]))
