"""What the funds owe institutions, and where it waits: payable, waiting for a word on the lines, or disputed."""

from __future__ import annotations

from collections import defaultdict

from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY
from consortium.contracts.insurance.bill import BILLS
from consortium.contracts.insurance.funds import ACCOUNTS
from consortium.stories.days.part import Looked, Part
from consortium.stories.lookup import rows_of
from consortium.stories.plain import yuan
from consortium.stories.story import Column, Section

KINDS = ("payable", "unconfirmed", "disputed")


def _make(looked: Looked) -> Section:
    words, state = looked.seen.words, looked.seen.ledger.reader
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(KINDS, 0))
    for kind in KINDS:
        for name, row in rows_of(state, ACCOUNTS, f"{kind}/"):
            key = name.split("/")[1]
            bill = state.get(BILLS, key) if kind == "disputed" else None
            code = bill.fixmedins_code if bill is not None else key
            if looked.role == BUREAU or code in looked.institutions:
                sums[code][kind] += row.balance_fen
    rows = [(code, *(yuan(of[kind]) for kind in KINDS)) for code, of in sorted(sums.items()) if any(of.values())]
    columns = (
        Column(words("institution")),
        Column(words("payable"), is_number=True),
        Column(words("waits for a word on its lines"), is_number=True),
        Column(words("disputed"), is_number=True),
    )
    return Section(words("owed (yuan)"), columns, rows)


PART = Part("owed", 40, frozenset((BUREAU, HOSPITAL, PHARMACY)), _make)
