"""The ledger of a node of a run, opened to be read, while a person is told that this takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consortium.commands.at_work import at_work
from consortium.commands.language import spoken
from nodes.past import Past, open_past


@contextmanager
def opened(run: Path, member: str) -> Iterator[Past]:
    """The booted ledger of `ledger_file`. Raises UserError, Damaged, GenesisError."""
    with at_work(spoken()("reading the ledger")):
        past = open_past(run, member)
    try:
        yield past
    finally:
        past.rows.close()
