"""The claims that were settled on that day: for a bureau or regulator all of them, for others those of their own
institutions.
"""

from __future__ import annotations

from collections import defaultdict

from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY, REGULATOR
from consortium.stories.days.part import Looked, Part
from consortium.stories.plain import yuan
from consortium.stories.story import Column, Section

KINDS = {"settled": 1, "settlement-reversed": -1}


def _make(looked: Looked) -> Section:
    words = looked.seen.words
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for step in looked.steps:
        for event in step.outcome.receipt.events if step.outcome.receipt.is_ok else ():
            if event.kind not in KINDS:
                continue
            code = str(event.fields["fixmedins_code"])
            if looked.role in (BUREAU, REGULATOR) or code in looked.institutions:
                of = sums[code]
                of[0 if event.kind == "settled" else 1] += 1
                of[2] += int(event.fields["medfee_sumamt"])
                of[3] += int(event.fields["fund_pay_sumamt"])
    rows = [
        (code, str(new), str(undone), yuan(billed), yuan(paid))
        for code, (new, undone, billed, paid) in sorted(sums.items())
    ]
    columns = (
        Column(words("institution")),
        Column(words("settled"), is_number=True),
        Column(words("reversed"), is_number=True),
        Column(words("billed"), is_number=True),
        Column(words("the funds pay"), is_number=True),
    )
    return Section(words("claims of this day (yuan)"), columns, rows)


PART = Part("claims", 20, frozenset((BUREAU, REGULATOR, HOSPITAL, PHARMACY)), _make)
