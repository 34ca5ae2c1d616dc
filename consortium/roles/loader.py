"""A load generator: submits bundles that were signed before the run, many a message, as fast as they are executed.

It lives in a member's node by that member's settings `{"hosts": ["loader"]}`, and is what benchmarks measure with.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from consortium.core.contract import StateReader
from consortium.core.machine import Effect, Event, Expired, Jumped, Now, Receipted, SetTimer, Started, Submitted
from consortium.core.requests import is_request
from consortium.core.transaction import NUMBER_WINDOW
from consortium.node.outbox import NOT_TAKEN
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

    `outstanding_max`: transactions submitted and not executed, at most. `interval_us`: between two bundles, 0 = as
    fast as they are executed. `rest_us`: a longer pause, after every `rest_every` bundles of a paced load."""

    calls: tuple[tuple[tuple[str, str, msgspec.Raw], ...], ...]
    outstanding_max: int
    interval_us: int = 0
    signed: tuple[bytes, ...] = ()
    rest_every: int = 0
    rest_us: int = 0


class Loader:
    """Hears `Started`, `Receipted`, `Jumped`, `Expired`; emits `Submitted`. Its bundles bear the numbers of
    `load_number`.

    It knows its transactions by their numbers: after a boot it submits again exactly the bundles that were not
    executed, whichever they are, also while blocks that it missed are still coming in.
    """

    def __init__(self, member: str, load: Load) -> None:
        self._member = member
        self._load = load
        self._missing = [len(calls) for calls in load.calls]  # transactions of each bundle that were not executed yet
        self._ends = list(accumulate(self._missing))
        self._answered: set[int] = set()  # numbers above `_floor`
        self._floor = 0  # answered up to here: what waited under such a number, the outbox says again under others
        self._next = 0  # the first bundle that was not submitted since this boot
        self._outstanding = 0  # transactions submitted since this boot, not executed
        self._unsent = self._ends[-1] if self._ends else 0  # transactions neither executed nor submitted
        self._is_started = False
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
                return self._submit() if self._is_started and not self._load.interval_us else []
            case Jumped():
                used = event.used(self._member)
                self._expire(max(used, default=0) - NUMBER_WINDOW)
                for number in used:
                    self._answer(number)
                return self._submit() if self._is_started and not self._load.interval_us else []
            case Started():
                self._is_started = True
                return self._paced() if self._load.interval_us else self._submit()
            case Expired(timer=timer) if timer == TIMER:
                return self._paced()
            case _:
                return []

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
        while self._next < len(self._missing) and self._missing[self._next] == 0:
            self._next += 1
        if self._next >= len(self._missing):
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

    def _paced(self) -> list[Effect]:
        """One bundle, and the next after the interval, or after the rest that is due."""
        load, bundle = self._load, self._take()
        if bundle is None:
            return []
        rests = load.rest_every > 0 and self._next % load.rest_every == 0
        return [Submitted((bundle,)), SetTimer(TIMER, load.rest_us if rests else load.interval_us)]


class _Idle:
    """A member without a load."""

    is_done = True
    wants_history = False

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        return []


def _build(settings: Settings, work: Work | None, state: StateReader) -> Loader | _Idle:
    load = None if work is None else work.find(Load)
    return _Idle() if work is None or load is None else Loader(work.member, load)


ROLE = RoleSpec("loader", Settings, _build)
