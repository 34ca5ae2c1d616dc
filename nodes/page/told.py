"""What the ledger says, for the page: blocks in words, lives of records, what an ID begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from consortium.contracts import load_told_tables
from consortium.contracts.access import SUPERVISORS
from consortium.core.contract import Query, Refused, Table
from consortium.core.machine import Outcome
from consortium.core.words import Words
from consortium.ledger.certificate import newest_seal
from consortium.stories.block import header_at
from consortium.stories.finder import Step, find_transaction, first_height, steps_of
from consortium.stories.lookup import rows_of, try_key
from consortium.stories.plain import readable
from consortium.stories.story import Seen, Story, UnknownThing, content_words, step_words
from consortium.stories.telling import load_tellers
from nodes.page.links import Linker

BLOCKS_MAX = 50
TRANSACTIONS_TOLD = 200  # of one block
FOUND_MAX = 20
FOUND_OF_A_KIND = 4
PREFIX_MIN = 2
DIGITS_MIN = 8  # of a transaction's id


# --- blocks ---------------------------------------------------------------------------------------------------------


def tell_blocks(seen: Seen, begin: int, count: int, *, is_everything: bool) -> list[dict[str, Any]]:
    """From a height on, what is there of them. `is_everything`: also what does not concern whose eyes they are."""
    low = max(begin, first_height(seen.ledger), 0)
    high = min(begin + min(count, BLOCKS_MAX) - 1, seen.ledger.head_height)
    sealed, linker = newest_seal(seen.rows)[0], Linker(seen)
    return [_block(seen, height, sealed, linker, is_everything) for height in range(low, high + 1)]


def _block(seen: Seen, height: int, sealed: int, linker: Linker, is_everything: bool) -> dict[str, Any]:
    steps = steps_of(seen.ledger, height)
    told = [_transaction(seen, step, linker, is_everything) for step in steps[:TRANSACTIONS_TOLD]]
    more = {"more": len(steps) - len(told)} if len(steps) > len(told) else {}
    time_us = header_at(seen, height).time_us
    return {"height": height, "time_us": time_us, "sealed": height <= sealed, "transactions": told} | more


def _transaction(seen: Seen, step: Step, linker: Linker, is_everything: bool) -> dict[str, Any]:
    outcome, receipt = step.outcome, step.outcome.receipt
    told: dict[str, Any] = {
        "id": receipt.transaction.hex(),
        "index": step.number,
        "member": outcome.member,
        "contract": outcome.contract,
        "operation": outcome.operation,
        "code": receipt.code,
    }
    if not (is_everything or concerns(seen, outcome)):
        return told | {"sentence": "", "said": "", "is_hidden": True, "links": []}
    said = step_words(step, seen.words)
    amounts = [int(event.fields["amount_fen"]) for event in receipt.events if "amount_fen" in event.fields]
    amount = {"amount_fen": max(amounts)} if amounts else {}
    return told | {"sentence": receipt.sentence, "said": said, "links": linker.links([said])} | amount


def concerns(seen: Seen, outcome: Outcome) -> bool:
    """Whether a member is told of a transaction: a supervisor of all, others of their own and of what others did with
    their records, as at a gateway."""
    reader = seen.reader
    if reader.role in SUPERVISORS or reader.member == outcome.member or not outcome.member:
        return True
    contract = seen.contracts.get(outcome.contract)
    operation = None if contract is None else contract.operations.get(outcome.operation)
    if operation is None or operation.whose is None:
        return False
    try:
        arguments = msgspec.msgpack.decode(outcome.arguments, type=operation.arguments)
        return reader.member in operation.whose.find(seen.ledger.reader, arguments)
    except (msgspec.MsgspecError, Refused, RecursionError):
        return False


# --- stories --------------------------------------------------------------------------------------------------------


def tell_story(seen: Seen, kind: str, identity: str) -> dict[str, Any]:
    """Raises UnknownThing, Refused, Damaged."""
    teller = load_tellers().get(kind)
    if teller is None:
        known = ", ".join(load_tellers())
        raise UnknownThing(seen.words("nothing is told as {kind}; known are {known}", kind=repr(kind), known=known))
    story = teller.tell(seen, identity)
    return {
        "kind": kind,
        "id": str(story.content.get("id", identity)),
        "heading": story.heading,
        "height": seen.ledger.head_height,
        "sections": [
            {
                "title": section.title,
                "columns": [column._asdict() for column in section.columns],
                "rows": [list(row) for row in section.rows],
            }
            for section in story.sections
        ],
        "notes": list(story.notes),
        "content": readable(_with_words(story.content, seen.words)),
        "links": Linker(seen).links(_texts(story)),
    }


def _with_words(content: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Each of its steps also says what it did."""
    steps = [step | {"said": content_words(step, words)} for step in content.get("steps", ())]
    return dict(content) | ({"steps": steps} if steps else {})


def _texts(story: Story) -> list[str]:
    cells = [cell for section in story.sections for row in section.rows for cell in row]
    return [story.heading, *cells, *story.notes]


def query_of_row(seen: Seen, table: Table[Any]) -> tuple[str, Query] | None:
    """The contract and the query that answers with rows of this table; None: they are everybody's."""
    for name, contract in seen.contracts.items():
        for query in contract.queries.values():
            if query.row is not None and query.row.table is table:
                return name, query
    return None


def read_of(seen: Seen, kind: str, identity: str) -> tuple[str, Query, Any] | None:
    """What is asked by the story of a record, as the audit of reads names it: contract, query, arguments."""
    table = load_told_tables().get(kind)
    found = None if table is None else query_of_row(seen, table)
    key = None if table is None else try_key(table, identity)
    if found is None or key is None:
        return None
    contract, query = found
    assert query.row is not None
    return contract, query, query.row.arguments(key)


# --- what an ID begins ----------------------------------------------------------------------------------------------


def find_things(seen: Seen, text: str) -> list[dict[str, str]]:
    """`{kind, id, words}` of what bears the name, then of what begins with it."""
    text = text.strip()
    found: dict[tuple[str, str], str] = {}
    if text.isascii() and text.isdigit() and int(text[:15]) <= seen.ledger.head_height:
        found["block", str(int(text))] = seen.words("block {height}", height=int(text))
    for each in seen.ledger.epochs.at(seen.ledger.head_height + 1).members:
        if text and each.name.startswith(text):
            found["member", each.name] = f"{each.name}, {each.role}"
    if len(text) >= PREFIX_MIN:
        for kind, table in load_told_tables().items():
            for key in _keys(seen, table, text):
                found[kind, key] = f"{kind} {key}"
        found |= _transactions(seen, text.lower())
    ordered = sorted(found, key=lambda pair: pair[1].lower() != text.lower())
    return [{"kind": kind, "id": key, "words": found[kind, key]} for kind, key in ordered[:FOUND_MAX]]


def _keys(seen: Seen, table: Table[Any], text: str) -> list[str]:
    """That one, and those that begin so."""
    whole = try_key(table, text)
    named = [] if whole is None or seen.ledger.reader.get(table, whole) is None else [whole]
    begin = [key for key, _ in rows_of(seen.ledger.reader, table, text, limit=FOUND_OF_A_KIND)]
    return list(dict.fromkeys([*named, *begin]))


def _transactions(seen: Seen, digits: str) -> Mapping[tuple[str, str], str]:
    if not DIGITS_MIN <= len(digits) <= 64 or any(digit not in "0123456789abcdef" for digit in digits):
        return {}
    begins = bytes.fromhex(digits[: len(digits) // 2 * 2])
    hits = find_transaction(seen.ledger, seen.rows, begins)
    found = [(height, index, each) for height, index, each in hits if each.transaction.hex().startswith(digits)]
    return {
        ("transaction", each.transaction.hex()): seen.words("transaction {place}", place=f"{height}/{index}")
        for height, index, each in found[:FOUND_OF_A_KIND]
    }
