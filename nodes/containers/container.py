"""One container, as the conductor that started it sees it: like a child process."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from nodes.conduct import child
from nodes.containers.engine import Engine

LIMITS = ("--memory", "1g", "--pids-limit", "256", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
APPEAR_S = 20.0  # until a container that was asked for is there
BY_SIGNAL = 128  # of exit codes: the engine says so much more than the signal's number


class Mount(NamedTuple):
    """A file or folder of ours, and where the container sees it."""

    source: Path
    target: str
    is_writable: bool = False

    @property
    def word(self) -> str:
        fields = ["type=bind", f"source={self.source.absolute()}", f"target={self.target}"]
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(fields if self.is_writable else [*fields, "readonly"])
        return line.getvalue()


class Order(NamedTuple):
    """What a container is started with. `address`: in the network, if it shall have a certain one. `hosts`: addresses
    by the names that it knows."""

    image: str
    name: str
    network: str
    labels: Mapping[str, str]
    mounts: Sequence[Mount]
    command: Sequence[str]
    address: str = ""
    hosts: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}

    def words(self, engine: Engine) -> list[str]:
        return [
            *("run", "--interactive", "--rm", "--log-driver", "none", "--name", self.name, "--network", self.network),
            *(("--ip", self.address) if self.address else ()),
            *(word for name, address in self.hosts.items() for word in ("--add-host", f"{name}:{address}")),
            *(word for key, value in self.labels.items() for word in ("--label", f"{key}={value}")),
            *(word for key, value in self.environment.items() for word in ("--env", f"{key}={value}")),
            *HARDENED,
            *LIMITS,
            *engine.user_words,
            *(word for mount in self.mounts for word in ("--mount", mount.word)),
            self.image,
            *self.command,
        ]


class Container(child.Elsewhere):
    """A container with its streams: `docker run` in the foreground. Signals reach the program inside, and exit codes
    are its own, as `subprocess` tells them."""

    def __init__(
        self,
        engine: Engine,
        order: Order,
        log: Path,
        stdin: int | IO[bytes] = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
    ) -> None:
        self._engine = engine
        self.container = order.name
        self.is_paused = False
        with log.open("ab") as errors:
            super().__init__(
                [engine.program, *order.words(engine)],
                stdin=stdin,
                stdout=stdout,
                stderr=errors,
                env={key: value for key, value in os.environ.items() if key != "CONSORTIUM_PARENT"},
                process_group=0,
            )

    def poll(self) -> int | None:
        code = super().poll()
        return None if code is None else _own_code(code)

    def wait(self, timeout: float | None = None) -> int:
        return _own_code(super().wait(timeout))

    def send_signal(self, sig: int) -> None:
        """SIGSTOP and SIGCONT are the engine's `pause` and `unpause`; SIGKILL ends it for sure."""
        if self.poll() is not None:
            return
        if sig == signal.SIGSTOP:
            self.is_paused = self._engine.does("pause", self.container)
        elif sig == signal.SIGCONT:
            self._go_on()
        elif sig == signal.SIGKILL:
            self._kill()
        else:
            self._go_on()
            self._engine.does("kill", "--signal", signal.Signals(sig).name, self.container)

    def _go_on(self) -> None:
        if self.is_paused:
            self.is_paused = not self._engine.does("unpause", self.container)

    def _kill(self) -> None:
        deadline = time.monotonic() + APPEAR_S
        while not self._engine.does("kill", self.container) and self.poll() is None:
            if time.monotonic() > deadline:
                self._engine.does("rm", "--force", self.container)
                super().send_signal(signal.SIGKILL)
                return
            time.sleep(0.05)  # it is about to appear, or to go


def _own_code(code: int) -> int:
    return BY_SIGNAL - code if code > BY_SIGNAL else code


def give(folder: Path, owner: int | None) -> None:
    """All in this folder belongs to this user from now on; None: as it is."""
    if owner is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
