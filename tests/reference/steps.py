"""One step of a walk: a call of a contract, and what the reference makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple, TypeVar

from tests.reference.accounts import No
from tests.reference.book import Book
from tests.reference.nodes import Call

Expect = Callable[[Book], None]


K = TypeVar("K")
V = TypeVar("V")


class Step(NamedTuple):
    """`expect` does to the book what the call must do to the ledger, or raises No where the ledger must refuse."""

    call: Call
    expect: Expect


def refused(book: Book) -> None:
    raise No("nobody of this role may do that")


def newest(of: Mapping[K, V], count: int) -> list[tuple[K, V]]:
    """The last entries of a dictionary, the oldest of them first, in time that does not grow with it."""
    return list(islice(reversed(of.items()), count))[::-1]  # type: ignore[call-overload]
