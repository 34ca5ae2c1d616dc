"""All kinds of things that can be told: those with a file of their own, and every table that a contract tells."""

from __future__ import annotations

from collections.abc import Callable

from consortium.contracts import load_told_tables
from consortium.core.discovery import modules_of
from consortium.stories.record import tell_record
from consortium.stories.story import Seen, Story, Teller


def load_tellers() -> dict[str, Teller]:
    """By the word that a person asks by: a new kind is one new file of this folder, or a table with a word."""
    offered = [getattr(module, "TELLER", None) for module in modules_of("consortium.stories")]
    found = {each.name: each for each in offered if isinstance(each, Teller)}
    for word in load_told_tables():
        found.setdefault(word, Teller(word, "its key", _of(word)))
    return dict(sorted(found.items()))


def _of(word: str) -> Callable[[Seen, str], Story]:
    def tell(seen: Seen, identity: str) -> Story:
        return tell_record(seen, word, identity)

    return tell
