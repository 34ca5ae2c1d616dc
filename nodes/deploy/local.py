"""A standing consortium as processes of this machine: what runs, brought up, asked about, brought down."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nodes.broker.broker import is_port_free
from nodes.conduct.child import python_command
from nodes.deploy.brokers import broker_arguments
from nodes.deploy.deployment import Deployment
from nodes.deploy.program import Program
from nodes.deploy.running import ProgramState, gateway_of
from nodes.deploy.supervision import Supervision
from nodes.deploy.tail import tail_lines
from nodes.deploy.witness import EVENTS
from nodes.errors import UserError

GATEWAY_STOP_S = 10  # it answers what it has begun
BROKER_STOP_S = 1  # it keeps nothing
FIRST, BROKERS, NODES, GATEWAYS = 1, 10, 20, 30  # in this order they start


def programs_of(folder: Path, deployment: Deployment) -> list[Program]:
    """All that runs: who watches, brokers, then nodes and their gateways."""
    where = str(folder.absolute())
    watch = python_command("-m", "nodes.deploy.witness", where)
    found = [Program("witness", watch, "supervisor/witness.txt", FIRST, events=EVENTS)]
    found += [
        Program(
            broker.name,
            python_command(*broker_arguments(folder.absolute() / broker.name, broker.kind)),
            f"{broker.name}/log.txt",
            BROKERS,
            stop_s=BROKER_STOP_S,
        )
        for broker in deployment.brokers
    ]
    for name in deployment.members:
        command = python_command("-m", "nodes", where, name, "--supervised", *deployment.node_words)
        found.append(Program(name, command, f"nodes/{name}/log.txt", NODES))
    for name in deployment.gateways:
        command = python_command("-m", "nodes.gateway", where, name, "--supervised", *deployment.log_words)
        log = f"nodes/{name}/gateway/log.txt"
        found.append(Program(gateway_of(name), command, log, GATEWAYS, stop_s=GATEWAY_STOP_S))
    return found


class LocalRunning:
    """See `Running`."""

    def __init__(self, folder: Path, deployment: Deployment) -> None:
        self._folder = folder
        self._deployment = deployment
        self._supervision = Supervision(folder)

    @property
    def is_up(self) -> bool:
        return self._supervision.is_up

    def start(self) -> None:
        if not self.is_up:
            check_ports(self._deployment)
            self._supervision.start(programs_of(self._folder, self._deployment))

    def stop(self) -> bool:
        for state in self.states().values():
            if state.state == "paused":
                self.resume_program(state.name)  # one that stands still does not hear that it is to end
        return self._supervision.stop()

    def remove(self) -> None:
        """There is nothing."""

    def states(self) -> Mapping[str, ProgramState]:
        return self._supervision.states()

    def start_program(self, name: str) -> None:
        self._supervision.start_program(name)

    def stop_program(self, name: str) -> None:
        self.resume_program(name)
        self._supervision.stop_program(name)

    def kill_program(self, name: str) -> None:
        self._supervision.kill_program(name)

    def pause_program(self, name: str) -> None:
        self._supervision.signal(name, "STOP")

    def resume_program(self, name: str) -> None:
        self._supervision.signal(name, "CONT")

    def signal_program(self, name: str, signal: str) -> None:
        self._supervision.signal(name, signal)

    def log_lines(self, name: str, last: int, *, is_followed: bool) -> Iterator[str]:
        logs = {program.name: program.log for program in programs_of(self._folder, self._deployment)}
        if name not in logs:
            raise UserError(f"there is no program {name!r}; there are {', '.join(logs)}")
        return tail_lines(self._folder / logs[name], last, is_followed=is_followed)


def check_ports(deployment: Deployment) -> None:
    """Whether each port of this consortium, which is down, is free. Raises UserError."""
    places = [(broker.name, broker.port) for broker in deployment.brokers]
    places += [(f"the gateway of {name}", place.port) for name, place in deployment.gateways.items()]
    for name, port in places:
        if not is_port_free(port):
            raise UserError(
                f"port {port}, on which {name} listens, is taken by another program: end that one (`ss -ltnp` names "
                "it), or take other ports with `consortium up --new-ports`"
            )


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Two commands that bring the same consortium up or down wait for one another. Raises UserError."""
    path = folder.with_name(f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(path)
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOTSUP):
            raise UserError(f"{folder} lies on a file system without locks: use a folder on another disk") from None
        raise UserError(f"cannot make {path}: {error.strerror}; name another folder with --dir") from None
    with file:
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path) -> IO[bytes]:
    """The file, held by us. Whoever held it before has removed it: then another one is made. Raises OSError."""
    while True:
        file = path.open("wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                return file
        file.close()
