"""A standing consortium as processes of this machine: what runs, brought up, asked about, brought down."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nodes.broker.broker import is_port_free
from nodes.conduct.child import python_command
from nodes.deploy.deployment import BrokerPlace, Deployment
from nodes.deploy.program import Program
from nodes.deploy.supervision import Supervision
from nodes.errors import UserError

BROKER_STOP_S = 1  # it keeps nothing
BROKERS, NODES, GATEWAYS = 10, 20, 30  # in this order they start


def programs_of(folder: Path, deployment: Deployment) -> list[Program]:
    """All that runs: brokers first, then nodes."""
    where = str(folder.absolute())
    found = [
        Program(
            broker.name,
            python_command(*_broker_arguments(folder, broker)),
            f"{broker.name}/log.txt",
            BROKERS,
            stop_s=BROKER_STOP_S,
        )
        for broker in deployment.brokers
    ]
    for name in deployment.members:
        command = python_command("-m", "nodes", where, name, "--supervised")
        found.append(Program(name, command, f"nodes/{name}/log.txt", NODES))
    return found


def _broker_arguments(folder: Path, broker: BrokerPlace) -> Sequence[str]:
    settings = folder.absolute() / broker.name / "settings.json"
    return ("-m", "nodes.broker.broker_process", str(settings))


def start(folder: Path, deployment: Deployment) -> Supervision:
    """Everything that is not up. Raises UserError with a sentence where it cannot."""
    supervision = Supervision(folder)
    if not supervision.is_up:
        check_ports(deployment)
        supervision.start(programs_of(folder, deployment))
    return supervision


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
        yield
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
