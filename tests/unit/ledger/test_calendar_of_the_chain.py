"""Today is the day of the chain's own calendar, at every node and whatever the clock of its machine says."""

from __future__ import annotations

import msgspec
import pytest

from consortium.core.calendar import DAY_US, MINUTE_US, ordinal_of_day
from consortium.core.contract import Context, Contract, Event, Operation, State
from tests.unit.ledger.ledger_kit import TALLIES as DAYS
from tests.unit.ledger.ledger_kit import Add, Chain, Tally, make_genesis


def _note(state: State, arguments: Add, context: Context) -> list[Event]:
    state.put(DAYS, arguments.name, Tally(context.day))
    return []


DAYBOOK = {"tally": Contract("tally", 1, (Operation("add", Add, frozenset({"hospital", "genesis"}), _note),))}


def local(day: int, hour: int, minute: int, offset: int = 480) -> int:
    """The chain time of a moment of a calendar that is so many minutes ahead of UTC."""
    return ordinal_of_day(day) * DAY_US + (hour * 60 + minute - offset) * MINUTE_US


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ((20260401, 7, 59), (20260401, 8, 1), (20260401, 20260401)),  # midnight of UTC lies between them
        ((20260401, 0, 0), (20260401, 23, 59), (20260401, 20260401)),
        ((20260401, 23, 59), (20260402, 0, 0), (20260401, 20260402)),
        ((20261231, 23, 59), (20270101, 0, 0), (20261231, 20270101)),
    ],
)
def test_a_day_ends_at_local_midnight_and_not_at_that_of_utc(
    first: tuple[int, int, int], second: tuple[int, int, int], days: tuple[int, int]
) -> None:
    chain = Chain(msgspec.structs.replace(make_genesis(contracts=DAYBOOK), time_us=0), contracts=DAYBOOK)
    for name, moment in zip("ab", (first, second), strict=True):
        chain.decide(chain.add("bob", name, 1), time_us=local(*moment))
    assert tuple(tally.count for name in "ab" if (tally := chain.tally(name))) == days


def test_a_chain_of_another_calendar_has_other_days() -> None:
    genesis = make_genesis(contracts=DAYBOOK, utc_offset_minutes=0)
    chain = Chain(genesis, contracts=DAYBOOK)
    chain.decide(chain.add("bob", "a", 1), time_us=local(20260401, 7, 59))
    chain.decide(chain.add("bob", "b", 1), time_us=local(20260401, 8, 1))
    assert [tally.count for name in "ab" if (tally := chain.tally(name))] == [20260331, 20260401]
