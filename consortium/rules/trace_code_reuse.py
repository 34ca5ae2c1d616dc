"""A trace code again 追溯码重复: a pack was sold whole to two, or in more units than it has, or somebody tried to.

The ledger refuses the second sale and keeps both parties: either of them may be the one that is wrong. A pack that
came back and was sold again is well, and so is a split pack until its units run out.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.rule import Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`counts_attempts`: whether a second sale that was refused is found, too."""

    counts_attempts: bool = True


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    if parameters.counts_attempts:
        yield from _attempts(facts)
    sold: dict[str, list[tuple[Claim, int]]] = {}
    for claim in facts.claims:
        for each in claim.sold:
            for code in each.drug_trac_codg:
                units = each.cnt if each.trdn_flag else 0
                sold.setdefault(code, []).append((claim, units))
    for code, sales in sorted(sold.items()):
        units = sum(count for _, count in sales)
        is_whole_again = len(sales) > 1 and any(count == 0 for _, count in sales)
        if is_whole_again or units > facts.pack_units.get(code, units):
            fen = min(claim.fund_fen for claim, _ in sales)
            yield about([claim for claim, _ in sales], fen, f"code {code} on {len(sales)} bills", (f"code/{code}",))


def _attempts(facts: Facts) -> Iterator[Finding]:
    for code, second in sorted(facts.second_sales.items()):
        first = facts.by_bill.get(second.first.bill_no) if second.first.is_claim else None
        numbers = dict.fromkeys((second.first.bill_no, *(attempt.bill_no for attempt in second.attempts)))
        records = (*(f"bill/{number}" for number in numbers), f"code/{code}")
        accused = "" if first is None else first.fixmedins_code
        keys = () if first is None else (first.key,)
        fen = 0 if first is None else first.fund_fen
        yield Finding("", accused, keys, records, fen, f"code {code} was to be sold {second.count} times more")


RULE = Rule("trace_code_reuse", mark("A pack was sold again, or somebody tried to."), Parameters(), _find)
