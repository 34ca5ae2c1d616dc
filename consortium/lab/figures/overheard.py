"""A run of the simulator once more, with everything overheard that is said and heard about one height.

The same scenario and seed give the same run; that it is the same is checked record by record against the trace."""

from __future__ import annotations

import contextlib
from typing import Any

from consortium.core.machine import Received
from consortium.core.membership import NodeId
from consortium.core.messages import Frame, Signed
from consortium.lab.figures.sequence import (
    LATE_US,
    Diagram,
    Heard,
    Reader,
    Said,
    SequenceError,
    diagram,
    key_of,
    signed_of,
    window_of,
)
from consortium.node.running import RunningNode
from consortium.runs.run import Run
from consortium.runs.trace import Record
from consortium.simulation.bus.levels import ONE_BY_ONE
from consortium.simulation.bus.transport import Seen
from consortium.simulation.costs.profile import Profile
from consortium.simulation.run import Simulation
from consortium.simulation.simulated_node import SimulatedNode


class _Enough(Exception):
    """The height was executed everywhere some time ago."""


def overhear(run: Run, height: int, profile: Profile | None) -> Diagram:
    """`profile`: the one that the run had. Raises SequenceError where this is not the same run any more."""
    window = window_of(run.trace, height)
    _check_profile(run, profile)
    again = _Overheard(run, height, window.end_us + LATE_US, profile)
    with contextlib.suppress(_Enough):
        again.run()
    how = (
        "Arrows: every delivery, exactly: the run was repeated from its seed with the bus watched. "
        "Of what was said again, the first hearing is drawn from the first saying."
    )
    return diagram(run, height, again.said, again.heard, how)


def _check_profile(run: Run, profile: Profile | None) -> None:
    started: Record = next(iter(run.records.of_kind("run")), {})
    named = str(started.get("profile", ""))
    if named and (profile is None or profile.name != named):
        raise SequenceError(f"the run spent CPU as profile {named} says: name that file with --profile to repeat it")
    if not named and profile is not None:
        raise SequenceError("in this run CPU was free: leave --profile out")


class _Overheard(Simulation):
    """Compares each record with the run's own, and ends behind the window."""

    def __init__(self, run: Run, height: int, end_us: int, profile: Profile | None) -> None:
        self._reader = Reader(run, height)
        self._end_us = end_us
        self._count = 0
        self.said: list[Said] = []
        self.heard: list[Heard] = []
        self._kinds = _told_alike(run)
        self._expected = [record for record in run.trace if not self._kinds or record["kind"] in self._kinds]
        super().__init__(run.scenario, self._compare, watch=self._see, profile=profile, level=ONE_BY_ONE)
        self.lives.wrap = self._listen_to

    def _compare(self, record: Record) -> None:
        if record["t_us"] > self._end_us:
            raise _Enough
        if self._kinds and record["kind"] not in self._kinds:
            return
        trace = self._expected
        if self._count >= len(trace) or trace[self._count] != record:
            raise SequenceError(
                "the scenario and its seed do not repeat this run any more (it was made by another version, or its "
                "trace was changed): run it again, and draw that run"
            )
        self._count += 1

    def _see(self, seen: Seen) -> None:
        signed = signed_of(seen.payload)
        if signed is not None and (kind := self._reader.kind(signed)):
            self.said.append(Said(seen.t_us, seen.sender, seen.to or "", key_of(signed), kind))

    def hear(self, name: str, signed: Signed) -> None:
        if self._reader.kind(signed):
            self.heard.append(Heard(self._clock.now_us, name, key_of(signed)))

    def _listen_to(self, node: SimulatedNode, host: RunningNode) -> RunningNode:
        ear: Any = _Ear(host, node.name, self)
        return ear  # type: ignore[no-any-return]


def _told_alike(run: Run) -> frozenset[str]:
    """The kinds of record that do not depend on the simulator's level (docs/decisions/040); empty: all of them."""
    started: Record = next(iter(run.records.of_kind("run")), {})
    return frozenset(("executed", "included")) if started.get("level") == "collapsed" else frozenset()


class _Ear:
    """A host that is listened to; all else is the host's own."""

    def __init__(self, host: RunningNode, name: str, overheard: _Overheard) -> None:
        self._host: Any = host
        self._name = name
        self._overheard = overheard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def receive(self, now: Any, publisher: NodeId, frame: Frame, digest: bytes) -> Any:
        self._overheard.hear(self._name, frame.signed)
        return self._host.receive(now, publisher, frame, digest)

    def hear(self, now: Any, event: Received, digest: bytes | None) -> Any:
        self._overheard.hear(self._name, event.signed)
        return self._host.hear(now, event, digest)

    def arrival(self, now: Any, publisher: NodeId, payload: bytes) -> Any:
        signed = signed_of(payload)
        if signed is not None:
            self._overheard.hear(self._name, signed)
        return self._host.arrival(now, publisher, payload)
