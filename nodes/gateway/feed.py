"""Follows the ledger block by block: the index takes each up, and whoever waits for a transaction in it is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import msgspec

from consortium.core.codec import Malformed
from consortium.core.contract import Receipt
from consortium.core.header import decode_header, header_bytes_digest
from consortium.core.membership import Epoch
from consortium.ledger.prune import bodies_above
from consortium.ledger.rows import Damaged, height_key, receipt_key
from nodes.gateway.errors import Problem
from nodes.gateway.index import FedBlock, Index, Place
from nodes.gateway.reading import Moment, Readers
from nodes.gateway.waiting import InFlight, Outcome, Waiting

SLICE = 256  # blocks that are looked through at once
TICK_S = 0.5  # without news
SOON_S = 0.002  # the node has executed what its file does not show yet

_RECEIPT = msgspec.msgpack.Decoder(Receipt)
A = TypeVar("A")
_log = logging.getLogger("gateway")


class Slice(NamedTuple):
    """`epoch`: of the block behind the head. `is_foreign`: what the index was fed is not of this ledger, or the blocks
    behind it are not here any more."""

    blocks: tuple[FedBlock, ...]
    head: int
    sealed: int
    epoch: Epoch
    is_foreign: bool = False


class Feed:
    """`height`: up to here everything was looked through. `on_blocks` is told of new ones."""

    def __init__(self, readers: Readers, index: Index, waiting: Waiting) -> None:
        self._readers = readers
        self._index = index
        self._waiting = waiting
        self._thread = ThreadPoolExecutor(1, "index")
        self._news = asyncio.Event()
        self._told = -1  # the highest height that the node says it has executed
        self.head = -1
        self.epochs: dict[int, Epoch] = {}  # by number, those that were met
        self.on_blocks: Callable[[tuple[FedBlock, ...]], None] = lambda blocks: None
        self.on_repeated: Callable[[InFlight], None] = lambda flight: None  # it was executed before, elsewhere

    @property
    def height(self) -> int:
        return self._index.head[0]

    @property
    def is_caught_up(self) -> bool:
        return self.head >= 0 and self.height >= self.head

    def hear(self, height: int) -> None:
        """The node says that it executed this height."""
        self._told = max(self._told, height)
        self._news.set()

    async def find(self, identity: bytes) -> Place | None:
        return await self._on_index(lambda index: index.find(identity))

    async def outcome(self, place: Place) -> Outcome:
        """What stands in this place."""
        return await self._readers.answer(lambda moment: read_outcome(moment, place), is_ours=True)

    async def digest(self, height: int) -> bytes:
        """Of the header of this height."""
        return await self._readers.answer(lambda moment: header_digest(moment, height), is_ours=True)

    async def run(self) -> None:
        """Until it is cancelled. What cannot be read now is read later."""
        while True:
            try:
                await self._advance()
            except Problem as problem:
                _log.info("%s", problem.detail)
            await self._pause()

    async def _pause(self) -> None:
        if self._told > self.height:
            await asyncio.sleep(SOON_S)
            return
        self._news.clear()
        try:
            async with asyncio.timeout(TICK_S):
                await self._news.wait()
        except TimeoutError:
            self._waiting.sweep()

    async def _advance(self) -> None:
        while True:
            head = self._index.head
            found = await self._readers.answer(lambda moment: read_slice(moment, head), is_ours=True)  # noqa: B023
            if found.is_foreign:
                await self._on_index(lambda index: index.clear())
                self._told = -1
                continue
            await self._on_index(lambda index: index.put(found.blocks))  # noqa: B023
            self.head = found.head
            self._tell(found)
            if len(found.blocks) < SLICE:
                return

    def _tell(self, found: Slice) -> None:
        self.epochs[found.epoch.number] = found.epoch
        for block in found.blocks:
            for place, receipt in enumerate(block.receipts):
                one = self._waiting.get(receipt.transaction)
                if one is not None and receipt.code == "already-executed":
                    self.on_repeated(one)
                elif one is not None:
                    outcome = Outcome(block.height, place, block.time_us, receipt)
                    self._waiting.executed(one, outcome, block.digest)
        self._waiting.seal(found.sealed)
        if found.blocks:
            self.on_blocks(found.blocks)

    async def _on_index(self, act: Callable[[Index], A]) -> A:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, self._index)

    def close(self) -> None:
        self._thread.shutdown()
        self._index.close()


def read_slice(moment: Moment, after: tuple[int, bytes]) -> Slice:
    """The blocks that follow (height, digest), as many as are looked through at once."""
    head, rows = moment.head.height, moment.rows
    above = bodies_above(rows)
    first = above + 1 if above else 0
    height, digest = after
    is_there = height < 0 or (
        first - 1 <= height <= head and (height < first or digest == header_digest(moment, height))
    )
    if not is_there:
        return Slice((), head, moment.sealed, moment.epoch, True)
    begin = max(height + 1, first)
    blocks = tuple(read_block(moment, at) for at in range(begin, min(head, begin + SLICE - 1) + 1))
    return Slice(blocks, head, moment.sealed, moment.epoch)


def read_block(moment: Moment, height: int) -> FedBlock:
    """Raises Damaged."""
    data = moment.rows.get("block", height_key(height)) or b""
    try:
        header = decode_header(data)
        receipts = tuple(_RECEIPT.decode(each) for each in receipts_of(moment, height))
    except (Malformed, msgspec.MsgspecError) as error:
        raise Damaged(f"the block of height {height} cannot be read: {error}") from None
    return FedBlock(height, header.time_us, header_bytes_digest(data), receipts)


def receipts_of(moment: Moment, height: int) -> list[bytes]:
    """In their order."""
    return [data for _, data in moment.rows.range("receipt", receipt_key(height, 0), receipt_key(height + 1, 0))]


def read_outcome(moment: Moment, place: Place) -> Outcome:
    """Raises Problem 404 where the block is not here any more, Damaged."""
    block = read_block(moment, place.height)
    if place.number >= len(block.receipts):
        raise Problem(404, "let-go", "this node does not hold the block any more: ask the gateway of an archive")
    return Outcome(place.height, place.number, block.time_us, block.receipts[place.number])


def header_digest(moment: Moment, height: int) -> bytes:
    return header_bytes_digest(moment.rows.get("block", height_key(height)) or b"")
