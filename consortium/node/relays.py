"""Which waiting bundles are told to everybody again, and when: what nobody ordered for half a timer, within a budget.

The leader may never have heard of a bundle that a client told to others alone. It must hear of it early enough to order
it before anybody suspects it, so a bundle is told when it has waited for half a timer, and not at some later tick.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.core.transaction import Opened
from consortium.node.held_bundles import Entry, HeldBundles
from consortium.node.submission import SUBMISSION_BUNDLES_MAX

RELAY_BUNDLES_MAX = 64
RELAY_BYTES_MAX = 64_000
LOOKS = 8  # in half a timer, at most


class _Told(NamedTuple):
    """How often a waiting bundle was told again, when the second time (0: not yet), and when the last time."""

    times: int
    second_us: int
    last_us: int


_NEVER = _Told(0, 0, 0)


class Relays:
    """The oldest first, each once in half a timer, and no more than the budget in that time, so that load alone never
    multiplies traffic. Our own that were overtaken are told beyond the budget: a leader that serves first come first
    served does not have them."""

    def __init__(self, me: NodeId, held: HeldBundles, is_gone: Callable[[Opened], bool]) -> None:
        """`is_gone` tells whether no block would execute a bundle any more."""
        self._me = me
        self._held = held
        self._is_gone = is_gone
        self._told: dict[bytes, _Told] = {}
        self._budget_since_us = 0
        self._places_left = RELAY_BUNDLES_MAX
        self._bytes_left = RELAY_BYTES_MAX

    def second_us(self, digest: bytes) -> int:
        """When this waiting bundle was told for the second time; 0: it was not yet."""
        return self._told.get(digest, _NEVER).second_us

    def forget(self, digest: bytes) -> None:
        """It waits no more."""
        self._told.pop(digest, None)

    def look(self, now_us: int, wait_us: int, overtaker_us: int) -> tuple[list[Entry], int]:
        """The bundles to tell now, and after how long to look again. What no block would execute any more is dropped on
        the way. `overtaker_us`: when the youngest bundle came that was executed."""
        if now_us - self._budget_since_us >= wait_us:
            self._budget_since_us = now_us
            self._places_left, self._bytes_left = RELAY_BUNDLES_MAX, RELAY_BYTES_MAX
        chosen: list[Entry] = []
        next_us = now_us + wait_us
        for entry in list(islice(self._held.waiting.values(), SUBMISSION_BUNDLES_MAX)):
            digest = entry.bundle.digest
            told = self._told.get(digest, _NEVER)
            due_us = wait_us + (told.last_us if told.times else entry.received_us)
            if due_us > now_us:
                next_us = min(next_us, due_us)
                if not told.times:
                    break  # whatever came later is younger
                continue
            is_lost = entry.bundle.member == self._me and entry.received_us + wait_us // 2 < overtaker_us
            if not is_lost and not self._places_left:
                continue
            if self._is_gone(entry.bundle):
                self.forget(digest)
                self._held.drop(digest)
            elif is_lost or self._spend(len(entry.bundle.raw)):
                chosen.append(entry)
                self._told[digest] = _Told(told.times + 1, now_us if told.times == 1 else told.second_us, now_us)
        if not self._places_left:
            next_us = max(next_us, self._budget_since_us + wait_us)
        return chosen, max(next_us - now_us, wait_us // LOOKS)

    def _spend(self, size: int) -> bool:
        """Whether the budget has room for so many bytes; the first bundle of a budget may be longer than that."""
        if not self._places_left:
            return False
        if size > self._bytes_left < RELAY_BYTES_MAX:
            self._places_left = 0
            return False
        self._places_left -= 1
        self._bytes_left -= size
        return True
