"""Answers out of the node's ledger, each as of one moment: a few connections that read only, a thread for each.

An answer has a time limit; a look at the clock stands between any two rows that it reads. What it may know is the
state behind the head: members, rules and rows belong together.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from consortium.contracts import load_contracts
from consortium.core.calendar import compute_day
from consortium.core.codec import Malformed
from consortium.core.contract import Contract, Reader, StateReader
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis
from consortium.core.header import Header, decode_header
from consortium.core.membership import Epoch
from consortium.core.registry import epoch_at
from consortium.ledger.certificate import stored_seals
from consortium.ledger.rows import Damaged, height_key, read_height
from consortium.ledger.rule_book import RuleBook
from consortium.ledger.state import Reader as ReadState
from consortium.ledger.state import State
from nodes.gateway.errors import Problem, too_many
from nodes.process.live_rows import LiveRows, TooLong

A = TypeVar("A")


class Moment(NamedTuple):
    """The ledger as it is at one moment. `epoch`, `contracts`: those of the next height. `sealed`: the height of the
    newest seal, 0 where there is none."""

    genesis: Genesis
    rows: LiveRows
    state: StateReader
    head: Header
    sealed: int
    epoch: Epoch
    contracts: Mapping[str, Contract]

    @property
    def day(self) -> int:
        """YYYYMMDD, the chain's day at its head."""
        return compute_day(self.head.time_us, self.genesis.parameters.utc_offset_minutes)

    def reader(self, member: str) -> Reader:
        """Who asks. Raises Problem 403 where it is no member any more."""
        found = self.epoch.by_name.get(member)
        if found is None:
            raise Problem(403, "no-member", f"{member} is no member of the consortium")
        return Reader(member, found.role, self.day)


class LedgerReader:
    """One connection; one thread at a time."""

    def __init__(self, path: Path, genesis: Genesis) -> None:
        self.rows = LiveRows(path)
        self._genesis = genesis
        self._state = State(self.rows)
        self._rules = RuleBook(load_contracts(), self._state)
        self._head = b""
        self._moment: Moment | None = None

    def close(self) -> None:
        self.rows.close()

    @contextmanager
    def moment(self, seconds_max: float) -> Iterator[Moment]:
        """Raises TooLong, Damaged, UserError (it holds no block yet, or is of another chain)."""
        self.rows.begin(seconds_max)
        try:
            yield self._now()
        finally:
            self.rows.end()

    def _now(self) -> Moment:
        head = self.rows.get("meta", b"head")
        if head is None:
            raise UserError(f"{self.rows.path} holds no block yet")
        sealed = stored_seals(self.rows)[1]
        if self._moment is None or head != self._head:
            self._moment, self._head = self._take_up(read_height(head[:8])), head
        if self._moment.sealed != sealed:
            self._moment = self._moment._replace(sealed=sealed)
        return self._moment

    def _take_up(self, height: int) -> Moment:
        self._state.forget()
        self.rows.take_up()
        try:
            header = decode_header(self.rows.get("block", height_key(height)) or b"")
        except Malformed as error:
            raise Damaged(f"the block of height {height} cannot be read: {error}") from None
        if header.chain != self._genesis.chain:
            raise UserError(f"{self.rows.path} was begun with another genesis file")
        epoch = epoch_at(self._state, height + 1)
        if epoch is None:
            raise Damaged(f"{self.rows.path} knows no members")
        contracts = self._rules.at(height + 1).contracts
        return Moment(self._genesis, self.rows, ReadState(self._state), header, 0, epoch, contracts)


class Readers:
    """`count` connections to one ledger, opened when they are first needed, and a thread for each. `waiting_max`: so
    many answers may wait for one; one more is told to come again."""

    def __init__(self, path: Path, genesis: Genesis, count: int, seconds_max: float, waiting_max: int) -> None:
        self.path = path
        self._genesis = genesis
        self._seconds_max = seconds_max
        self._waiting_max = waiting_max
        self._threads = ThreadPoolExecutor(count, "reader")
        self._idle: queue.SimpleQueue[LedgerReader] = queue.SimpleQueue()
        self._generation = 0  # of connections: those of an older one are closed when they come back
        self.waiting = 0

    async def answer(self, ask: Callable[[Moment], A], *, is_ours: bool = False) -> A:
        """`ask` of the present moment, in a thread. `is_ours`: asked by the gateway itself, and so not turned away.
        Raises Problem 429, 503 and what `ask` raises."""
        if self.waiting >= self._waiting_max and not is_ours:
            raise too_many("many answers are being looked up: come again")
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, ask)
        except TooLong:
            raise Problem(503, "took-too-long", "the answer took too long: ask for less", retry_after_s=1) from None
        except UserError as error:
            raise Problem(503, "no-ledger", f"the ledger cannot be read now: {error}", retry_after_s=1) from None
        finally:
            self.waiting -= 1

    def _answer(self, ask: Callable[[Moment], A]) -> A:
        generation = self._generation
        try:
            reader = self._idle.get_nowait()
        except queue.Empty:
            reader = LedgerReader(self.path, self._genesis)
        try:
            with reader.moment(self._seconds_max) as moment:
                return ask(moment)
        except (Damaged, UserError) as error:
            if not isinstance(error, TooLong):
                generation = -1  # another connection may read what this one could not
            raise
        finally:
            if generation == self._generation:
                self._idle.put(reader)
            else:
                reader.close()

    def forget(self) -> None:
        """The node has gone: what its next process writes is read through new connections."""
        self._generation += 1
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def close(self) -> None:
        self._threads.shutdown()
        self.forget()
