"""Steps of bills that an organisation takes for many at once, or for one."""

from __future__ import annotations

from consortium.contracts.insurance import bill as bills
from consortium.roles.agenda import Agenda

CALLS_MAX = 200  # of one bundle


def step_one(number: str, operation: str, agenda: Agenda) -> None:
    """A step of one bill, in a bundle of its own: its reference says all of it, whatever was wished before a boot."""
    agenda.wish(f"{operation}:{number}", (("bill", operation, bills.Step(number)),))


def step_through(numbers: list[str], operation: str, height: int, agenda: Agenda) -> None:
    """One bundle of a step for all these bills of a height; empties the list."""
    for first in range(0, len(numbers), CALLS_MAX):
        calls = tuple(("bill", operation, bills.Step(number)) for number in numbers[first : first + CALLS_MAX])
        agenda.wish(f"{operation}:{height}:{first}", calls)
    numbers.clear()
