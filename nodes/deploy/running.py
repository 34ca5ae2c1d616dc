"""The processes of a standing consortium, wherever they run: what commands and faults by hand ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from nodes.deploy.deployment import Deployment, How


class ProgramState(NamedTuple):
    """What is known of one process. `state`: running, starting, stopping, paused, backoff (it ended at its start, and
    is tried again), exited, stopped (by hand), fatal (given up). `since_s`: for how long it has been so. `why`: it
    could not even be started."""

    name: str
    state: str
    pid: int
    exit_code: int
    since_s: int
    why: str = ""

    @property
    def is_alive(self) -> bool:
        return self.state in ("running", "starting", "stopping", "paused") and self.pid > 0


class Running(Protocol):
    """Programs are named: a member, its gateway (`gateway.NAME`), a broker. Each verb is harmless where there is
    nothing to do, and raises UserError with a sentence where it cannot be done."""

    @property
    def is_up(self) -> bool:
        """Whether there is something that keeps the programs up."""
        ...

    def start(self) -> None:
        """All programs, and what keeps them up."""
        ...

    def stop(self) -> bool:
        """All of it, in order; whether it was up."""
        ...

    def remove(self) -> None:
        """What it keeps outside the folder of the consortium, where it is down."""
        ...

    def states(self) -> Mapping[str, ProgramState]:
        """Of all programs, by name; none where it is down."""
        ...

    def start_program(self, name: str) -> None: ...

    def stop_program(self, name: str) -> None:
        """In order, and it stays down."""
        ...

    def kill_program(self, name: str) -> None:
        """`kill -9`, and it stays down."""
        ...

    def pause_program(self, name: str) -> None: ...

    def resume_program(self, name: str) -> None: ...

    def signal_program(self, name: str, signal: str) -> None:
        """Such as HUP, on which brokers read their certificates and rules again."""
        ...

    def log_lines(self, name: str, last: int, *, is_followed: bool) -> Iterator[str]:
        """The last lines of what it said, and, if followed, those that come."""
        ...


def gateway_of(member: str) -> str:
    """The program of a member's gateway."""
    return f"gateway.{member}"


def running_of(folder: Path, deployment: Deployment) -> Running:
    """As its deployment says."""
    from nodes.deploy.in_containers import ContainersRunning
    from nodes.deploy.local import LocalRunning

    return LocalRunning(folder, deployment) if deployment.how == "local" else ContainersRunning(folder, deployment)


def check_possible(how: How) -> None:
    """Whether this machine has what it takes, before anything is written. Raises UserError with what to do."""
    from nodes.deploy.in_containers import check_containers

    if how == "docker":
        check_containers()
