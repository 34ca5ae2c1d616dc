"""Swapped items 串换项目: bills say one thing, the store gave out another that the funds do not pay.

Of an institution that billed more of the one than it received, the other is missing from the shelf without a bill: as
many packs of it were received and never billed.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.knowledge import SWAPS, Swap
from consortium.rules.rule import LINES, Finding, Rule, about
from consortium.rules.stock_books import beyond, read_books


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`swaps`: what may stand on bills for what. `excess`: from how many packs on; `share_bp`: how much of the excess
    the unbilled other must explain."""

    swaps: tuple[Swap, ...] = SWAPS
    excess: int = 2
    share_bp: int = 8_000


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    books = {(account.fixmedins_code, account.item): account for account in read_books(facts)}
    for (code, item), account in books.items():
        for swap in parameters.swaps:
            other = books.get((code, swap.supplied))
            if item != swap.billed or other is None or account.excess < parameters.excess:
                continue
            if -other.excess * 10_000 >= account.excess * parameters.share_bp:
                claims, fen = beyond(account)
                paid = sum(claim.fund_fen for claim in claims)
                why = f"{account.excess} of {item} billed and never received, {-other.excess} of {other.item} gone"
                records = (f"stock/{code}/{item}", f"stock/{code}/{other.item}")
                yield about(claims, min(fen, paid), why, records)


RULE = Rule(
    "swapped_items",
    mark("An institution billed one item and gave out another."),
    Parameters(),
    _find,
    frozenset((LINES,)),
)
