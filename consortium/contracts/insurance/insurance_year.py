"""The insurance year: its books are closed once it is over, and opened again by a vote."""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import check_range
from consortium.contracts.insurance import policy
from consortium.contracts.insurance.terms import check_year_open
from consortium.core.contract import Context, Event, Refused, State


class CloseYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Close the books of all years up to `year`: they take no more settlements nor reversals."""

    year: int


class ReopenYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open the books of `year` and of those after it again."""

    year: int


def close_year(state: State, arguments: CloseYear, context: Context) -> list[Event]:
    """The operation `settlement.close_year`. Refuses `year-closed`, and `year-not-over` before its last day has passed
    in the chain's calendar."""
    check_range(arguments.year, 1900, 2999, "year")
    calendar = check_year_open(state, arguments.year)
    if arguments.year >= context.day // 10_000:
        raise Refused("year-not-over", f"today is {context.day}: {arguments.year} is not over")
    policy.put_calendar(state, msgspec.structs.replace(calendar, closed_through=arguments.year))
    return [Event("year-closed", {"year": arguments.year})]


def reopen_year(state: State, arguments: ReopenYear, context: Context) -> list[Event]:
    """The operation `settlement.reopen_year`. Refuses `year-open`."""
    check_range(arguments.year, 1900, 2999, "year")
    calendar = policy.get_calendar(state)
    if arguments.year > calendar.closed_through:
        raise Refused("year-open", f"the books are closed through {calendar.closed_through} alone")
    policy.put_calendar(state, msgspec.structs.replace(calendar, closed_through=arguments.year - 1))
    return [Event("year-reopened", {"year": arguments.year})]
