"""A load generator: submits bundles that were signed before the run, many a message, as fast as they are executed.

It lives in a member's node by that member's settings `{"hosts": ["loader"]}`, and is what benchmarks measure with.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.contract import StateReader
from consortium.core.machine import Effect, Event, Expired, Now, Receipted, SetTimer, Started, Submitted
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Load, Work

TIMER = ("role", "loader", "next")


class Loader:
    """Hears `Started`, `Receipted`, `Expired`; emits `Submitted`. Its bundles bear the numbers from 1 on, in order."""

    def __init__(self, member: str, load: Load) -> None:
        self._member = member
        self._load = load
        self._sizes = [len(calls) for calls in load.calls]
        self._total = sum(self._sizes)
        self._next = 0  # bundle
        self._sent = 0  # transactions
        self._executed = 0
        self._is_started = False
        self.wants_history = True

    @property
    def is_done(self) -> bool:
        return self._executed >= self._total

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Receipted():
                self._executed += sum(outcome.member == self._member for outcome in event.outcomes)
                return self._submit() if self._is_started and not self._load.interval_us else []
            case Started():
                self._is_started = True
                while self._next < len(self._sizes) and self._sent + self._sizes[self._next] <= self._executed:
                    self._sent += self._sizes[self._next]  # executed before this boot
                    self._next += 1
                return self._paced() if self._load.interval_us else self._submit()
            case Expired(timer=timer) if timer == TIMER:
                return self._paced()
            case _:
                return []

    def _submit(self) -> list[Effect]:
        """As many bundles as there is room for, once there is room for a batch's worth of them."""
        room = self._load.outstanding_max - (self._sent - self._executed)
        if room < min(self._load.outstanding_max // 4, self._total - self._sent):
            return []
        bundles: list[bytes] = []
        while self._next < len(self._sizes) and self._sizes[self._next] <= room:
            room -= self._sizes[self._next]
            self._sent += self._sizes[self._next]
            bundles.append(self._load.signed[self._next])
            self._next += 1
        return [Submitted(tuple(bundles))] if bundles else []

    def _paced(self) -> list[Effect]:
        """One bundle, and the next after the interval."""
        if self._next >= len(self._sizes):
            return []
        bundle = self._load.signed[self._next]
        self._sent += self._sizes[self._next]
        self._next += 1
        return [Submitted((bundle,)), SetTimer(TIMER, self._load.interval_us)]


class _Idle:
    """A member without a load."""

    is_done = True
    wants_history = False

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        return []


def _build(settings: Settings, work: Work | None, state: StateReader) -> Loader | _Idle:
    return _Idle() if work is None or work.load is None else Loader(work.member, work.load)


ROLE = RoleSpec("loader", Settings, _build)
