"""A load generator: submits bundles that were signed before the run, many a message, as fast as they are executed.

It lives in a member's node by that member's settings `{"hosts": ["loader"]}`, and is what benchmarks measure with.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from consortium.core.contract import StateReader
from consortium.core.machine import Effect, Event, Expired, Jumped, Note, Now, Receipted, SetTimer, Started, Submitted
from consortium.core.requests import is_request
from consortium.core.transaction import NUMBER_WINDOW
from consortium.node.outbox import NOT_TAKEN
from consortium.node.run_start import RunStart
from consortium.roles.role import RoleSpec, Settings
from consortium.roles.work import Work

TIMER = ("role", "loader", "next")
RESERVED_EVERY = 16  # every so many-th number of a member with a load is its outbox's


def load_number(ordinal: int) -> int:
    """The number of the load's transaction of this ordinal, both from 1 on: those left by its outbox."""
    return ordinal + (ordinal - 1) // (RESERVED_EVERY - 1)


def load_ordinal(number: int) -> int | None:
    """The other way; None for a number that is the outbox's."""
    return None if number % RESERVED_EVERY == 0 else number - number // RESERVED_EVERY


class Load(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Bundles for the loader to submit as they are: `calls`, each with its canonical arguments, are signed once, before
    the run begins, into `signed`.

    `outstanding_max`: transactions submitted and not executed, at most. `due_us`: an open load, in which each bundle
    has its time, microseconds since the run began, ascending, whatever became of those before it. Empty: a closed loop,
    in which bundles follow those that are executed. `arrivals` names the process, for the trace."""

    calls: tuple[tuple[tuple[str, str, msgspec.Raw], ...], ...]
    outstanding_max: int
    due_us: tuple[int, ...] = ()
    signed: tuple[bytes, ...] = ()
    arrivals: str = ""


class RunClock(msgspec.Struct, frozen=True):
    """When the run began, as this node knows it: what a schedule counts from."""

    start: RunStart


class Loader:
    """Hears `Started`, `Receipted`, `Jumped`, `Expired`; emits `Submitted`. Its bundles bear the numbers of
    `load_number`.

    It knows its transactions by their numbers: after a boot it submits again exactly the bundles that were not
    executed, whichever they are, also while blocks that it missed are still coming in.

    An open load keeps its times: what came due while the node stood still, or was down, is submitted as soon as it goes
    on, and says how late it is. It waits only where more than `outstanding_max` would be under way, or a number would
    lie beyond the ledger's window.
    """

    def __init__(self, member: str, load: Load, start: RunStart) -> None:
        self._member = member
        self._load = load
        self._start = start
        self._missing = [len(calls) for calls in load.calls]  # transactions of each bundle that were not executed yet
        self._ends = list(accumulate(self._missing))
        self._answered: set[int] = set()  # numbers above `_floor`
        self._floor = 0  # answered up to here: what waited under such a number, the outbox says again under others
        self._next = 0  # the first bundle that was not submitted since this boot
        self._oldest = 0  # no bundle before this one has anything missing
        self._outstanding = 0  # transactions submitted since this boot, not executed
        self._unsent = self._ends[-1] if self._ends else 0  # transactions neither executed nor submitted
        self._is_started = False
        self._is_held = False  # bundles are due that wait for room
        self.wants_history = True

    @property
    def is_done(self) -> bool:
        return self._outstanding + self._unsent == 0

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Receipted():
                for outcome in event.outcomes:
                    if outcome.member == self._member and not is_request(outcome.number):
                        self._answer(outcome.number)
                        if outcome.receipt.code not in NOT_TAKEN:
                            self._expire(outcome.number - NUMBER_WINDOW)
                return self._on_answered(now)
            case Jumped():
                used = event.used(self._member)
                self._expire(max(used, default=0) - NUMBER_WINDOW)
                for number in used:
                    self._answer(number)
                return self._on_answered(now)
            case Started():
                self._is_started = True
                return [*self._told(), *self._submit_due(now)] if self._load.due_us else self._submit()
            case Expired(timer=timer) if timer == TIMER:
                return self._submit_due(now)
            case _:
                return []

    def _on_answered(self, now: Now) -> list[Effect]:
        if not self._is_started:
            return []
        if self._load.due_us:
            return self._submit_due(now) if self._is_held else []
        return self._submit()

    def _answer(self, number: int) -> None:
        ordinal = load_ordinal(number)
        if ordinal is None or number <= self._floor or number in self._answered:
            return
        if not (self._ends and 1 <= ordinal <= self._ends[-1]):
            return
        self._answered.add(number)
        index = bisect_left(self._ends, ordinal)
        self._missing[index] -= 1
        if index < self._next:
            self._outstanding -= 1
        else:
            self._unsent -= 1

    def _expire(self, floor: int) -> None:
        """Numbers up to this one fell out of the ledger's window."""
        for number in range(self._floor + 1, floor + 1):
            self._answer(number)
            self._answered.discard(number)
        self._floor = max(self._floor, floor)

    def _take(self) -> bytes | None:
        """The next bundle that was not executed; None after the last."""
        if not self._is_left():
            return None
        self._outstanding += self._missing[self._next]
        self._unsent -= self._missing[self._next]
        self._next += 1
        return self._load.signed[self._next - 1]

    def _submit(self) -> list[Effect]:
        """As many bundles as there is room for, once there is room for a batch's worth of them."""
        outstanding_max = self._load.outstanding_max
        if outstanding_max - self._outstanding < min(outstanding_max // 4, self._unsent):
            return []
        bundles: list[bytes] = []
        while self._next < len(self._missing) and self._outstanding + self._missing[self._next] <= outstanding_max:
            bundle = self._take()
            if bundle is None:
                break
            bundles.append(bundle)
        return [Submitted(tuple(bundles))] if bundles else []

    def _told(self) -> list[Effect]:
        """What this load asks for, for whoever measures it."""
        due_us = self._load.due_us
        fields = {"arrivals": self._load.arrivals, "transactions": self._ends[-1]}
        return [Note("load", fields | {"from_us": due_us[0], "to_us": due_us[-1]})]

    def _submit_due(self, now: Now) -> list[Effect]:
        """All bundles that are due, together, and a timer for the next one."""
        passed_us, due_us = self._start.passed_us(now), self._load.due_us
        bundles: list[bytes] = []
        late_us: list[int] = []
        self._is_held = False
        while self._is_left() and due_us[self._next] <= passed_us:
            if not self._has_room():
                self._is_held = True
                break
            late_us.append(passed_us - due_us[self._next])
            bundle = self._take()
            assert bundle is not None, "one is left"
            bundles.append(bundle)
        effects: list[Effect] = [Submitted(tuple(bundles), tuple(late_us))] if bundles else []
        if self._next < len(due_us) and not self._is_held:
            effects.append(SetTimer(TIMER, due_us[self._next] - passed_us))
        return effects

    def _is_left(self) -> bool:
        """Whether a bundle is left to submit; those that were executed before this boot are passed over."""
        while self._next < len(self._missing) and self._missing[self._next] == 0:
            self._next += 1
        return self._next < len(self._missing)

    def _has_room(self) -> bool:
        """Whether the next bundle may be under way, too: one alone may always."""
        while self._oldest < self._next and self._missing[self._oldest] == 0:
            self._oldest += 1
        if self._outstanding == 0:
            return True
        first, last = self._ends[self._oldest - 1] + 1 if self._oldest else 1, self._ends[self._next]
        is_in_window = load_number(last) - load_number(first) < NUMBER_WINDOW
        return is_in_window and self._outstanding + self._missing[self._next] <= self._load.outstanding_max


class _Idle:
    """A member without a load."""

    is_done = True
    wants_history = False

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        return []


def _build(settings: Settings, work: Work | None, state: StateReader) -> Loader | _Idle:
    load = None if work is None else work.find(Load)
    clock = None if work is None else work.find(RunClock)
    if work is None or load is None:
        return _Idle()
    return Loader(work.member, load, RunStart() if clock is None else clock.start)


ROLE = RoleSpec("loader", Settings, _build)
