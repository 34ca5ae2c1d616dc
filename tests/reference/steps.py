"""One step of a walk: a call of a contract, and what the reference makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.reference.accounts import No
from tests.reference.book import Book
from tests.reference.nodes import Call

Expect = Callable[[Book], None]


class Step(NamedTuple):
    """`expect` does to the book what the call must do to the ledger, or raises No where the ledger must refuse."""

    call: Call
    expect: Expect


def refused(book: Book) -> None:
    raise No("nobody of this role may do that")
