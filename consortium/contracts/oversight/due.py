"""What becomes due on a day: a payment that was not made, a volume that was not reached, a licence that ends.

A system puts an entry when it knows the day, and clears it when the matter is settled before. What stands when the day
has come is *rung*: somebody calls the operation that the entry names, with its key, and that tells on the ledger what
is due. Whoever rings first takes the entry, so that each is told once; ringing it again does nothing. Bureau and
regulator ring by themselves (`roles/duties.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from consortium.contracts.checks import FOREVER
from consortium.core.calendar import compute_day_after
from consortium.core.contract import Context, Refused, State, StateReader, Table


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "YYYYMMDD/contract.operation/key"; the key may hold "/". `since`: the height at which it was put."""

    since: int


FIRST_DAY = 10000101
DUE: Table[Entry] = Table("due", Entry)


class Ring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Argument of every operation that an entry may name: the entry's day and key."""

    day: int
    key: str


class Waiting(NamedTuple):
    """An entry: `name` is its whole key in the table; `since` as of Entry."""

    name: str
    day: int
    contract: str
    operation: str
    key: str
    since: int


def put(state: State, day: int, kind: str, key: str, context: Context) -> None:
    """On `day` the operation `kind` ("contract.operation") becomes due for `key`. Putting it twice puts it once."""
    assert FIRST_DAY <= day <= FOREVER, f"{day} is no day that sorts among others"
    state.put(DUE, entry_name(day, kind, key), Entry(context.height))


def clear(state: State, day: int, kind: str, key: str) -> None:
    """Settled before its day. What is not there need not be cleared."""
    name = entry_name(day, kind, key)
    if state.get(DUE, name) is not None:
        state.delete(DUE, name)


def take(state: State, ring: Ring, kind: str, context: Context) -> bool:
    """Whether the entry stands, and its day has come: then it is gone, and the caller tells what is due. False: it was
    rung or cleared before, and there is nothing to tell. Refuses `not-due`."""
    name = entry_name(ring.day, kind, ring.key)
    if state.get(DUE, name) is None:
        return False
    if context.day < ring.day:
        raise Refused("not-due", f"{kind} of {ring.key} becomes due on {ring.day}; today is {context.day}")
    state.delete(DUE, name)
    return True


def is_waiting(state: StateReader, name: str) -> bool:
    return state.get(DUE, name) is not None


def due_until(state: StateReader, day: int, count_max: int) -> Iterator[Waiting]:
    """The first entries that are due on `day` or were before, in order of days."""
    for name, entry in state.range(DUE, "", str(compute_day_after(day, 1)), limit=count_max):
        on, kind, key = name.split("/", 2)
        contract, operation = kind.split(".", 1)
        yield Waiting(name, int(on), contract, operation, key, entry.since)


def entry_name(day: int, kind: str, key: str) -> str:
    return f"{day}/{kind}/{key}"
