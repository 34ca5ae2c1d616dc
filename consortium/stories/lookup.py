"""A record by the word and the ID that a person gave; and where there is none, what comes near."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple

from consortium.contracts import load_told_tables
from consortium.core.contract import NOT_YOURS, Refused, StateReader, Table
from consortium.core.words import Words
from consortium.stories.finder import texts_of
from consortium.stories.story import Seen, UnknownThing

LAST = "\U0010ffff"
NOT_PERMITTED = "not-permitted"
KEYS_COMPARED = 5_000
NEAR = 3


class Record(NamedTuple):
    """`word`: what it is told as; `value`: of the table's struct."""

    word: str
    table: Table[Any]
    key: str
    value: Any


def get_record(seen: Seen, word: str, identity: str) -> Record:
    """Raises UnknownThing, and Refused where who looks may not read it: as a query of its contract would refuse it."""
    table = load_told_tables()[word]
    key = try_key(table, identity)
    if key is not None:
        check_reading(seen, table, key)
    value = None if key is None else seen.ledger.reader.get(table, key)
    if key is None or value is None:
        raise UnknownThing(unknown(seen.ledger.reader, word, identity, seen.words))
    return Record(word, table, key, value)


def check_reading(seen: Seen, table: Table[Any], key: str) -> None:
    """Refuses what the query that answers with this very row refuses; another's record with the words for one that
    nobody has. A table that no query answers for is everybody's, as the ledger is; a key that no row can have is
    nobody's."""
    for contract in seen.contracts.values():
        for query in contract.queries.values():
            if query.row is not None and query.row.table is table:
                try:
                    arguments = query.row.arguments(key)
                except ValueError:  # a part is missing, or a number is none
                    return
                try:
                    contract.ask(seen.ledger.reader, query.name, arguments, seen.reader)
                except Refused as refused:
                    if refused.code in (NOT_YOURS, NOT_PERMITTED):
                        raise
                return


def try_key(table: Table[Any], identity: str) -> str | None:
    """None where no row can have it."""
    try:
        return table.key_of(identity)
    except Refused:
        return None


def unknown(state: StateReader, word: str, identity: str, words: Words) -> str:
    """One sentence: what else bears this ID, or which IDs of this kind are the nearest."""
    tables = load_told_tables()
    said = words("there is no {word} {id} on this ledger", word=word, id=identity)
    for other, table in tables.items():
        key = try_key(table, identity)
        if other != word and key is not None and state.get(table, key) is not None:
            return words("{said}; it is an ID of another kind: ask for `{other} {id}`", said=said, other=other, id=key)
    near = _nearest(state, tables, word, identity)
    if not near:
        return words("{said}, and none that is like it", said=said)
    return words("{said}; the nearest are {near}", said=said, near=", ".join(near))


def _nearest(state: StateReader, tables: Mapping[str, Table[Any]], word: str, identity: str) -> list[str]:
    if word not in tables:
        return []
    table = tables[word]
    wanted = try_key(table, identity) or identity
    around = [key for key, _ in state.range(table, wanted, LAST, limit=NEAR)]
    begin = [key for key, _ in islice(state.range(table, "", LAST, limit=KEYS_COMPARED), KEYS_COMPARED)]
    return get_close_matches(wanted, sorted({*around, *begin}), NEAR, 0.3) or around or begin[:NEAR]


def is_named(text: str, key: str) -> bool:
    """Whether a text is this key, or a path that holds it: `settlement/P1/2026/000001`."""
    return f"/{key}/" in f"/{text}/"


def about(record: Record) -> Any:
    """Judges an outcome: does it name this record, in any spelling?"""

    def is_about(outcome: Any) -> bool:
        return any(_names(text, record) for text in texts_of(outcome))

    return is_about


def _names(text: str, record: Record) -> bool:
    return is_named(text, record.key) or try_key(record.table, text) == record.key


def rows_of(state: StateReader, table: Table[Any], prefix: str, limit: int = 0) -> Iterator[tuple[str, Any]]:
    """The rows whose key begins so."""
    return state.range(table, prefix, prefix + LAST, limit=limit)
