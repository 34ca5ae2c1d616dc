"""Where the ledger speaks of a record: one pass over the bytes of batches and receipts, then only what names it is
taken apart.

A name stands in a transaction as it is, in its arguments, its events or the sentence of its refusal. So a block whose
bytes hold none of the names is passed over undecoded; a block that may is read as the ledger reads its past, held
against its header, and each of its transactions is judged by its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from consortium.core.contract import Receipt
from consortium.core.machine import Outcome, Rows
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import Damaged, height_key, receipt_key

CHUNK = 64  # heights that are read at once
_TRIMMED = ".,:;()'\""
_receipt = msgspec.msgpack.Decoder(Receipt).decode
Told = Callable[[int, int], None]


class Step(NamedTuple):
    """A transaction where it stands: `number` of block `height`, at chain time `time_us`."""

    height: int
    number: int
    time_us: int
    outcome: Outcome


def nothing_told(height: int, head: int) -> None:
    """Nobody hears how far a search is."""


def first_height(ledger: Ledger) -> int:
    """The first block that is whole in this ledger."""
    return ledger.bodies_above + 1 if ledger.bodies_above else 0


def find(
    ledger: Ledger, rows: Rows, names: Sequence[str], is_about: Callable[[Outcome], bool], told: Told = nothing_told
) -> Iterator[Step]:
    """The transactions that name one of `names` and that `is_about` takes, in order. Raises Damaged."""
    needles = [name.encode().lower() for name in names]
    for height in _candidates(ledger, rows, needles, told):
        yield from (step for step in steps_of(ledger, height) if is_about(step.outcome))


def steps_of(ledger: Ledger, height: int) -> list[Step]:
    """All transactions of a block; none where it is not whole here. Raises Damaged."""
    past = ledger.receipted(height)
    if past is None:
        return []
    return [Step(height, index, past.time_us, outcome) for index, outcome in enumerate(past.outcomes)]


def receipts(
    ledger: Ledger, rows: Rows, names: Sequence[str], told: Told = nothing_told
) -> Iterator[tuple[int, int, Receipt]]:
    """Height, index and receipt of those whose bytes hold one of `names`: all events of an account, say, without what
    was said to cause them."""
    needles = [name.encode() for name in names]
    for low, high in _chunks(ledger, told):
        for key, data in rows.range("receipt", receipt_key(low, 0), receipt_key(high, 0)):
            if any(needle in data for needle in needles):
                yield int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big"), _receipt(data)


def find_transaction(
    ledger: Ledger, rows: Rows, begins: bytes, told: Told = nothing_told
) -> Iterator[tuple[int, int, Receipt]]:
    """Those whose id begins so."""
    for low, high in _chunks(ledger, told):
        for key, data in rows.range("receipt", receipt_key(low, 0), receipt_key(high, 0)):
            if begins in data and (receipt := _receipt(data)).transaction.startswith(begins):
                yield int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big"), receipt


def _candidates(ledger: Ledger, rows: Rows, needles: Sequence[bytes], told: Told) -> Iterator[int]:
    """Heights whose bytes hold a needle, whatever the case in which it is written."""
    for low, high in _chunks(ledger, told):
        found: set[int] = set()
        for table in ("batch", "receipt"):
            for key, data in rows.range(table, height_key(low), height_key(high)):
                height = int.from_bytes(key[:8], "big")
                if height not in found and any(needle in data.lower() for needle in needles):
                    found.add(height)
        if low == 0 and any(needle in call.arguments.lower() for call in ledger.genesis.calls for needle in needles):
            found.add(0)
        yield from sorted(found)


def _chunks(ledger: Ledger, told: Told) -> Iterator[tuple[int, int]]:
    head = ledger.head_height
    for low in range(first_height(ledger), head + 1, CHUNK):
        told(low, head)
        yield low, min(low + CHUNK, head + 1)


# --- what a transaction names ---------------------------------------------------------------------------------------


def texts_of(outcome: Outcome) -> Iterator[str]:
    """Every text in its arguments and events, and each word of its refusal."""
    try:
        yield from _texts(msgspec.msgpack.decode(outcome.arguments))
    except msgspec.MsgspecError as error:
        raise Damaged(f"the arguments of a transaction of {outcome.member} cannot be read: {error}") from None
    for event in outcome.receipt.events:
        yield from _texts(event.fields)
    if not outcome.receipt.is_ok:
        yield from (word.strip(_TRIMMED) for word in outcome.receipt.sentence.split())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        if {"psn_no", "year", "sequence"} <= value.keys():  # an entry of a journal, whose key has three parts
            yield f"{value['psn_no']}/{value['year']}/{value['sequence']}"
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, bytes) and value[:1] and 0x80 <= value[0] <= 0x9F:  # a body that a person has signed
        try:
            inner = msgspec.msgpack.decode(value)
        except msgspec.MsgspecError:
            return
        yield from _texts(inner)
