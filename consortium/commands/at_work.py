"""That a command works: one line on a terminal while it does what may take seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from consortium.commands.language import spoken

Told = Callable[[int, int], None]


@contextmanager
def at_work(what: str) -> Iterator[Told]:
    """On a terminal `what` stands on stderr, or `block HEIGHT of HEAD` once that was told; gone afterwards. Nothing
    elsewhere, so that logs and pipes stay clean."""
    if not sys.stderr.isatty():
        yield lambda height, head: None
        return
    words = spoken()
    with Console(stderr=True).status(_line(what), spinner="line") as status:
        yield lambda height, head: status.update(_line(words("block {height} of {head}", height=height, head=head)))


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
