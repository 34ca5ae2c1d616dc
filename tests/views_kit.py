"""A small consortium that keeps what was executed, for views: outcomes in order, and the state that they left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from consortium.core.contract import OK, Event, Receipt, Refused
from consortium.core.machine import Outcome, Receipted
from consortium.views.view import Book, Row, View, feed_block
from tests.contracts_state import Consortium


class Recorded(Consortium):
    """Each call that was made, also a refused one, as an outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[Outcome] = []

    def run(self, member: str, contract: str, operation: str, arguments: Any) -> list[Event]:
        raw, code, events = msgspec.msgpack.encode(arguments), OK, list[Event]()
        try:
            events = super().run(member, contract, operation, arguments)
            return events
        except Refused as refused:
            code = refused.code
            raise
        finally:
            receipt = Receipt(b"t" * 32, code, "", tuple(events))
            signer = "" if member == "genesis" else member
            self.outcomes.append(Outcome(signer, len(self.outcomes), contract, operation, raw, receipt))

    def blocks(self, sizes: list[int]) -> list[Receipted]:
        """The outcomes in blocks of these sizes, the last of which takes the rest."""
        blocks, start = [], 0
        for height, size in enumerate([*sizes, len(self.outcomes)]):
            blocks.append(Receipted(height, 0, tuple(self.outcomes[start : start + size]), True))
            start += size
        return blocks


def rows_of(view: View, outcomes: Sequence[Outcome], table: str) -> dict[Row, Row]:
    """Of one table of a view that was fed with all of this, by key."""
    book = Book(view.tables)
    feed_block(view, book, Receipted(1, 0, tuple(outcomes), True))
    return {key: row for (name, key), row in sorted(book.changes.items()) if name == table and row is not None}
