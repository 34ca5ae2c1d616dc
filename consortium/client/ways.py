"""The gateways of a client: which is asked next, and when each may be asked again."""

from __future__ import annotations

import random
from collections.abc import Sequence

AGAIN_S = 0.1  # after the first failure of a gateway; twice as long after each further one
AGAIN_S_MAX = 5.0
RETRY_AFTER_S_MAX = 60.0


class Way:
    """One gateway. `free_s`: when it may be asked again, by the client's clock; `lie`: what it was caught at."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.free_s = 0.0
        self.failures = 0
        self.lie = ""


class Ways:
    """The one that answered last is asked first, as long as it does."""

    def __init__(self, urls: Sequence[str]) -> None:
        if not urls:
            raise ValueError("name at least one gateway, as https://HOST:PORT")
        self.all = [Way(url) for url in urls]
        self._first = 0

    def choose(self, now_s: float) -> Way | None:
        """The next, which may have to be waited for; None where all have lied."""
        ordered = [*self.all[self._first :], *self.all[: self._first]]
        honest = [way for way in ordered if not way.lie]
        return min(honest, key=lambda way: max(way.free_s, now_s), default=None)

    def answered(self, way: Way) -> None:
        way.failures = 0
        self._first = self.all.index(way)

    def failed(self, way: Way, now_s: float, retry_after_s: float | None = None) -> None:
        """It gave no answer, or asked to be left alone for a while."""
        usual_s = min(AGAIN_S * 2**way.failures, AGAIN_S_MAX)
        wait_s = usual_s * random.uniform(0.5, 1.0) if retry_after_s is None else retry_after_s
        way.failures = min(way.failures + 1, 16)
        way.free_s = now_s + wait_s

    def busy(self, now_s: float, retry_after_s: float) -> None:
        """The consortium has as much to do as it takes: nobody is asked for a while, and then another first."""
        for way in self.all:
            way.free_s = max(way.free_s, now_s + retry_after_s)
        self._first = (self._first + 1) % len(self.all)

    @property
    def lies(self) -> str:
        return "; ".join(f"{way.url}: {way.lie}" for way in self.all if way.lie)


def retry_after_s(text: str | None) -> float:
    """Seconds of a Retry-After header; one second where it says nothing that can be waited for."""
    try:
        seconds = float(text or "")
    except ValueError:
        return 1.0
    return min(seconds, RETRY_AFTER_S_MAX) if seconds >= 0 else 1.0
