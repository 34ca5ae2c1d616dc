"""The records that a person asks for by a word and an id: a bill, a claim, an account."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from consortium.contracts import load_contracts
from consortium.core.contract import Query, RowOf


class Told(NamedTuple):
    """A kind of record that can be asked for by its key: `word` as in /v1/bills/{id}."""

    word: str
    contract: str
    query: Query
    row: RowOf


@cache
def told_records() -> Mapping[str, Told]:
    """Every query whose answer is a row that a person asks for by a word, by the plural of the word."""
    found: dict[str, Told] = {}
    for contract in load_contracts().values():
        for query in contract.queries.values():
            if query.row is not None and query.row.table.told_as:
                word = f"{query.row.table.told_as}s"
                assert word not in found, f"two queries tell {word}"
                found[word] = Told(word, contract.name, query, query.row)
    return dict(sorted(found.items()))
