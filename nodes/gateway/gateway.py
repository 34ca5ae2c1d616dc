"""A gateway's parts, put together: they begin and end with it, and the routes use them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.header import decode_header
from consortium.core.proven import Anchor, ProofError
from consortium.core.replies import verify_acknowledged
from nodes.gateway.applications import Application, Applications
from nodes.gateway.errors import Problem, node_away
from nodes.gateway.feed import Feed
from nodes.gateway.index import Index
from nodes.gateway.limits import Lag
from nodes.gateway.metrics import Metrics
from nodes.gateway.node_link import NodeAway, NodeLink
from nodes.gateway.reading import Readers
from nodes.gateway.requests import today
from nodes.gateway.settings import GatewayFolder, GatewaySettings
from nodes.gateway.submit import Submitter
from nodes.gateway.views import Views
from nodes.gateway.waiting import InFlight, Waiting
from nodes.process.door_frames import DoorError, door_path
from nodes.process.log import follow_level

STATUS_S = 2.0  # between two looks at the node's own numbers

_log = logging.getLogger("gateway")


class Gateway:
    """`begin` before the first request, `end` after the last. `wall_us`: microseconds of UTC."""

    def __init__(
        self,
        genesis: Genesis,
        folder: GatewayFolder,
        settings: GatewaySettings,
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self.genesis = genesis
        self.folder = folder
        self.settings = settings
        self.wall_us = wall_us
        self.applications = Applications(folder)
        self.readers = Readers(folder.node.ledger, genesis, settings.readers, settings.answer_s, settings.waiting_max)
        self.waiting = Waiting()
        self.feed = Feed(self.readers, Index(folder.index, genesis.chain), self.waiting)
        self.views = Views(folder, self.readers, genesis.chain, settings.answer_s)
        self.link = NodeLink(door_path(folder.node), lambda: self.feed.height + 1, self._on_news, self._on_change)
        self.submitter = Submitter(
            genesis,
            self.applications,
            self.readers,
            self.feed,
            self.waiting,
            self.link,
            settings.in_flight_max,
        )
        self.on_end: Callable[[], None] = lambda: None  # before the server waits for those whom it still answers
        self.streams: set[asyncio.Event] = set()  # of those who follow what happens
        self.feed.on_blocks = lambda blocks: self._wake()
        self.lag = Lag(settings.lag_ms_max)
        self.metrics = Metrics()
        self.status: dict[str, Any] = {}
        self._is_changed = asyncio.Event()  # the node has come, or gone
        self._tasks: list[asyncio.Task[None]] = []
        self._watch()

    async def begin(self) -> None:
        for work in (self.link.run, self.feed.run, self.lag.run, self._look_at_node):
            self._tasks.append(asyncio.get_running_loop().create_task(work()))
            self._tasks[-1].add_done_callback(_tell_end)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.views.close()
        self.feed.close()
        self.readers.close()

    @staticmethod
    def clock() -> float:
        """Seconds of a clock that nobody sets."""
        return time.monotonic()

    # --- what routes ask --------------------------------------------------------------------------------------------

    def application(self, authorization: str | None) -> Application:
        """Whose token it is. Raises Problem 401."""
        kind, _, token = (authorization or "").partition(" ")
        found = self.applications.of_token(token.strip()) if kind.lower() == "bearer" and token else None
        if found is None:
            raise Problem(401, "unknown-token", "send Authorization: Bearer TOKEN, with the token of an application")
        return found

    @property
    def day(self) -> int:
        """Today, as requests are numbered: YYYYMMDD in the chain's calendar."""
        return today(self.wall_us(), self.genesis.parameters.utc_offset_minutes)

    def check_load(self) -> None:
        """Before a body is read: what is turned away costs least. Raises Problem 429, 503."""
        self.lag.check()
        self.submitter.check(1)

    def check_reachable(self) -> None:
        """Raises Problem 503."""
        if not self.link.is_up:
            raise node_away()

    async def note_read(self, application: Application, handle: str, purpose: str) -> None:
        """In the node's audit of reads, before the answer leaves. Raises Problem 503."""
        try:
            await self.link.ask("read", reader=application.full_name, handle=handle, purpose=purpose)
        except NodeAway:
            raise node_away() from None
        except DoorError as error:
            raise Problem(503, "not-audited", f"the read could not be noted: {error}", retry_after_s=1) from None

    # --- the node ---------------------------------------------------------------------------------------------------

    def _on_news(self, executed: dict[str, Any]) -> None:
        height, digest = int(executed["height"]), bytes(executed["digest"])
        self.feed.hear(height)
        if executed.get("sealed"):
            self.waiting.seal(height)
            self._wake()
        replies = executed.get("replies") or {}
        if replies and self._is_acknowledged(bytes(executed["header"]), replies):
            self.waiting.acknowledged(height, digest, replies)

    def _wake(self) -> None:
        for each in self.streams:
            each.set()

    def _is_acknowledged(self, header: bytes, replies: dict[str, bytes]) -> bool:
        """Whether f+1 of the members that this gateway has met signed it: a node alone cannot make it up. Of members
        that it has not met yet, a seal tells."""
        try:
            epoch = self.feed.epochs[decode_header(header).epoch]
            verify_acknowledged(Anchor(self.genesis.chain, self.genesis.suite, epoch), header, replies)
        except (Malformed, ProofError, KeyError) as error:
            _log.warning("replies that acknowledge nothing: %s", error)
            return False
        return True

    def _on_change(self, is_up: bool) -> None:
        self._is_changed.set()
        if is_up:
            return
        self.status = {}
        self.readers.forget()
        self.waiting.drop_all(_away)

    async def _look_at_node(self) -> None:
        while True:
            with contextlib.suppress(NodeAway, DoorError):
                if self.link.is_up:
                    self.status = await self.link.ask("status")
                    follow_level(self.status.get("log_level"))
                    self.metrics.tell_node({name: each for name, each in self.status.items() if name != "id"})
            self._is_changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STATUS_S):  # `wait_for` forgets a cancellation that meets the event
                    await self._is_changed.wait()

    def unready(self) -> str:
        """Why no application can use it now, as a sentence; empty where it is ready."""
        if not self.link.is_up:
            return "the node does not answer"
        if not self.status:
            return "the node has not said yet how it is"
        if self.status.get("bus") == "down":
            return "the node's bus is not up"
        if not self.feed.is_caught_up:
            return "the index of the ledger is being made"
        return ""

    def _watch(self) -> None:
        watch = self.metrics.watch
        watch("gateway_in_flight", "Transactions handed in and not answered yet.", lambda: len(self.waiting))
        watch("gateway_answers_waiting", "Answers that are being looked up.", lambda: self.readers.waiting)
        watch("gateway_lag_ms", "How late the event loop wakes.", lambda: self.lag.now_ms)
        watch("gateway_height", "Up to here the ledger was looked through.", lambda: self.feed.height)
        watch("gateway_sealed_height", "The newest seal.", lambda: self.waiting.sealed)
        watch("gateway_node_is_up", "Whether the node answers.", lambda: float(self.link.is_up))
        self.submitter.on_round = self.metrics.count_round


def _away(flight: InFlight) -> Problem:
    return node_away(transaction=flight.identity.hex())


def _tell_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("a part of the gateway ended: it serves no more", exc_info=task.exception())
        task.get_loop().stop()
