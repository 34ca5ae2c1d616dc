"""The calendar: days are integers YYYYMMDD of the Gregorian calendar, they sort and a person can read them.

"Today" is the day of the chain's own calendar, which the genesis gives as minutes ahead of UTC
(`utc_offset_minutes`, 480 for China Standard Time): 07:59 and 08:01 of one morning there are one day. Contracts ask
`Context.day` and no clock.
"""

from __future__ import annotations

from functools import lru_cache

DAY_US = 86_400_000_000
MINUTE_US = 60_000_000


def compute_day(time_us: int, utc_offset_minutes: int) -> int:
    """The day YYYYMMDD of a chain time (microseconds of UTC since 1970) in the calendar so far ahead of UTC."""
    return day_of_ordinal((time_us + utc_offset_minutes * MINUTE_US) // DAY_US)


def compute_day_after(day: int, days: int) -> int:
    """The day YYYYMMDD that lies `days` after a day that has passed `check_day`."""
    return day_of_ordinal(ordinal_of_day(day) + days)


def compute_days_between(earlier: int, later: int) -> int:
    """How many days `later` lies after `earlier`; both YYYYMMDD."""
    return ordinal_of_day(later) - ordinal_of_day(earlier)


@lru_cache(maxsize=4_096)  # the days of eleven years
def ordinal_of_day(value: int) -> int:
    """Days since 1970-01-01 (proleptic Gregorian; years counted from March, H. Hinnant's `days_from_civil`)."""
    year, rest = divmod(value, 10_000)
    month, day = divmod(rest, 100)
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


@lru_cache(maxsize=4_096)
def day_of_ordinal(ordinal: int) -> int:
    era, day_of_era = divmod(ordinal + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    year = year_of_era + era * 400 + (month <= 2)
    return year * 10_000 + month * 100 + day
