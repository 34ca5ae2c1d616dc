"""A desk: acts by what stands in the state and by its plan, and by nothing else, so it needs no history.

After a crash, a snapshot or a year away it looks and goes on. What the ledger refused it asks for again at a later
look, if it still wants it then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from consortium.core.codec import encode, tagged_hash
from consortium.core.machine import Effect, Event, Expired, Now, Receipted, SetTimer, Skipped, Started, Submit
from consortium.roles.agenda import NOT_FINAL, Key

Move = tuple[str, str, Any]  # contract, operation, arguments
LOOK_US = 500_000
AT_ONCE = 16  # moves under way


class Desk:
    """Hears `Started`, `Receipted`, `Skipped`, `Expired`; emits `Submit`, `SetTimer`. `moves(wall_us)`: what there is
    to do; `waits(wall_us)`: whether more will be, whoever has to act before."""

    wants_history = False

    def __init__(
        self, name: str, member: str, moves: Callable[[int], Iterable[Move]], waits: Callable[[int], bool]
    ) -> None:
        self._name = name
        self._timer = ("role", name, "look")
        self._member = member
        self._moves = moves
        self._waits = waits
        self._under_way: set[Key] = set()
        self._height = 0
        self._is_started = False
        self._is_timed = False
        self._wall_us = 0

    @property
    def is_done(self) -> bool:
        return not self._under_way and not self._waits(self._wall_us)

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        self._wall_us = now.wall_us
        match event:
            case Receipted():
                return self._on_receipted(event)
            case Skipped(height, _):
                self._height = max(self._height, height)
                self._under_way.clear()
                return self._look() if self._is_started else []
            case Started():
                self._is_started = True
                return self._look()
            case Expired(timer) if timer == self._timer:
                self._is_timed = False
                return self._look()
            case _:
                return []

    def _on_receipted(self, event: Receipted) -> Sequence[Effect]:
        self._height = max(self._height, event.height)
        was_refused = False
        for outcome in event.outcomes:
            if outcome.member == self._member and outcome.receipt.code not in NOT_FINAL:
                key = (outcome.contract, outcome.operation, outcome.arguments)
                was_refused |= key in self._under_way and not outcome.receipt.is_ok
                self._under_way.discard(key)
        if event.is_replay or not self._is_started:
            return []
        return self._await() if was_refused else self._look()

    def _look(self) -> Sequence[Effect]:
        effects: list[Effect] = []
        for move in self._moves(self._wall_us):
            key = (move[0], move[1], encode(move[2]))
            if len(self._under_way) >= AT_ONCE:
                break
            if key not in self._under_way:
                self._under_way.add(key)
                digest = tagged_hash(b"consortium desk", *map(str.encode, key[:2]), key[2]).hex()[:16]
                effects.append(Submit(f"{self._name}:{digest}:{self._height}", (move,)))
        return [*effects, *self._await()]

    def _await(self) -> Sequence[Effect]:
        """Look again in a while, also where no block comes."""
        if self._is_timed or not self._waits(self._wall_us):
            return []
        self._is_timed = True
        return [SetTimer(self._timer, LOOK_US)]
