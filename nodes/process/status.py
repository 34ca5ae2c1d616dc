"""What a node and its conductor tell each other of a run: when it began, and how far the node is."""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.membership import NodeId
from nodes.process.clock import now


class Status(NamedTuple):
    """What a conductor wants to know of a node while it runs. A node that is no member any more only listens.
    `has_work`: transactions wait in its pool or its outbox."""

    is_done: bool
    head_height: int
    stable_height: int
    view: int
    leader: NodeId
    is_member: bool = True
    has_work: bool = False


class Origin(NamedTuple):
    """When the run began, on both clocks. Traces count from here; all processes of one machine share the first."""

    monotonic_us: int
    wall_us: int


def origin_at(start_wall_us: int) -> Origin:
    """The origin of a run that began (or begins) at this time of UTC, in microseconds."""
    here = now()
    return Origin(here.monotonic_us - (here.wall_us - start_wall_us), start_wall_us)
