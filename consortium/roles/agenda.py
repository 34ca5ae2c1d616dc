"""What a role still wants, when, and what became of it: wishes paced by time and by how many are outstanding.

References are deterministic, so that a role that is rebuilt after a crash and hears history again arrives at the same
wishes: those that the ledger holds are settled by replay, and the outbox knows the rest that it signed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

from consortium.core.codec import encode
from consortium.core.machine import Effect, Expired, Guard, Now, Outcome, Read, Receipted, SetTimer, Submit
from consortium.node.outbox import RENUMBER

Calls = tuple[tuple[str, str, Any], ...]
Key = tuple[str, str, bytes]
NOT_FINAL = (*RENUMBER, "already-executed")  # the outbox submits these again, or did before


class Settled(NamedTuple):
    """One call of a wish was executed, or refused: see the outcome's receipt."""

    reference: str
    position: int
    outcome: Outcome


class _Wish(NamedTuple):
    calls: Calls
    missing: set[int]  # positions of calls without an outcome


class Agenda:
    """Of one role: `name` begins its timers. A call that was wished for before is left out of a later wish.

    A call that was executed unseen (`skip`) is settled when it is wished for: `drain` tells of it."""

    def __init__(self, name: str, member: str, outstanding_max: int) -> None:
        assert outstanding_max > 0
        self._timer = ("role", name, "next")
        self._member = member
        self._outstanding_max = outstanding_max
        self._wishes: dict[str, _Wish] = {}
        self._places: dict[Key, tuple[str, int]] = {}
        self._answered: dict[Key, Outcome | None] = {}  # not wished for when executed; None = nobody here saw it
        self._found: deque[tuple[str, int, Key]] = deque()  # settled by `_answered`, to be told
        self._remembers = False  # whether history has a gap, so that wishes come after their outcomes
        self._heap: list[tuple[int, int, str]] = []  # (at_us, serial, reference)
        self._said: dict[tuple[type, str], Guard | Read] = {}  # to the vault, with the next pump
        self._serial = 0
        self._outstanding: set[str] = set()
        self._unsettled = 0
        self._first_block_us: int | None = None  # chain time of the first block heard
        self._origin_us: int | None = None  # the run's start on this boot's monotonic clock, once started
        self._timer_us: int | None = None

    @property
    def is_done(self) -> bool:
        return self._unsettled == 0

    def wish(self, reference: str, calls: Calls, at_us: int = 0) -> None:
        """Submit these calls from `at_us` after the run's start on, as there is room. A known reference is dropped."""
        keys = [(contract, operation, encode(arguments)) for contract, operation, arguments in calls]
        fresh = [(key, call) for key, call in zip(keys, calls, strict=True) if key not in self._places]
        if reference in self._wishes or not fresh:
            return
        self._wishes[reference] = _Wish(tuple(call for _, call in fresh), set(range(len(fresh))))
        self._unsettled += 1
        for index, (key, _) in enumerate(fresh):
            self._places[key] = (reference, index)
            if key in self._answered:
                self._find(reference, index, key)
        heappush(self._heap, (at_us, self._serial, reference))
        self._serial += 1

    def guard(self, guard: Guard) -> None:
        """Hand this private record to the vault, before anything that is wished for later is submitted."""
        self._said[Guard, guard.handle] = guard

    def read(self, read: Read) -> None:
        """Ask the vault for a record; the answer comes as `Opened`."""
        self._said[Read, read.handle] = read

    def read_no_more(self, handle: str) -> None:
        """What was asked for and not yet said need not be read: history told that it was."""
        self._said.pop((Read, handle), None)

    def hear(self, event: Receipted) -> list[Settled]:
        """Which of our calls this block settled, in its order."""
        if self._first_block_us is None:
            self._first_block_us = event.time_us
        settled: list[Settled] = []
        for outcome in event.outcomes:
            if outcome.member == self._member and outcome.receipt.code not in NOT_FINAL:
                key = (outcome.contract, outcome.operation, outcome.arguments)
                place = self._places.get(key)
                if place is not None and self._settle(*place):
                    settled.append(Settled(*place, outcome))
                elif place is None and self._remembers:
                    self._answered[key] = outcome
        return settled

    def skip(self, calls: Sequence[Key]) -> None:
        """A snapshot took the place of blocks, and these calls of ours were executed in them."""
        self._remembers = self._origin_us is None
        for key in calls:
            self._answered.setdefault(key, None)
            place = self._places.get(key)
            if place is not None:
                self._find(*place, key)

    def skip_if(self, is_held: Callable[[Key], bool]) -> None:
        """Calls without an outcome whose effect the ledger holds: whoever did it, nothing is left to do."""
        for key, (reference, index) in self._places.items():
            if index in self._wishes[reference].missing and is_held(key):
                self._find(reference, index, key)

    def drain(self) -> tuple[str, int, Key, Outcome | None] | None:
        """The next call that was settled unseen: reference, position, call, and its outcome where that is known."""
        if not self._found:
            return None
        reference, index, key = self._found.popleft()
        return reference, index, key, self._answered.get(key)

    def _find(self, reference: str, index: int, key: Key) -> None:
        if self._settle(reference, index):
            self._found.append((reference, index, key))

    def _settle(self, reference: str, index: int) -> bool:
        missing = self._wishes[reference].missing
        if index not in missing:
            return False
        missing.discard(index)
        if not missing:
            self._unsettled -= 1
            self._outstanding.discard(reference)
        return True

    def start(self, now: Now) -> None:
        """After every boot, history heard: the run began with its first block, or begins now."""
        began_us = now.wall_us if self._first_block_us is None else min(now.wall_us, self._first_block_us)
        self._origin_us = now.monotonic_us - (now.wall_us - began_us)
        self._remembers = False

    def wake(self, event: Expired) -> bool:
        """Whether this timer was ours; then `pump`."""
        if event.timer != self._timer:
            return False
        self._timer_us = None
        return True

    def pump(self, now: Now) -> Sequence[Effect]:
        """Submit what is due; nothing before `start`."""
        if self._origin_us is None:
            return []
        effects: list[Effect] = [*self._said.values()]
        self._said.clear()
        since_us = now.monotonic_us - self._origin_us
        while self._heap and len(self._outstanding) < self._outstanding_max:
            at_us, _, reference = self._heap[0]
            wish = self._wishes[reference]
            if wish.missing:
                if at_us > since_us:
                    if self._timer_us != at_us:
                        self._timer_us = at_us
                        effects.append(SetTimer(self._timer, at_us - since_us))
                    break
                self._outstanding.add(reference)
                effects.append(Submit(reference, wish.calls))
            heappop(self._heap)
        return effects
