"""Views of this gateway: each in a file of its own, fed from the node's ledger when somebody asks.

The file beside the ledger, `views.sqlite`, is of `consortium view`, which holds it while it looks. This one is written
by the gateway alone, by one thread, and can be removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from consortium.core.codec import Malformed
from consortium.core.machine import Outcome, Receipted
from consortium.core.transaction import decode_call
from consortium.ledger.prune import bodies_above
from consortium.ledger.rows import Damaged
from consortium.views.view import View
from nodes.errors import UserError
from nodes.gateway.errors import Problem, too_many
from nodes.gateway.feed import header_digest, read_block
from nodes.gateway.reading import Moment, Readers
from nodes.gateway.settings import GatewayFolder
from nodes.gateway.transactions import read_transactions
from nodes.process.view_file import ViewFile

SLICE = 64  # blocks that are looked through at once
WAITING_MAX = 64  # answers that may wait for the thread of views

A = TypeVar("A")
_log = logging.getLogger("gateway")


class Slice(NamedTuple):
    """Implements `Blocks` for the blocks that follow a height: `told` of `first` … `head`, as far as they were read."""

    first: int
    head: int
    told: dict[int, Receipted]
    digests: dict[int, bytes]

    def digest(self, height: int) -> bytes:
        return self.digests.get(height, b"")

    def receipted(self, height: int) -> Receipted:
        return self.told[height]


class Views:
    """`answer` is for the loop of the gateway; the files are used in a thread of their own."""

    def __init__(self, folder: GatewayFolder, readers: Readers, chain: bytes, seconds_max: float) -> None:
        self._folder = folder
        self._readers = readers
        self._chain = chain
        self._seconds_max = seconds_max
        self._thread = ThreadPoolExecutor(1, "views")
        self._files: dict[str, ViewFile] = {}
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._first: dict[str, int] = {}
        self.waiting = 0

    async def answer(self, view: View, height: int, ask: Callable[[ViewFile, int], A]) -> A:
        """`ask(file, first height)` once the view has all up to `height`. Raises Problem, what `ask` raises."""
        if self.waiting >= WAITING_MAX:
            raise too_many("many views are being looked up: come again")
        self.waiting += 1
        try:
            async with asyncio.timeout(self._seconds_max):
                while self._height(view) < height or view.name not in self._first:
                    await asyncio.shield(self._working(view))
            return await self._in_thread(lambda: ask(self._fed(view), self._first[view.name]))
        except TimeoutError:
            so_far = f"it has the blocks up to {self._height(view)} of {height}"
            raise Problem(503, "being-made", f"the view is being made, {so_far}: come again", retry_after_s=1) from None
        except (sqlite3.Error, UserError) as error:
            _log.warning("the view %s is made anew: %s", view.name, error)
            await self._in_thread(lambda: self._drop(view.name))
            raise Problem(503, "being-made", "the view is made anew: come again", retry_after_s=1) from None
        finally:
            self.waiting -= 1

    def _working(self, view: View) -> asyncio.Task[None]:
        """What brings the view up, begun where nobody has: it goes on when whoever asked has gone."""
        task = self._at_work.get(view.name)
        if task is None or task.done():
            task = self._at_work[view.name] = asyncio.create_task(self._bring_up(view))
            task.add_done_callback(_heard)
        return task

    async def _bring_up(self, view: View) -> None:
        while True:
            file = await self._in_thread(lambda: self._opened(view))
            found = await self._readers.answer(lambda moment: read_slice(moment, file.head[0]), is_ours=True)  # noqa: B023
            await self._in_thread(lambda: _feed(file, found))  # noqa: B023
            self._first[view.name] = found.first
            if file.head[0] >= found.head:
                return

    def _height(self, view: View) -> int:
        file = self._files.get(view.name)
        return -1 if file is None else file.head[0]

    async def close(self) -> None:
        for task in self._at_work.values():
            task.cancel()
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)
        await self._in_thread(self._close_files)
        self._thread.shutdown()

    # --- in the thread ----------------------------------------------------------------------------------------------

    async def _in_thread(self, act: Callable[[], A]) -> A:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def _opened(self, view: View) -> ViewFile:
        file = self._files.get(view.name)
        if file is None:
            file = self._files[view.name] = ViewFile(self._folder.view(view.name), view, self._chain)
        return file

    def _fed(self, view: View) -> ViewFile:
        file = self._files.get(view.name)
        if file is None:
            raise UserError("its file was dropped")
        return file

    def _drop(self, name: str) -> None:
        """What cannot be read is good for nothing."""
        file = self._files.pop(name, None)
        if file is not None:
            file.close()
        path = self._folder.view(name)
        for each in (path, path.with_name(path.name + "-journal")):
            with contextlib.suppress(OSError):
                each.unlink(missing_ok=True)

    def _close_files(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


def _heard(task: asyncio.Task[None]) -> None:
    """What goes wrong is told to whoever asks, if anybody still does."""
    if not task.cancelled():
        task.exception()


def _feed(file: ViewFile, blocks: Slice) -> None:
    begin, last = file.begin(blocks), max(blocks.told, default=-1)
    for height in range(begin, last + 1) if begin in blocks.told else ():
        file.feed(blocks, height, is_last=height == last)


def read_slice(moment: Moment, after: int) -> Slice:
    """The blocks behind the height that a view was fed, or the first that are here where those are gone."""
    above, head = bodies_above(moment.rows), moment.head.height
    first = above + 1 if above else 0
    begin = after + 1 if first <= after + 1 <= head + 1 else first
    heights = range(begin, min(head, begin + SLICE - 1) + 1)
    digests = {height: header_digest(moment, height) for height in (after, *heights) if first <= height <= head}
    return Slice(first, head, {height: read_receipted(moment, height) for height in heights}, digests)


def read_receipted(moment: Moment, height: int) -> Receipted:
    """The outcomes of a block. Raises Damaged."""
    block = read_block(moment, height)
    if height == 0:
        calls = [("", 0, call.contract, call.operation, call.arguments) for call in moment.genesis.calls]
    else:
        calls = [_call(member, transaction) for member, transaction in read_transactions(moment, height)]
    if len(calls) != len(block.receipts):
        raise Damaged(f"block {height} has {len(block.receipts)} receipts for {len(calls)} transactions")
    pairs = zip(calls, block.receipts, strict=True)
    return Receipted(height, block.time_us, tuple(Outcome(*call, receipt) for call, receipt in pairs), True)


def _call(member: str, transaction: bytes) -> tuple[str, int, str, str, bytes]:
    try:
        call = decode_call(transaction)
    except Malformed:  # its receipt refuses it
        return member, 0, "", "", b""
    return member, call.number, call.contract, call.operation, bytes(call.arguments)
