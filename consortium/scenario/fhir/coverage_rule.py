"""From the source's coverage periods to whole premium years of a scheme (docs/mapping.md 3)."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.scenario.fhir.records import FOREVER, Coverage, Scheme

ADULT_AGE = 18
RETIREMENT_AGE = 60
YEAR_MAX = 2_100  # an open coverage is laid out year by year up to here, then left open


def compute_coverages(person: str, birth_year: int, covers: Sequence[tuple[int, int, bool]]) -> list[Coverage]:
    """`covers`: (start day, end day or 0, is public). A year belongs to the latest-starting cover that touches it.

    Employee: a private cover of someone who turns 18 or more in that year; everyone else is a resident. Retired: an
    employee who turns 60 or more. Neighbouring years of one scheme are one Coverage.
    """
    ordered = sorted(covers)
    if not ordered:
        return []
    years: dict[int, tuple[Scheme, bool, bool]] = {}
    for start, end, is_public in ordered:
        last_year = end // 10_000 if end else max(YEAR_MAX, start // 10_000)
        for year in range(start // 10_000, last_year + 1):
            age = year - birth_year
            is_employee = age >= ADULT_AGE and not is_public
            is_retired, is_open = is_employee and age >= RETIREMENT_AGE, not end and year == last_year
            years[year] = ("employee" if is_employee else "resident", is_retired, is_open)
    coverages: list[Coverage] = []
    for year, (scheme, is_retired, is_open) in sorted(years.items()):
        to_day = FOREVER if is_open else (year + 1) * 10_000 + 101
        last = coverages[-1] if coverages else None
        if last and (last.scheme, last.is_retired, last.to_day) == (scheme, is_retired, year * 10_000 + 101):
            coverages[-1] = Coverage(person, scheme, is_retired, last.from_day, to_day)
        else:
            coverages.append(Coverage(person, scheme, is_retired, year * 10_000 + 101, to_day))
    return coverages
