"""What came into each fund and left it on that day, and what it holds now."""

from __future__ import annotations

from collections import defaultdict

from consortium.contracts.access import BUREAU, REGULATOR
from consortium.contracts.insurance.funds import ACCOUNTS
from consortium.stories.days.part import Looked, Part
from consortium.stories.lookup import rows_of
from consortium.stories.plain import yuan
from consortium.stories.story import Column, Section

FUND = "fund/"


def _make(looked: Looked) -> Section:
    words = looked.seen.words
    came, left = defaultdict[str, int](int), defaultdict[str, int](int)
    for step in looked.steps:
        for event in step.outcome.receipt.events if step.outcome.receipt.is_ok else ():
            if event.kind == "movement":
                came[str(event.fields["target"])] += int(event.fields["amount_fen"])
                left[str(event.fields["source"])] += int(event.fields["amount_fen"])
    rows = [
        (name, yuan(came[name]), yuan(left[name]), yuan(row.balance_fen))
        for name, row in rows_of(looked.seen.ledger.reader, ACCOUNTS, FUND)
    ]
    columns = (
        Column(words("fund")),
        Column(words("came in"), is_number=True),
        Column(words("went out"), is_number=True),
        Column(words("holds now"), is_number=True),
    )
    return Section(words("funds (yuan)"), columns, rows)


PART = Part("funds", 30, frozenset((BUREAU, REGULATOR, "finance")), _make)
