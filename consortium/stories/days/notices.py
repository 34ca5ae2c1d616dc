"""What the ledger told of on that day that somebody should look into, and what becomes due in the week after it."""

from __future__ import annotations

from consortium.contracts.oversight import due
from consortium.contracts.oversight.notice import NOTICE
from consortium.core.calendar import compute_day_after
from consortium.core.contract import EVERY_MEMBER
from consortium.stories.days.part import Looked, Part
from consortium.stories.event_words import tell_event
from consortium.stories.plain import day
from consortium.stories.story import Column, Section

DAYS_AHEAD = 7
SHOWN = 40


def _make(looked: Looked) -> Section:
    words = looked.seen.words
    rows = [
        (day(looked.day), tell_event(event, words))
        for step in looked.steps
        for event in step.outcome.receipt.events
        if event.kind == NOTICE
    ]
    last = compute_day_after(looked.day, DAYS_AHEAD)
    for name, _ in looked.seen.ledger.reader.range(due.DUE, "", f"{last}0"):
        on, kind, key = name.split("/", 2)
        rows.append((day(int(on)), words("due: {kind} of {key}", kind=kind, key=key)))
    return Section(
        words("notices, and what is due within a week"), (Column(words("on")), Column(words("what"))), rows[:SHOWN]
    )


PART = Part("notices", 60, EVERY_MEMBER, _make)
