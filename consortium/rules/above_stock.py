"""Settled above the stock 超进销存: an institution billed more of an item than was shipped to it.

Packs with trace codes are held to that by the ledger itself. For goods without codes the lines of all its bills are
added up and held against what it received under tenders, and what the bureau listed of before.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.rule import LINES, Finding, Rule, about
from consortium.rules.stock_books import beyond, read_books


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`slack`: so many packs more are well: a count may be a little off."""

    slack: int = 0


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for account in read_books(facts):
        if account.excess > parameters.slack:
            claims, fen = beyond(account)
            paid = sum(claim.fund_fen for claim in claims)
            why = f"{account.billed} of {account.item} billed, {account.received} received"
            yield about(claims, min(fen, paid), why, (f"stock/{account.fixmedins_code}/{account.item}",))


RULE = Rule(
    "above_stock",
    mark("An institution billed more of an item than was shipped to it."),
    Parameters(),
    _find,
    frozenset((LINES,)),
)
