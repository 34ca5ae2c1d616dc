"""The processes of a standing consortium under supervisord: kept up, asked about, ended.

supervisord is a library that others keep (`supervisor` 4). It is started once a folder, in a session of its own, so
that the Ctrl-C of a terminal does not reach it; it listens on a Unix socket that its own user alone may use. When it is
killed, its processes end with it (`child.adopt_parent`), so that a second one never meets the first one's children.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from nodes.conduct.child import module_path, python_command
from nodes.deploy.program import Program, render
from nodes.deploy.running import ProgramState
from nodes.errors import UserError
from nodes.process.keys import write_private
from nodes.process.socket_place import socket_place

START_S = 20.0
STOP_S = 40.0
POLL_S = 0.05
_TEMPORARY_NAME = 12  # supervisord binds a name that is so much longer, and renames it


class Supervision:
    """Of the consortium in this folder, whether it runs or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.own = self.folder / "supervisor"
        self.log = self.own / "log.txt"
        self._settings = self.own / "supervisord.conf"
        self._output = self.own / "output.txt"

    @property
    def socket(self) -> Path:
        return socket_place(self.own / "socket", spare=_TEMPORARY_NAME)

    # --- the supervisor itself --------------------------------------------------------------------------------------

    def start(self, programs: Sequence[Program]) -> None:
        """Raises UserError where it does not start."""
        self.own.mkdir(mode=0o700, exist_ok=True)
        socket = self.socket
        if not socket.parent.is_relative_to(self.folder):
            socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings.unlink(missing_ok=True)
        shown = socket.relative_to(self.folder) if socket.is_relative_to(self.folder) else socket
        write_private(self._settings, render(shown, programs).encode())
        older = self.log.stat().st_size if self.log.exists() else 0
        begun = subprocess.run(
            python_command("-m", "nodes.deploy.supervisor_process", str(self._settings), str(self._output)),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": module_path()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if begun.returncode:
            raise UserError(f"the supervisor did not start: {begun.stderr.strip().splitlines()[-1:]}")
        self._wait_for(int(begun.stdout), older)

    def _wait_for(self, pid: int, older: int) -> None:
        deadline = time.monotonic() + START_S
        while not self.is_up:
            if not _is_alive(pid):
                raise UserError(f"the supervisor did not start: {self._last_words(older)}; see {self.own}")
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGTERM)
                raise UserError(f"the supervisor did not answer in {START_S:.0f} s; see {self.log}")
            time.sleep(POLL_S)

    def _last_words(self, older: int) -> str:
        for path, begin in ((self._output, 0), (self.log, older)):
            with contextlib.suppress(OSError):
                lines = path.read_bytes()[begin:].decode(errors="replace").strip().splitlines()
                if lines:
                    return lines[-1]
        return "it said nothing"

    @property
    def is_up(self) -> bool:
        try:
            with self._called() as supervisor:
                return bool(supervisor.getState()["statecode"] >= 0)
        except (OSError, HTTPException):
            return False

    def stop(self) -> bool:
        """End all programs in order, then the supervisor; whether there was one. Raises UserError where it stays."""
        try:
            with self._called() as supervisor:
                pid = int(supervisor.getPID())
                supervisor.shutdown()
        except (OSError, HTTPException):
            return False
        except Fault:
            pid = 0  # it is stopping already
        deadline = time.monotonic() + STOP_S
        while self.socket.exists() or (pid and _is_alive(pid)):
            if time.monotonic() > deadline:
                raise UserError(f"the supervisor (process {pid}) does not end: see {self.log}, or end it with kill")
            time.sleep(POLL_S)
        return True

    # --- its programs -----------------------------------------------------------------------------------------------

    def states(self) -> Mapping[str, ProgramState]:
        """By name; none where the supervisor does not run."""
        try:
            with self._called() as supervisor:
                told = supervisor.getAllProcessInfo()
        except (OSError, HTTPException):
            return {}
        return {each["name"]: _state_of(each) for each in told}

    def start_program(self, name: str) -> None:
        """Harmless where it runs."""
        with self._asked() as supervisor, _unless("ALREADY_STARTED"):
            supervisor.startProcess(name, False)

    def stop_program(self, name: str) -> None:
        """In order, and it stays down. Harmless where it is down."""
        with self._asked() as supervisor, _unless("NOT_RUNNING"):
            supervisor.stopProcess(name, True)

    def kill_program(self, name: str) -> None:
        """`kill -9`, and it stays down: both in one call, so that the supervisor does not start it in between."""
        calls = [
            {"methodName": "supervisor.signalProcess", "params": [name, "KILL"]},
            {"methodName": "supervisor.stopProcess", "params": [name, True]},
        ]
        with self._called_raw() as proxy:
            proxy.system.multicall(calls)

    def signal(self, name: str, word: str) -> None:
        """Such as STOP and CONT. Harmless where it is down."""
        with self._asked() as supervisor, _unless("NOT_RUNNING"):
            supervisor.signalProcess(name, word)

    @contextlib.contextmanager
    def _asked(self) -> Iterator[Any]:
        """Raises UserError where there is no supervisor."""
        try:
            with self._called() as supervisor:
                yield supervisor
        except (OSError, HTTPException):
            raise UserError(f"the consortium in {self.folder} is down: `consortium up` brings it up") from None

    @contextlib.contextmanager
    def _called(self) -> Iterator[Any]:
        with self._called_raw() as proxy:
            yield proxy.supervisor

    @contextlib.contextmanager
    def _called_raw(self) -> Iterator[Any]:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            yield ServerProxy("http://localhost", transport=transport)
        finally:
            transport.close()


@contextlib.contextmanager
def _unless(word: str) -> Iterator[None]:
    """A refusal that says this word is none."""
    try:
        yield
    except Fault as fault:
        if word not in fault.faultString:
            raise UserError(f"the supervisor refuses: {fault.faultString}") from None


def _state_of(told: Mapping[str, Any]) -> ProgramState:
    state, pid = str(told["statename"]).lower(), int(told["pid"])
    since_s = max(0, told["now"] - max(told["start"], told["stop"]))
    if state == "running" and _letter(pid) == "T":
        state = "paused"
    return ProgramState(told["name"], state, pid, told["exitstatus"], since_s, "" if pid else told["spawnerr"])


def _is_alive(pid: int) -> bool:
    """Not one that has ended, and that nobody has asked about since."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _letter(pid) != "Z"


def _letter(pid: int) -> str:
    """What Linux says of a process: R runs, S sleeps, T stands still, Z has ended; empty elsewhere."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()
    return ""
