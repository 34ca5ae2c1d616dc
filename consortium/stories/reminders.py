"""What somebody should not miss: what the ledger will ring for on a day, and what comes to its end soon."""

from __future__ import annotations

from collections.abc import Collection

from consortium.contracts.insurance.enrolment import Person
from consortium.contracts.oversight.due import DUE
from consortium.core.calendar import compute_day_after, compute_days_between
from consortium.stories.lookup import LAST, is_named
from consortium.stories.plain import day
from consortium.stories.story import Column, Section, Seen

SOON_DAYS = 60
Reminder = tuple[int, str, str]  # day, what, which record


def due_for(seen: Seen, names: Collection[str]) -> list[Reminder]:
    """Whatever is due and names one of these."""
    found = []
    for name, _ in seen.ledger.reader.range(DUE, "", LAST):
        on, kind, key = name.split("/", 2)
        if any(is_named(key, each) for each in names):
            found.append((int(on), kind, key))
    return found


def ends_of(seen: Seen, psn_no: str, person: Person) -> list[Reminder]:
    """A cover that ends within SOON_DAYS of the chain's day, and is not followed by another."""
    today = seen.reader.day
    last = max((period.to_day for period in person.periods), default=0)
    if not last or person.died_on or not 0 < compute_days_between(today, last) <= SOON_DAYS:
        return []
    return [(compute_day_after(last, -1), seen.words("the last day of this cover"), f"person/{psn_no}")]


def tell_reminders(seen: Seen, reminders: list[Reminder]) -> Section:
    words = seen.words
    columns = (Column(words("on")), Column(words("what")), Column(words("of")))
    return Section(words("do not miss"), columns, [(day(on), what, key) for on, what, key in sorted(reminders)])
