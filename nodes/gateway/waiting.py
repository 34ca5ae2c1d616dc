"""Transactions in flight: what was handed in and not answered yet, and who waits for how much of it.

A transaction goes through stages: TAKEN (durable at the node), EXECUTED (its block is in the node's own ledger),
ACKNOWLEDGED (f+1 members signed that they have the same block: one liar cannot have made it up), SEALED (a quorum has
sealed it or what follows). Whoever asks for the same one again waits beside the first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from consortium.core.contract import Receipt
from nodes.gateway.errors import Problem
from nodes.process.log import about

USUAL_OF = 16  # transactions
FORGOTTEN_S = 120.0  # what was taken and is not executed by then: the node says it again, nobody here waits for it

_log = logging.getLogger("gateway")


class Stage(IntEnum):
    SUBMITTED = 0
    TAKEN = 1
    EXECUTED = 2
    ACKNOWLEDGED = 3
    SEALED = 4


class Outcome(NamedTuple):
    """What came of a transaction, which is number `number` of its block."""

    height: int
    number: int
    time_us: int
    receipt: Receipt


class InFlight:
    """One transaction, by its id."""

    __slots__ = ("_waiters", "began_s", "identity", "outcome", "problem", "replies", "stage")

    def __init__(self, identity: bytes, began_s: float) -> None:
        self.identity = identity
        self.began_s = began_s
        self.stage = Stage.SUBMITTED
        self.outcome: Outcome | None = None
        self.replies: dict[str, bytes] = {}  # signatures of those that acknowledged it, by name
        self.problem: Problem | None = None
        self._waiters: list[tuple[Stage, asyncio.Future[None]]] = []

    @property
    def acknowledged_by(self) -> tuple[str, ...]:
        return tuple(sorted(self.replies))

    @property
    def is_awaited(self) -> bool:
        return bool(self._waiters)

    async def reached(self, stage: Stage, seconds_max: float) -> bool:
        """Whether it has reached this stage in time. Raises the Problem that ended it."""
        if self.problem is None and self.stage < stage:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiter = (stage, future)
            self._waiters.append(waiter)
            try:
                async with asyncio.timeout(seconds_max):
                    await future
            except TimeoutError:
                return False
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        if self.problem is not None:
            raise self.problem
        return self.stage >= stage

    def reach(self, stage: Stage) -> None:
        if stage <= self.stage:
            return
        self.stage = stage
        _log.debug("%s", stage.name.lower(), extra=about(self.identity))
        self._wake(lambda wanted: wanted <= stage)

    def end(self, problem: Problem) -> None:
        self.problem = problem
        _log.debug("not taken, or lost sight of: %s", problem.code, extra=about(self.identity))
        self._wake(lambda wanted: True)

    def _wake(self, is_woken: Callable[[Stage], bool]) -> None:
        woken = [waiter for waiter in self._waiters if is_woken(waiter[0])]
        self._waiters = [waiter for waiter in self._waiters if not is_woken(waiter[0])]
        for _, future in woken:
            if not future.done():
                future.set_result(None)


class Acknowledged(NamedTuple):
    """Of a block: who signed that it has it, among them this node."""

    digest: bytes
    replies: dict[str, bytes]


class Waiting:
    """All transactions in flight, and of the newest blocks who has acknowledged them."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._held: dict[bytes, InFlight] = {}
        self._at: dict[int, list[InFlight]] = {}  # executed, and not sealed yet, by height
        self._replies: dict[int, Acknowledged] = {}
        self._digests: dict[int, bytes] = {}
        self.sealed = 0
        self.usual_s = 0.0  # that transactions took of late, from here into a block

    def __len__(self) -> int:
        return len(self._held)

    def get(self, identity: bytes) -> InFlight | None:
        return self._held.get(identity)

    def begin(self, identity: bytes) -> tuple[InFlight, bool]:
        """The one in flight, and whether it is new."""
        held = self._held.get(identity)
        if held is not None:
            return held, False
        made = self._held[identity] = InFlight(identity, self._now_s())
        _log.debug("received", extra=about(identity))
        return made, True

    def drop(self, one: InFlight, problem: Problem) -> None:
        """It was not taken, or nobody knows: whoever waits is told."""
        if self._held.get(one.identity) is one:
            del self._held[one.identity]
        one.end(problem)

    def drop_all(self, problem: Callable[[InFlight], Problem]) -> None:
        """The node is away. What was executed before is answered by what is known of it."""
        for one in list(self._held.values()):
            if one.stage < Stage.EXECUTED:
                self.drop(one, problem(one))

    # --- what happens to them ---------------------------------------------------------------------------------------

    def executed(self, one: InFlight, outcome: Outcome, digest: bytes) -> None:
        """Its block is in the ledger of this node."""
        if one.outcome is not None:
            return
        one.outcome = outcome
        self.usual_s += (self._now_s() - one.began_s - self.usual_s) / USUAL_OF
        self._digests.setdefault(outcome.height, digest)
        self._at.setdefault(outcome.height, []).append(one)
        one.reach(Stage.EXECUTED)
        self._look_at(outcome.height)

    def acknowledged(self, height: int, digest: bytes, replies: Mapping[str, bytes]) -> None:
        """f+1 members or more signed that the block of this height has the header of this digest: their signatures, by
        name, were verified."""
        self._replies[height] = Acknowledged(digest, dict(replies))
        self._look_at(height)

    def seal(self, height: int) -> None:
        """A quorum sealed this height: all blocks up to it stand."""
        if height <= self.sealed:
            return
        self.sealed = height
        for each in sorted(at for at in self._at if at <= height):
            self._look_at(each)
        for known in (self._replies, self._digests):
            for each in [at for at in known if at <= height]:
                del known[each]

    def _look_at(self, height: int) -> None:
        there = self._at.get(height, ())
        is_sealed = height <= self.sealed
        replies = self._replies.get(height)
        if replies is None or replies.digest != self._digests.get(height):
            replies = None
        for one in there:
            if replies is not None:
                one.replies = replies.replies
            if is_sealed:
                one.reach(Stage.SEALED)
            elif replies is not None:
                one.reach(Stage.ACKNOWLEDGED)
        if is_sealed and there:
            for one in self._at.pop(height):
                self._held.pop(one.identity, None)

    def sweep(self) -> None:
        """Let go of what nobody waits for: acknowledged, or taken long ago."""
        old_s = self._now_s() - FORGOTTEN_S
        for one in list(self._in_order()):
            if not one.is_awaited and (one.stage >= Stage.ACKNOWLEDGED or one.began_s < old_s):
                del self._held[one.identity]
                if one.outcome is not None:
                    self._at[one.outcome.height].remove(one)
                    if not self._at[one.outcome.height]:
                        del self._at[one.outcome.height]

    def _in_order(self) -> Iterator[InFlight]:
        yield from self._held.values()
