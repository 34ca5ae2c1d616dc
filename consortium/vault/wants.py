"""The records that a vault has yet to get: whom to ask next, and when; ever less often while nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from consortium.core.membership import NodeId

ASK_AGAIN_US = 1_000_000
ASK_AGAIN_MAX_US = 60_000_000
ROUNDS_MAX = 3
ASKS_MAX = 16  # open at a time


class Want:
    """One record. `purposes`: what our role reads it for, none where we only have to hold it."""

    __slots__ = ("delay_us", "differing", "due_us", "handle", "holder", "lacking", "nonce", "purposes", "rounds")

    def __init__(self, handle: str, now_us: int) -> None:
        self.handle = handle
        self.purposes: list[str] = []
        self.holder: NodeId = ""  # asked last, whose answer is waited for
        self.nonce = b""
        self.due_us = now_us
        self.delay_us = ASK_AGAIN_US
        self.lacking: set[NodeId] = set()
        self.rounds = 0  # in which all of them lacked it
        self.differing: set[NodeId] = set()  # they gave another record than the ledger knows

    def next_holder(self, holders: Sequence[NodeId]) -> NodeId | None:
        """Whom to ask now: the one after the last, of those that may have it; None where none is left, or all have said
        ROUNDS_MAX times that they lack it."""
        able = [name for name in holders if name not in self.differing]
        if able and all(name in self.lacking for name in able):
            self.rounds += 1
            self.lacking.clear()  # it may be theirs by now
        if not able or self.rounds >= ROUNDS_MAX:
            return None
        able = [name for name in able if name not in self.lacking]
        later = [name for name in able if name > self.holder]
        return (later or able)[0]


class Wants:
    """All of them. At most ASKS_MAX questions are open at a time; what has waited longest is asked for first."""

    def __init__(self) -> None:
        self._wants: dict[str, Want] = {}
        self._heap: list[
            tuple[int, int, str]
        ] = []  # (due_us, serial, handle); stale ones are dropped when they come up
        self._serial = 0
        self._open: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._wants)

    def add(self, handle: str, now_us: int) -> Want:
        want = self._wants.get(handle)
        if want is None:
            want = self._wants[handle] = Want(handle, now_us)
            self._push(want)
        return want

    def get(self, handle: str) -> Want | None:
        return self._wants.get(handle)

    def pop(self, handle: str) -> Want | None:
        self._open.pop(handle, None)
        return self._wants.pop(handle, None)

    def of_answer(self, nonce: bytes, holder: NodeId) -> Want | None:
        """The one that this holder answers with this nonce."""
        for handle in self._open:
            want = self._wants[handle]
            if want.nonce == nonce and want.holder == holder:
                return want
        return None

    def asked(self, now_us: int, want: Want, holder: NodeId, nonce: bytes) -> None:
        """The next question is due when this one has had its time, twice as long as the one before."""
        want.holder, want.nonce = holder, nonce
        want.due_us = now_us + want.delay_us
        want.delay_us = min(2 * want.delay_us, ASK_AGAIN_MAX_US)
        self._open[want.handle] = None
        self._push(want)

    def failed(self, now_us: int, want: Want) -> None:
        """The holder asked could not help: the next is asked at once, unless everybody was lately."""
        want.nonce = b""
        self._open.pop(want.handle, None)
        if want.delay_us <= 2 * ASK_AGAIN_US:
            want.due_us = now_us
            self._push(want)

    def take_due(self, now_us: int) -> Want | None:
        """One to ask for now; None where none is due, or enough are asked for."""
        while self._heap and self._heap[0][0] <= now_us:
            due_us, _, handle = self._heap[0]
            want = self._wants.get(handle)
            if want is None or want.due_us != due_us:
                heappop(self._heap)
                continue
            self._open.pop(handle, None)
            if len(self._open) >= ASKS_MAX:
                return None
            heappop(self._heap)
            return want
        return None

    def next_due_us(self) -> int | None:
        """When to look again; nothing that is later than the truth."""
        return self._heap[0][0] if self._heap and self._wants else None

    def _push(self, want: Want) -> None:
        self._serial += 1
        heappush(self._heap, (want.due_us, self._serial, want.handle))
