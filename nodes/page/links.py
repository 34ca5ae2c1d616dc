"""Which things a text names: what the page makes links of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from consortium.contracts import load_told_tables
from consortium.stories.lookup import try_key
from consortium.stories.story import Seen

TOKENS_MAX = 200  # of one answer: more are not looked up
_TOKEN = re.compile(r"[A-Za-z0-9_./:-]{3,120}")
_PLACE = re.compile(r"\d{1,15}/\d{1,6}")
_TRANSACTION = re.compile(r"[0-9a-f]{64}")


class Linker:
    """Looks each token up once."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._tables = load_told_tables()
        self._members = {each.name for each in seen.ledger.epochs.at(seen.ledger.head_height + 1).members}
        self._known: dict[str, dict[str, str] | None] = {}

    def links(self, texts: Iterable[str]) -> list[dict[str, str]]:
        """`{kind, id, word}` of each thing that is named, once: `word` is how it is written there."""
        found = []
        for token in dict.fromkeys(token for text in texts for token in tokens_of(text)):
            if token.isalpha() and token not in self._members:
                continue
            if token not in self._known:
                if len(self._known) >= TOKENS_MAX:
                    continue
                self._known[token] = self._look_up(token)
            if (link := self._known[token]) is not None:
                found.append(link)
        return found

    def _look_up(self, token: str) -> dict[str, str] | None:
        if token in self._members:
            return {"kind": "member", "id": token, "word": token}
        if _TRANSACTION.fullmatch(token) or _PLACE.fullmatch(token):
            return {"kind": "transaction", "id": token, "word": token}
        state: Any = self._seen.ledger.reader
        for word, table in self._tables.items():
            key = try_key(table, token)
            if key is not None and state.get(table, key) is not None:
                return {"kind": word, "id": key, "word": token}
        return None


def tokens_of(text: str) -> list[str]:
    """Words that may be the name of something."""
    return [token.rstrip(".:-/") for token in _TOKEN.findall(text)]
