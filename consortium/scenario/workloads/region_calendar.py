"""The calendar of a region's year: when in a run a day of the year is over.

All clocks of the members jump to New Year's day when the run begins, and on by a week every `week_us`. What happened in
a week is billed once the week is over, spread over the time until the next jump. A last jump leads into the new year.
"""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.calendar import compute_day_after
from consortium.scenario.workloads.person_years import new_year

WEEKS, DAYS = 52, 364  # the last day of the year, or two, belong to the last jump
SEASONS = (14, 13, 11, 9, 8, 7, 7, 7, 8, 9, 11, 13)  # visits by month: winters are busy
BEGINS_US = 4_000_000  # when clocks jump to the New Year
SETTLING_US = 1_500_000  # after a jump, for what the day brings by itself
QUIET_US = 2_500_000  # before the next: a batch that is under way when clocks jump is too old for its receivers


class Calendar(NamedTuple):
    year: int
    week_us: int

    def day(self, place: int) -> int:
        """YYYYMMDD of day `place` of the year, counted from 0."""
        return compute_day_after(new_year(self.year), place)

    def jump_us(self, week: int) -> int:
        """When so many weeks of the year are over, 0: when it begins."""
        return BEGINS_US + week * self.week_us

    def billed_us(self, place: int, share_ppm: int) -> int:
        """When something of that day is billed; `share_ppm`: how far into the week after it."""
        spread_us = (self.week_us - SETTLING_US - QUIET_US) * share_ppm // 1_000_000
        return self.jump_us(-(-(place + 1) // 7)) + SETTLING_US + spread_us

    @property
    def over_us(self) -> int:
        """When the year is over, and the clocks stand on the fifth of January."""
        return self.jump_us(WEEKS + 1)


def season_of(day: int) -> int:
    """The weight of a day's month."""
    return SEASONS[day // 100 % 100 - 1]
