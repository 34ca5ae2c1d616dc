"""A trial shows its own writes, and the state below sees them when they are kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consortium.core.trial import Trial
from tests.contracts_state import MemoryState
from tests.unit.ledger.ledger_kit import TALLIES, Tally

KEYS = st.sampled_from(["a", "b", "ab", "ä", "z"])
WRITES = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 9))), max_size=12)


def write(state: MemoryState | Trial, writes: list[tuple[str, int | None]]) -> None:
    for key, count in writes:
        if count is None:
            state.delete(TALLIES, key)
        else:
            state.put(TALLIES, key, Tally(count))


@given(before=WRITES, tried=WRITES)
def test_a_trial_is_the_state_that_it_would_become(
    before: list[tuple[str, int | None]], tried: list[tuple[str, int | None]]
) -> None:
    below, wanted = MemoryState(), MemoryState()
    write(below, before)
    write(wanted, [*before, *tried])
    untouched = below.copy()
    trial = Trial(below)
    write(trial, tried)
    assert below.copy() == untouched
    for low, high in (("", "~~~~ÿ"), ("a", "b"), ("ab", "z")):
        assert list(trial.range(TALLIES, low, high)) == list(wanted.range(TALLIES, low, high))
    for key in ("a", "b", "ab", "ä", "z"):
        assert trial.get(TALLIES, key) == wanted.get(TALLIES, key)
    trial.keep()
    assert below.copy() == wanted.copy()
