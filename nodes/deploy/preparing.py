"""What `up` changes in a consortium that is there, before it starts: logs, ports, traces, certificates."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from nodes.deploy.deployment import LOG_FORMATS, Deployment, write_deployment
from nodes.deploy.ports import move_ports
from nodes.deploy.standing import Standing, open_standing
from nodes.deploy.tending import follow_removals, renew_due
from nodes.errors import UserError
from nodes.process.keys import are_locked, load_keys, passphrase_of


class Changes(NamedTuple):
    """What is None, or False, stays as it is."""

    log_format: str | None = None
    trace_parts: int | None = None
    is_moved: bool = False  # to other ports, where its own are taken
    passphrase_file: Path | None = None  # that opens the keys

    def check(self) -> None:
        """Raises UserError."""
        if self.log_format not in (None, *LOG_FORMATS):
            raise UserError(f"--log-format {self.log_format!r}: expected {' or '.join(LOG_FORMATS)}")
        if self.trace_parts is not None and self.trace_parts < 0:
            raise UserError(f"--trace-parts {self.trace_parts}: expected 0 (all) or more")

    def of(self, deployment: Deployment) -> Deployment:
        path = None if self.passphrase_file is None else str(self.passphrase_file.absolute())
        fields = {"log_format": self.log_format, "trace_parts": self.trace_parts, "passphrase_file": path}
        return replace(deployment, **{name: value for name, value in fields.items() if value is not None})


def prepare(standing: Standing, changes: Changes) -> Standing:
    """The same with what was wished for. Raises UserError where it is up, and so cannot be changed."""
    wanted = changes.of(standing.deployment)
    if not standing.running.is_up:
        _check_keys(standing, wanted)
    if wanted != standing.deployment:
        if standing.running.is_up:
            raise UserError("the consortium is up, and goes on as it began: `consortium down`, then this again")
        write_deployment(standing.folder, wanted)
    if changes.is_moved and not standing.running.is_up:
        move_ports(standing.folder, wanted)
    return open_standing(standing.folder)


def _check_keys(standing: Standing, wanted: Deployment) -> None:
    """Whether all nodes can open their keys, before any is started. Raises UserError."""
    path = Path(wanted.passphrase_file) if wanted.passphrase_file else None
    locked = [name for name in wanted.members if are_locked(standing.node(name).keys)]
    if locked and path is None:
        raise UserError(
            f"the keys of {', '.join(locked)} are locked: name the file of the passphrase with --passphrase-file"
        )
    if not locked and path is not None:
        raise UserError("the keys there have no passphrase, and go on so: only a new consortium is given one")
    if path is not None:
        for name in locked:
            load_keys(standing.node(name).keys, passphrase_of(path))


class Tended(NamedTuple):
    """Who lost its place on the bus, and whose certificates were renewed."""

    removed: list[str]
    renewed: list[str]


def look_after(standing: Standing) -> Tended:
    """What was due of its certificates, done."""
    return Tended(follow_removals(standing), renew_due(standing))
