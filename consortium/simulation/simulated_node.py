"""One node of a simulation: its disk and clocks for good, its host while it lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from consortium.core.machine import Now, Received
from consortium.core.membership import NodeId, Purpose
from consortium.core.messages import Frame
from consortium.core.traffic import Traffic
from consortium.node.running import RunningNode
from consortium.simulation.clock import NodeClock
from consortium.simulation.disk import Disk

EXIT_USAGE = 2  # as a real process exits: its program lacks a rule that was voted
EXIT_STORE = 74  # as a real process exits (nodes/errors.py): its disk is full, failing or damaged


class SimulatedNode:
    """`name` is its own; `identity` is the member that it speaks for (a twin has the identity of another)."""

    def __init__(self, name: str, identity: NodeId, secrets: dict[Purpose, bytes], wall_origin_us: int) -> None:
        self.name = name
        self.identity = identity
        self.secrets = secrets
        self.disk = Disk()
        self.clock = NodeClock(wall_origin_us)
        self.incarnation = 0
        self.on_change: Callable[[bool], None] = lambda is_life: None  # it lives (or hears), or not, from now on
        self._host: RunningNode | None = None
        self._is_paused = False
        self.is_traitor = False
        self.held: list[Any] = []  # what came while it was paused
        self.frames_waiting: Callable[[], int] = lambda: 0  # in its inbox, where CPU costs something
        self.traffic = Traffic()  # over all its lives
        self.outputs_left: int | None = None  # it dies when so many more of its outputs are out
        self.at_crash: list[Callable[[], None]] = []  # damage that shows when nothing is in memory any more

    @property
    def host(self) -> RunningNode | None:
        return self._host

    @host.setter
    def host(self, host: RunningNode | None) -> None:
        self._host = host
        self.on_change(True)

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    @is_paused.setter
    def is_paused(self, is_paused: bool) -> None:
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            self.on_change(False)

    def now(self, true_us: int) -> Now:
        return self.clock.now(true_us)

    def crash(self) -> None:
        """End this life at once. The disk keeps what was durable."""
        self.host = None
        self.incarnation += 1
        self.is_paused = False
        self.held = []
        self.outputs_left = None
        self.disk.crash()
        damages, self.at_crash = self.at_crash, []
        for damage in damages:
            damage()


class Delivery(NamedTuple):
    """A frame on its way. `publisher`: on whose topic. `frame` is decoded once for all receivers; where it cannot be,
    `payload` goes instead. `event`: verified once for all, where it could be and its publisher signed it. `is_single`:
    nobody sent these bytes lately, they come once."""

    node: SimulatedNode
    incarnation: int
    publisher: NodeId
    frame: Frame | None
    digest: bytes
    payload: bytes
    size_bytes: int = 0
    event: Received | None = None
    is_single: bool = False


class Parcel(NamedTuple):
    """The frames of one message, which arrive together."""

    node: SimulatedNode
    incarnation: int
    frames: tuple[Delivery, ...]
    size_bytes: int


class Continue(NamedTuple):
    """A node goes on with its work, if it still lives, and when it is not paused: a slice of CPU, a sync, a commit
    is over."""

    node: SimulatedNode
    incarnation: int
    act: Callable[[], None]


class Wakeup(NamedTuple):
    node: SimulatedNode
    incarnation: int
    token: int


Item = Delivery | Parcel | Continue | Wakeup
