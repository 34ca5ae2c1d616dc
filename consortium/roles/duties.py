"""Duties: whoever has them rings what is due by itself (contracts/oversight/due.py). Part of bureau and regulator.

It needs no history: what is due stands in the state, also after a crash, a snapshot or a year away. Every few seconds
while blocks come, and at midnight of the chain's calendar, it looks at the first entries that are due, and rings at
most `PAGE` of them at once: a day on which much is due costs many blocks a little. The first rank rings what it sees;
the second what it saw standing one look before, and so on: where everybody is there, one rings. What an operation
refuses, money that is held, say, is rung again the next day.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.contracts.oversight import due
from consortium.core.calendar import DAY_US, MINUTE_US, day_of_ordinal
from consortium.core.codec import encode
from consortium.core.contract import StateReader
from consortium.core.machine import (
    Effect,
    Event,
    Expired,
    Note,
    Now,
    Outcome,
    Receipted,
    SetTimer,
    Skipped,
    Started,
    Submit,
)
from consortium.node.parts import RoleMachine
from consortium.roles.agenda import NOT_FINAL, Key
from consortium.roles.hosted_roles import HostedRoles
from consortium.roles.organisation import Organisation
from consortium.roles.work import Work

TIMER = ("role", "duties", "look")
PAGE = 16
LOOK_US = 5_000_000
IDLE_US = 20_000_000  # a clock may be set
SLACK_US = 1_000_000  # so long after midnight is the day over for everybody's clock
AGAIN = ("not-due",)  # refusals after which a later look rings again


class ChainCalendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a role must know of the genesis to tell the chain's day: its calendar's minutes ahead of UTC."""

    utc_offset_minutes: int


class Duties:
    """Hears `Started`, `Receipted`, `Skipped`, `Expired`; emits `Submit`, `SetTimer`, `Note`. `rank` 0 rings first."""

    wants_history = False

    def __init__(self, member: str, state: StateReader, utc_offset_minutes: int, rank: int) -> None:
        self._member = member
        self._state = state
        self._offset_us = utc_offset_minutes * MINUTE_US
        self._rank = rank
        self._looks: dict[str, int] = {}  # entries that are due and stand: how often each was seen
        self._rung: dict[Key, str] = {}  # calls without an outcome, and their entries
        self._hopeless: set[str] = set()  # entries whose operation refused today
        self._today = 0
        self._height = 0
        self._is_started = False
        self._wakes_us = 0  # when the next look is

    @property
    def is_done(self) -> bool:
        """Whether nothing stands that it saw to be due."""
        return not self._looks and not self._rung

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Receipted():
                return self._on_receipted(now, event)
            case Skipped(height, _):
                self._height = max(self._height, height)
                self._rung.clear()  # what became of it stands in the state
                return self._look(now) if self._is_started else []
            case Started():
                self._is_started = True
                return self._look(now)
            case Expired(timer) if timer == TIMER:
                return self._look(now)
            case _:
                return []

    def _on_receipted(self, now: Now, event: Receipted) -> Sequence[Effect]:
        self._height = max(self._height, event.height)
        if event.is_replay:
            return []
        was_ringing = bool(self._rung)
        notes = [note for outcome in event.outcomes for note in self._on_outcome(outcome)]
        self._looks = {name: looks for name, looks in self._looks.items() if due.is_waiting(self._state, name)}
        if was_ringing and not self._rung:
            return [*notes, *self._look(now)]  # more may be due than was read
        if self._wakes_us - now.monotonic_us > LOOK_US:
            return [*notes, self._wake_in(now, LOOK_US)]
        return notes

    def _on_outcome(self, outcome: Outcome) -> Sequence[Effect]:
        if outcome.member != self._member or outcome.receipt.code in NOT_FINAL:
            return ()
        name = self._rung.pop((outcome.contract, outcome.operation, outcome.arguments), "")
        if not name or outcome.receipt.is_ok or outcome.receipt.code in AGAIN:
            return ()
        self._hopeless.add(name)
        self._looks.pop(name, None)
        return (Note("duty-refused", {"due": name, "code": outcome.receipt.code}),)

    def _look(self, now: Now) -> Sequence[Effect]:
        """Ring what has stood for `rank` looks."""
        today = day_of_ordinal((now.wall_us - SLACK_US + self._offset_us) // DAY_US)
        if today != self._today:
            self._today = today
            self._hopeless.clear()
        found = due.due_until(self._state, today, PAGE + len(self._hopeless))
        standing = [one for one in found if one.name not in self._hopeless][:PAGE]
        self._looks = {one.name: self._looks.get(one.name, 0) + 1 for one in standing}
        rung = set(self._rung.values())
        effects: list[Effect] = []
        for one in standing:
            if self._looks[one.name] > self._rank and one.name not in rung:
                call = (one.contract, one.operation, due.Ring(one.day, one.key))
                self._rung[one.contract, one.operation, encode(call[2])] = one.name
                effects.append(Submit(f"ring:{one.name}:{self._height}", (call,)))
        delay_us = LOOK_US if standing else min(IDLE_US, self._until_midnight_us(now))
        return [*effects, self._wake_in(now, delay_us)]

    def _until_midnight_us(self, now: Now) -> int:
        return DAY_US - (now.wall_us + self._offset_us) % DAY_US + SLACK_US

    def _wake_in(self, now: Now, delay_us: int) -> SetTimer:
        self._wakes_us = now.monotonic_us + delay_us
        return SetTimer(TIMER, delay_us)


def with_duties(own: Organisation, work: Work | None, state: StateReader, rank: int) -> RoleMachine:
    """A role that has duties as well; without a work list nobody tells it the chain's calendar, and it has none."""
    calendar = None if work is None else work.find(ChainCalendar)
    if work is None or calendar is None:
        return own
    return HostedRoles((own, Duties(work.member, state, calendar.utc_offset_minutes, rank)))
