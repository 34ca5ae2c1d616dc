"""What an institution billed of each item that it settles without trace codes, against what it received."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from consortium.rules.facts import Claim, Facts


class Account(NamedTuple):
    """Of an item at an institution: packs received, packs billed, and the claims that billed them, with how many and at
    which price."""

    fixmedins_code: str
    item: str
    received: int
    billed: int
    claims: tuple[tuple[Claim, int, int], ...]

    @property
    def excess(self) -> int:
        return self.billed - self.received


def read_books(facts: Facts) -> Iterator[Account]:
    """Of goods that were bought under tenders, so that what was shipped is known, and that have no codes."""
    billed: dict[tuple[str, str], list[tuple[Claim, int, int]]] = {}
    for claim in facts.claims:
        for line in facts.lines_of(claim):
            item = line.med_list_codg
            if item in facts.tendered and not (facts.is_drug(item) and item not in facts.code_free):
                billed.setdefault((claim.fixmedins_code, item), []).append((claim, line.cnt, line.pric))
    for code, item in sorted({*billed, *(place for place in facts.received if place[1] in facts.tendered)}):
        found = billed.get((code, item), [])
        received = facts.received.get((code, item), 0)
        yield Account(code, item, received, sum(count for _, count, _ in found), tuple(found))


def beyond(account: Account) -> tuple[list[Claim], int]:
    """The claims from which on more was billed than was received, and the price of the excess in fen."""
    claims, fen, so_far = [], 0, 0
    for claim, count, price in account.claims:
        over = min(count, max(0, so_far + count - account.received))
        so_far += count
        if over:
            claims.append(claim)
            fen += over * price
    return list(dict.fromkeys(claims)), fen
