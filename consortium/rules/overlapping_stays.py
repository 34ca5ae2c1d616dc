"""Overlapping stays 住院重叠: one person lies in two hospitals in one night.

Who is handed over on the day of discharge lies in both on that day and in one at night; so does who is examined
elsewhere for a day.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.rule import Finding, Rule, against


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`nights`: from how many common nights on two stays overlap."""

    nights: int = 1


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for stays in facts.stays.values():
        for place, later in enumerate(stays):
            for earlier in stays[:place]:
                nights = min(earlier.last, later.last) - later.first
                if earlier.fixmedins_code != later.fixmedins_code and nights >= parameters.nights:
                    fen = min(earlier.fund_fen, later.fund_fen)
                    yield against(later, (earlier,), fen, f"{nights} nights in two hospitals")


RULE = Rule("overlapping_stays", mark("One person lay in two hospitals in one night."), Parameters(), _find)
