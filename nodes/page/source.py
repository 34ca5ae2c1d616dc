"""What the page is shown: a run that is over, a lone trace, or a consortium that stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

from nodes.page.ledgers import Ledgers


class PageSource(Protocol):
    """Asked in threads, but for `follow`. Each raises UserError with a sentence where it has no answer. `ledgers`: None
    where there are none."""

    ledgers: Ledgers | None

    def about(self) -> dict[str, Any]:
        """The fields of /page/about.json, but for what the server knows itself."""

    def records(self, upto: str = "") -> Iterator[bytes]:
        """Chunks of records (`pack`): all; of a consortium that stands the last ones, up to a cursor."""

    def trace(self) -> Iterator[dict[str, Any]] | None:
        """Every record in order of time; None where more will come."""

    def follow(self, cursor: str) -> AsyncIterator[bytes] | None:
        """Server-sent events from there on; None: nothing will come any more."""

    def stop(self) -> None:
        """The server ends: whoever follows is told no more."""

    def close(self) -> None:
        """Nothing is asked any more."""
