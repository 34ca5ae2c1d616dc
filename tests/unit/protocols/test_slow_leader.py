"""A leader that takes almost all of its time keeps its place and cannot be proven guilty: it is noted by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from consortium.core.genesis import Parameters
from consortium.core.machine import Note, Now
from consortium.protocols.common.leader_timer import LeaderTimer

T_US = 1_000_000


class Watched:
    """The timer of a member `me`, which sees blocks decided; `owed_us`: since when the oldest work waits."""

    def __init__(self) -> None:
        self.owed_us: int | None = 0
        state: Any = SimpleNamespace(me="me", parameters=Parameters(timer_base_us=T_US), moved_us=0)
        self.timer = LeaderTimer(state, ("it", "progress"), lambda: self.owed_us)
        self.decided = 0
        self.timer.has_moved(Now(0, 0), (0,))

    def decide(self, at_us: int, leader: str = "slow") -> list[dict[str, Any]]:
        self.decided += 1
        assert self.timer.has_moved(Now(at_us, at_us), (self.decided,))
        found = self.timer.slowness(Now(at_us, at_us), leader, 3)
        return [effect.fields for effect in found if isinstance(effect, Note) and effect.kind == "slow_leader"]


def test_a_block_that_took_more_than_half_of_the_time_is_noted_with_the_leaders_name() -> None:
    watched = Watched()
    (note,) = watched.decide(900_000)
    assert note == {"leader": "slow", "view": 3, "waited_us": 900_000, "timeout_us": T_US}


@pytest.mark.parametrize(("at_us", "is_noted"), [(T_US // 2, False), (T_US // 2 + 1, True)])
def test_half_of_the_time_is_the_bound(at_us: int, is_noted: bool) -> None:
    assert bool(Watched().decide(at_us)) == is_noted


def test_the_wait_counts_from_when_the_work_came_and_from_the_last_move_whichever_is_later() -> None:
    watched = Watched()
    watched.owed_us = 800_000
    assert watched.decide(900_000) == [], "nothing waited for most of it"
    watched.owed_us = 0
    assert watched.decide(1_300_000) == [], "something moved meanwhile"
    assert watched.decide(1_900_000)


def test_what_moved_though_nothing_waited_is_no_lateness() -> None:
    watched = Watched()
    watched.owed_us = None
    assert watched.decide(900_000) == []


def test_one_note_in_each_time() -> None:
    watched = Watched()
    noted = [bool(watched.decide(at_us)) for at_us in range(600_000, 4_200_001, 600_000)]
    assert noted == [True, False, True, False, True, False, True]


def test_a_leader_does_not_note_itself() -> None:
    assert Watched().decide(900_000, "me") == []
