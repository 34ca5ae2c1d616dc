"""One member's process, as its conductor sees it: started, told, heard, killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import PurePath
from typing import Any

import msgspec

from consortium.core.membership import NodeId
from consortium.plugins.load import current
from consortium.plugins.record import COPIES
from nodes.conduct import child
from nodes.process.settings import NodeFolder
from nodes.process.status import Status
from nodes.process.trace_file import TraceTail

_STATUS = msgspec.json.Decoder(dict[str, Any])


class NodeProcess:
    """`is_killed`: its end is no surprise. `may_die`: a drill expects it to die by itself. `may_end_with`: a fault of
    the scenario makes it end with this exit code."""

    def __init__(self, folder: NodeFolder, name: NodeId) -> None:
        self.name = name
        self.folder = folder
        self.tail = TraceTail(folder.trace)
        self.process: subprocess.Popen[bytes] | None = None
        self.status: Status | None = None
        self.is_ready = False
        self.is_killed = False
        self.may_die = False
        self.may_end_with: int | None = None
        self._said = b""

    def start(self, failpoint: str = "") -> None:
        """`failpoint`: one of nodes/process/failpoints.py, at which it dies; for drills alone."""
        self.close()
        self.status, self.is_ready, self.is_killed, self._said = None, False, False, b""
        self.may_die = bool(failpoint)
        self.may_end_with = None
        self.process = self._spawn(failpoint)
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    def _spawn(self, failpoint: str) -> subprocess.Popen[bytes]:
        return child.spawn(
            self._arguments(self.folder.run),
            log=self.folder.log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            failpoint=failpoint,
        )

    def _arguments(self, run: PurePath) -> list[str]:
        """Of Python: this node of the run folder that it sees at `run`, conducted."""
        plugins = ["--plugins", str(run / COPIES)] if current().plugins else []  # copies, written with the run
        return ["-m", "nodes", str(run), self.name, "--conducted", *plugins]

    def tell(self, order: dict[str, Any]) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self.process.stdin.write(msgspec.json.encode(order) + b"\n")
                self.process.stdin.flush()

    def hear(self) -> None:
        """Take in what it has said since."""
        if self.process is None or self.process.stdout is None:
            return
        with contextlib.suppress(OSError, ValueError):
            while data := self.process.stdout.read(65_536):
                *lines, self._said = (self._said + data).split(b"\n")
                for line in lines:
                    self._heard(_STATUS.decode(line))

    def _heard(self, word: dict[str, Any]) -> None:
        if "ready" in word:
            self.is_ready, self.status = True, None  # it may have begun anew by itself, after it found damage
        else:
            self.status = Status(**word)

    def kill(self) -> None:
        self.is_killed = True
        if self.process is not None:
            child.kill(self.process)
            self.close()

    def close(self) -> None:
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None
