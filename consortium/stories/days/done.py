"""What it did on that day, by operation, and what was refused to it, by reason."""

from __future__ import annotations

from collections import Counter

from consortium.core.contract import EVERY_MEMBER
from consortium.stories.days.part import Looked, Part
from consortium.stories.story import Column, Section


def _make(looked: Looked) -> Section:
    words = looked.seen.words
    taken, refused = Counter[str](), Counter[tuple[str, str]]()
    for step in looked.own:
        called = f"{step.outcome.contract}.{step.outcome.operation}"
        if step.outcome.receipt.is_ok:
            taken[called] += 1
        else:
            refused[called, step.outcome.receipt.code] += 1
    rows = [(called, f"{count:,}", "") for called, count in taken.most_common()]
    rows += [(called, f"{count:,}", code) for (called, code), count in refused.most_common()]
    columns = (Column(words("operation")), Column(words("times"), is_number=True), Column(words("refused with")))
    return Section(words("done on this day"), columns, rows)


PART = Part("done", 90, EVERY_MEMBER, _make)
