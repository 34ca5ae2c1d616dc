"""The interval of a forecast holds what comes, as often as it says, and one that is too narrow would be seen."""

from __future__ import annotations

import pytest

from consortium.lab.measures.forecast import forecast_sum
from consortium.scenario.streams import Stream

TRIALS, PERIODS = 2_000, 12


@pytest.mark.parametrize("ahead", [1, 3, 12])
def test_the_interval_holds_the_next_periods_in_95_of_100_cases(ahead: int) -> None:
    stream, held, half_held = Stream(1, "forecast", str(ahead)), 0, 0
    for _ in range(TRIALS):
        past = [stream.normal(100.0, 20.0) for _ in range(PERIODS)]
        comes = sum(stream.normal(100.0, 20.0) for _ in range(ahead))
        found = forecast_sum(past, ahead)
        assert found is not None
        held += found.low <= comes <= found.high
        quarter = (found.high - found.low) / 4
        half_held += abs(comes - found.expected) <= quarter
    assert 0.935 <= held / TRIALS <= 0.965
    assert half_held / TRIALS < 0.80, "the control: half the interval does not hold it"


def test_equal_periods_are_forecast_for_sure_and_too_few_not_at_all() -> None:
    assert forecast_sum([7.0] * 6, 3) == (21.0, 21.0, 21.0)
    assert forecast_sum([1.0, 2.0], 1) is None
