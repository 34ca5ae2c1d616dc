"""Messages for a person in the language that was asked for. English is the source; a catalogue brings another one.

Which language it is, and the file that holds it, is for the command line to find out: here it is a value handed down.
What a program reads (verdict.json, measures.csv, traces) stays English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


def mark(message: str) -> str:
    """The message itself: it stands in a table here, and is translated where it is shown."""
    return message


def _as_it_is(message: str) -> str:
    return message


class Words(NamedTuple):
    """`words("{count} runs", count=3)`. `translate` gives the message in `language`, or as it is where it has none."""

    language: str = "en"
    translate: Callable[[str], str] = _as_it_is

    def __call__(self, message: str, /, **values: object) -> str:
        said = self.translate(message) if message else ""
        return said.format(**values) if values else said


ENGLISH = Words()
