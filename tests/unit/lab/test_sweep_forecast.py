"""The time that a sweep still takes is told from what its runs took, and not from a guess of how costs grow."""

from __future__ import annotations

import pytest

from consortium.lab.sweeps.forecast import Forecast, Size

SIZES = {0: Size(4, 400), 1: Size(16, 400), 2: Size(64, 400), 3: Size(64, 4_000)}


def test_nothing_is_foretold_before_a_run_is_over() -> None:
    assert Forecast(SIZES).left_s([0, 1]) is None


def test_a_point_that_ran_costs_what_its_runs_took() -> None:
    forecast = Forecast(SIZES)
    for seconds in (2.0, 4.0):
        forecast.add(0, seconds)
    assert forecast.left_s([0, 0]) == (6.0, 6.0)


def test_of_one_size_alone_a_larger_one_is_foretold_as_a_range() -> None:
    forecast = Forecast(SIZES)
    forecast.add(0, 1.0)
    assert forecast.left_s([1]) == (pytest.approx(4.0), pytest.approx(16.0)), "once or twice the growth of members"


@pytest.mark.parametrize("power", [0.8, 1.3, 2.0])
def test_how_costs_grow_with_members_is_learnt_from_the_runs(power: float) -> None:
    """67 minutes were foretold of 10, where costs grew less than by the square."""
    forecast = Forecast(SIZES)
    for point in (0, 1):
        forecast.add(point, 0.01 * SIZES[point].members ** power)
    least, most = forecast.left_s([2, 3]) or (0.0, 0.0)
    assert least == most == pytest.approx(11 * 0.01 * 64**power), (
        "and ten times the transactions cost ten times as much"
    )
