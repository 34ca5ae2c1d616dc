"""Hands transactions in: looked up, signed and given to the node in rounds, those that came together in one.

Rounds begin a fifth of the time apart that a transaction takes of late. So a single request waits for nobody, and under
load one look at the ledger, one signature of each application and one frame to the node serve many: what a round costs
here, in every node and in a block, is the same for one transaction and for fifty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from consortium.core.crypto import SUITES
from consortium.core.errors import UserError
from consortium.core.genesis import Genesis
from consortium.core.transaction import sign_bundle
from nodes.gateway.applications import Applications
from nodes.gateway.errors import Problem, node_away, too_many
from nodes.gateway.feed import Feed
from nodes.gateway.node_link import NodeAway, NodeLink
from nodes.gateway.reading import Moment, Readers
from nodes.gateway.requests import Request, Seen, look
from nodes.gateway.waiting import InFlight, Stage, Waiting
from nodes.process.door_frames import DoorError

ROUNDS_MAX = 4  # under way at a time
ROUND_MAX = 400  # transactions
GATHER_SHARE = 0.2  # of the time that a transaction takes of late: so far apart do rounds begin
GATHER_S_MAX = 0.5
BUNDLE_MAX = 100  # transactions under one signature
BUNDLE_BYTES_MAX = 250_000


class Handed(NamedTuple):
    """A bundle, and which transactions lie in it."""

    bundle: bytes
    flights: tuple[InFlight, ...]


class Looked(NamedTuple):
    """What one look at the ledger gave: of each request what was seen, and the bundles of those that are new."""

    seen: tuple[Seen, ...]
    bundles: tuple[tuple[bytes, tuple[int, ...]], ...]


class Submitter:
    def __init__(
        self,
        genesis: Genesis,
        applications: Applications,
        readers: Readers,
        feed: Feed,
        waiting: Waiting,
        link: NodeLink,
        in_flight_max: int,
    ) -> None:
        self._chain = genesis.chain
        self._suite = SUITES[genesis.suite]()
        self._applications = applications
        self._readers = readers
        self._feed = feed
        self._waiting = waiting
        self._link = link
        self._in_flight_max = in_flight_max
        self._gathered: list[tuple[Request, InFlight]] = []
        self._rounds = 0
        self._next_s = 0.0  # of the loop's clock: before, no round begins that is not full
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_round: Callable[[int], None] = lambda size: None
        feed.on_repeated = lambda flight: self._spawn(self.recall(flight, flight.identity))

    def hand_in(self, requests: Sequence[Request]) -> list[InFlight]:
        """Those that are in flight already are joined. Raises Problem 429, 503: and then nothing was taken."""
        self.check(len(requests))
        flights: list[InFlight] = []
        for request in requests:
            flight, is_new = self._waiting.begin(request.identity)
            if is_new:
                self._gathered.append((request, flight))
            flights.append(flight)
        self._start()
        return flights

    def hand_in_signed(self, bundle: bytes, identities: Sequence[bytes]) -> list[InFlight]:
        """A bundle that the client signed itself. Raises as `hand_in`."""
        self.check(len(identities))
        begun = [self._waiting.begin(identity) for identity in identities]
        if any(is_new for _, is_new in begun):
            self._spawn(self._give([Handed(bundle, tuple(flight for flight, _ in begun))]))
        return [flight for flight, _ in begun]

    def check(self, count: int) -> None:
        """Whether so many more may be handed in. Raises Problem 429, 503."""
        if not self._link.is_up:
            raise node_away()
        if len(self._waiting) + count > self._in_flight_max:
            raise too_many(f"{self._in_flight_max} transactions are in flight here")

    # --- rounds -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        while self._gathered and self._rounds < ROUNDS_MAX:
            if len(self._gathered) < BUNDLE_MAX and loop.time() < self._next_s:
                self._timer = self._timer or loop.call_at(self._next_s, self._start_late)
                break
            self._next_s = loop.time() + min(GATHER_S_MAX, self._waiting.usual_s * GATHER_SHARE)
            taken, self._gathered = self._gathered[:ROUND_MAX], self._gathered[ROUND_MAX:]
            self._rounds += 1
            self._spawn(self._round(taken))

    def _start_late(self) -> None:
        self._timer = None
        self._start()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _round(self, taken: list[tuple[Request, InFlight]]) -> None:
        self.on_round(len(taken))
        try:
            requests = [request for request, _ in taken]
            looked = await self._readers.answer(lambda moment: self._look(moment, requests), is_ours=True)
            for (request, flight), seen in zip(taken, looked.seen, strict=True):
                if seen.identity is not None:
                    self._spawn(self._used(request, flight, seen))
            handed = [Handed(raw, tuple(taken[at][1] for at in which)) for raw, which in looked.bundles]
            if handed:
                await self._give(handed)
        except (Problem, UserError) as error:
            problem = error if isinstance(error, Problem) else Problem(503, "no-key", str(error), retry_after_s=5)
            for _, flight in taken:
                if flight.stage < Stage.TAKEN:
                    self._waiting.drop(flight, problem)
        finally:
            self._rounds -= 1
            self._start()

    def _look(self, moment: Moment, requests: Sequence[Request]) -> Looked:
        """In a reader's thread: signatures, too."""
        seen = tuple(look(moment.state, self._chain, request, moment.day) for request in requests)
        of: dict[str, list[int]] = {}
        for at, request in enumerate(requests):
            if seen[at].identity is None:
                of.setdefault(request.application.name, []).append(at)
        bundles = [
            (self._sign(requests, part), tuple(part)) for places in of.values() for part in _parts(requests, places)
        ]
        return Looked(seen, tuple(bundles))

    def _sign(self, requests: Sequence[Request], places: Sequence[int]) -> bytes:
        application = requests[places[0]].application
        secret = self._applications.secret(application)
        bodies = [requests[at].transaction for at in places]
        return sign_bundle(self._chain, self._suite, secret, application.member, bodies)

    async def _give(self, handed: Sequence[Handed]) -> None:
        """To the node. What it does not take is taken nowhere."""
        try:
            answer = await self._link.ask("submit", bundles=[each.bundle for each in handed])
            results = answer["results"]
        except NodeAway:
            for each in handed:
                self._drop(each, node_away)
            return
        except DoorError as error:
            problem = Problem(503, "refused-by-node", str(error), retry_after_s=1)
            for each in handed:
                self._drop(each, lambda **_: problem)
            return
        for each, result in zip(handed, results, strict=True):
            self._note(each, result)

    def _note(self, handed: Handed, result: dict[str, Any]) -> None:
        if "busy_s" in result:
            wait_s = float(result["busy_s"])
            self._drop(handed, lambda **_: too_many("the node has as much to do as it takes", wait_s))
        elif "unfit" in result:
            why = str(result["unfit"])
            self._drop(handed, lambda **_: Problem(422, "unfit", f"the node does not take it: {why}"))
        else:
            for flight in handed.flights:
                flight.reach(Stage.TAKEN)

    def _drop(self, handed: Handed, problem: Callable[..., Problem]) -> None:
        for flight in handed.flights:
            if flight.stage < Stage.TAKEN:
                self._waiting.drop(flight, problem(transaction=flight.identity.hex()))

    # --- what the ledger knew already -------------------------------------------------------------------------------

    async def _used(self, request: Request, flight: InFlight, seen: Seen) -> None:
        """The number is used: by this very request, and its outcome is there; or by another one."""
        if not seen.is_ours or seen.identity is None:
            self._waiting.drop(flight, key_used())
            return
        try:
            await self.recall(flight, seen.identity)
        except (Problem, UserError) as error:
            problem = error if isinstance(error, Problem) else Problem(503, "no-ledger", str(error), retry_after_s=1)
            self._waiting.drop(flight, problem)

    async def recall(self, flight: InFlight, identity: bytes) -> None:
        """The outcome of a transaction that was executed before. Where the feed is behind, it comes with it."""
        flight.reach(Stage.TAKEN)
        place = await self._feed.find(identity)
        if place is not None:
            outcome = await self._feed.outcome(place)
            self._waiting.executed(flight, outcome, await self._feed.digest(place.height))
        elif identity != flight.identity:  # of the day before, and the index is behind
            self._waiting.drop(flight, Problem(503, "catching-up", "ask again in a moment", retry_after_s=1))


def key_used() -> Problem:
    return Problem(
        422,
        "idempotency-key-used",
        "the Idempotency-Key was used for another transaction: take a fresh one for a new transaction",
    )


def _parts(requests: Sequence[Request], places: Sequence[int]) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    size = 0
    for at in places:
        length = len(requests[at].transaction)
        if parts[-1] and (len(parts[-1]) >= BUNDLE_MAX or size + length > BUNDLE_BYTES_MAX):
            parts.append([])
            size = 0
        parts[-1].append(at)
        size += length
    return parts
