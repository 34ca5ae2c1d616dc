"""The window of a person's numbers is what a set of all numbers ever used says, in one row of bounded size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consortium.core.contract import Refused
from consortium.core.spoken import NUMBER_WINDOW, Voice, _use

STEPS = st.lists(st.integers(-NUMBER_WINDOW - 3, NUMBER_WINDOW + 3), max_size=120)


@given(STEPS)
def test_a_number_is_used_once_and_only_inside_the_window(steps: list[int]) -> None:
    voice, used = Voice(b"k" * 32), set[int]()
    for step in steps:
        number, highest = voice.highest + step, max(used, default=0)
        try:
            voice = _use(voice, number)
        except Refused as refused:
            if number < 1 or number <= highest - NUMBER_WINDOW:
                assert refused.code == "spoken-stale"
            elif number > highest + NUMBER_WINDOW:
                assert refused.code == "spoken-ahead"
            else:
                assert refused.code == "spoken-before" and number in used
        else:
            assert number not in used and number > 0 and highest - NUMBER_WINDOW < number <= highest + NUMBER_WINDOW
            used.add(number)
        assert voice.highest == max(used, default=0) and 0 <= voice.used < 1 << NUMBER_WINDOW
