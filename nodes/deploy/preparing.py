"""What `up` changes in a consortium that is there, before it starts: logs, ports, traces, certificates."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from nodes.deploy.deployment import LOG_FORMATS, Deployment, write_deployment
from nodes.deploy.ports import move_ports
from nodes.deploy.standing import Standing, open_standing
from nodes.deploy.tending import follow_removals, renew_due
from nodes.errors import UserError


class Changes(NamedTuple):
    """What is None, or False, stays as it is."""

    log_format: str | None = None
    trace_parts: int | None = None
    is_moved: bool = False  # to other ports, where its own are taken

    def check(self) -> None:
        """Raises UserError."""
        if self.log_format not in (None, *LOG_FORMATS):
            raise UserError(f"--log-format {self.log_format!r}: expected {' or '.join(LOG_FORMATS)}")
        if self.trace_parts is not None and self.trace_parts < 0:
            raise UserError(f"--trace-parts {self.trace_parts}: expected 0 (all) or more")

    def of(self, deployment: Deployment) -> Deployment:
        fields = {"log_format": self.log_format, "trace_parts": self.trace_parts}
        return replace(deployment, **{name: value for name, value in fields.items() if value is not None})


def prepare(standing: Standing, changes: Changes) -> Standing:
    """The same with what was wished for. Raises UserError where it is up, and so cannot be changed."""
    wanted = changes.of(standing.deployment)
    if wanted != standing.deployment:
        if standing.running.is_up:
            raise UserError("the consortium is up, and goes on as it began: `consortium down`, then this again")
        write_deployment(standing.folder, wanted)
    if changes.is_moved and not standing.running.is_up:
        move_ports(standing.folder, wanted)
    return open_standing(standing.folder)


class Tended(NamedTuple):
    """Who lost its place on the bus, and whose certificates were renewed."""

    removed: list[str]
    renewed: list[str]


def look_after(standing: Standing) -> Tended:
    """What was due of its certificates, done."""
    return Tended(follow_removals(standing), renew_due(standing))
