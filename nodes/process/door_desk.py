"""What a node does for those who come to its door, one generator a request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Protocol

import msgspec

from consortium import __version__
from consortium.core.codec import encode
from consortium.core.machine import Guard, HandedIn, HandIn, Now, Output, Queried, Wished
from consortium.core.membership import NodeId
from consortium.core.vault import HANDLE_BYTES_MAX, RECORD_BYTES_MAX
from consortium.ledger.proofs import StateEvidence
from nodes.process.door import GOES_ON, Connection, Job
from nodes.process.door_asks import (
    Asked,
    AskEvidence,
    AskFollow,
    AskKeep,
    AskLog,
    AskOrder,
    AskRead,
    AskStatus,
    AskSubmit,
    AskUnfollow,
    AskWish,
)
from nodes.process.door_follow import Followers
from nodes.process.door_frames import DoorError
from nodes.process.log import LEVELS, level_now, set_level
from nodes.process.orders import obey_stranger
from nodes.process.process import Process

UNFIT = (
    "it is no bundle that a block would hold: not in its canonical encoding, too long, wrongly signed, or signed with "
    "a key that is not registered"
)
RATE_S = 1.0  # the rate of execution is taken over so long, at least
BUSY_S_MIN, BUSY_S_MAX, BUSY_S_UNKNOWN = 0.05, 5.0, 0.5

_log = logging.getLogger("door")


class DeskNode(Protocol):
    """What is read of a node (`RunningNode`, or a stand-in)."""

    def look(self, bundle: bytes, more: int = 0) -> str: ...

    def replies(self, height: int) -> Mapping[NodeId, bytes]: ...

    def commitment(self, handle: str, record: bytes) -> bytes | None: ...

    @property
    def me(self) -> NodeId: ...

    @property
    def head_height(self) -> int: ...

    @property
    def stable_height(self) -> int: ...

    @property
    def view(self) -> int: ...

    @property
    def leader(self) -> NodeId: ...

    @property
    def epoch(self) -> int: ...

    @property
    def is_member(self) -> bool: ...

    @property
    def is_done(self) -> bool: ...


class _Handed:
    """A request whose bundles wait for the end of a slice, to be handed in with those of the others."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number
        self.results: list[dict[str, Any]] = []

    def tell(self) -> None:
        self.connection.answer(self.number, results=self.results)


class NodeDesk:
    """`hand_in(now, event)` is a step of the host; `evidence(table, key)` of the state at the head. A `door.Desk`."""

    def __init__(
        self,
        process: Process,
        node: DeskNode,
        hand_in: Callable[[Now, HandIn], Sequence[Output]],
        evidence: Callable[[str, str], StateEvidence],
        *,
        is_recorded: bool = False,
    ) -> None:
        self._process = process
        self._node = node
        self._hand_in = hand_in
        self._evidence = evidence
        self._is_recorded = is_recorded
        self._began_s = monotonic()
        self._fit: list[bytes] = []  # of this slice
        self._fit_transactions = 0
        self._told: list[_Handed] = []
        self._rate = _Rate()
        self.followers = Followers(process, node.head_height, node.replies)

    # --- as the door's desk -----------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        return self._process.is_busy

    def begin(self, connection: Connection, asked: Asked) -> Job:
        match asked:
            case AskStatus():
                return self._status(connection, asked)
            case AskSubmit():
                return self._submit(connection, asked)
            case AskWish():
                return self._wish(connection, asked)
            case AskKeep():
                return self._keep(connection, asked)
            case AskRead():
                return self._read(connection, asked)
            case AskEvidence():
                return self._show(connection, asked)
            case AskOrder():
                return self._order(connection, asked)
            case AskFollow():
                return self._follow(connection, asked)
            case AskUnfollow():
                return self._unfollow(connection, asked)
            case AskLog():
                return self._log_level(connection, asked)

    def settle(self) -> None:
        """All bundles of a slice in one step of the host, so in one sync and one message."""
        if not self._told:
            return
        raws, told = tuple(self._fit), self._told
        self._fit, self._told, self._fit_transactions = [], [], 0

        def tell() -> None:
            for each in told:
                each.tell()

        if raws:
            self._act(HandedIn(raws), tell)
        else:
            tell()

    def left(self, connection: Connection) -> None:
        self.followers.drop(connection)

    # --- the requests -----------------------------------------------------------------------------------------------

    def _status(self, connection: Connection, asked: AskStatus) -> Job:
        connection.answer(asked.id, **self.status())
        yield GOES_ON

    def status(self) -> Mapping[str, Any]:
        node, process = self._node, self._process
        return {
            "name": node.me,
            "version": __version__,
            "uptime_s": round(monotonic() - self._began_s, 3),
            "is_live": process.is_live,
            "height": node.head_height,
            "stable_height": node.stable_height,
            "view": node.view,
            "leader": node.leader,
            "epoch": node.epoch,
            "is_member": node.is_member,
            "is_done": node.is_done,
            "queues": dict(process.queues),
            "alarms": dict(process.alarms),
            "bus": process.bus.state,
            "log_level": level_now(),
        }

    def _submit(self, connection: Connection, asked: AskSubmit) -> Job:
        """A step for each bundle. What is fit goes with the slice in which the last of them was looked at."""
        self._check_live()
        handed, fit, transactions = _Handed(connection, asked.id), list[bytes](), 0
        for raw in asked.bundles:
            verdict = self._node.look(raw, self._fit_transactions + transactions)
            if verdict == "busy" or self._process.carrier.is_full:
                handed.results.append({"busy_s": self._busy_s()})
            elif verdict == "unfit":
                handed.results.append({"unfit": UNFIT})
            else:
                handed.results.append({"taken": True})
                fit.append(raw)
                transactions += _count(raw)
            if len(handed.results) < len(asked.bundles):
                yield GOES_ON
        self._fit += fit
        self._fit_transactions += transactions
        self._told.append(handed)
        yield GOES_ON

    def _wish(self, connection: Connection, asked: AskWish) -> Job:
        self._check_live()
        if not asked.reference or not asked.calls:
            raise DoorError("a wish has a reference and at least one call")
        for _, _, given in asked.calls:
            try:
                msgspec.msgpack.decode(given)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                raise DoorError("the arguments of a call are MessagePack") from None
        event = Wished(f"door:{asked.reference}", tuple(asked.calls))
        self._act(event, lambda: connection.answer(asked.id, taken=True))
        yield GOES_ON

    def _keep(self, connection: Connection, asked: AskKeep) -> Job:
        """Durable before it is answered: what commits to a record must not outlive it."""
        self._check_live()
        _check_name(asked.handle, "handle")
        if len(asked.record) > RECORD_BYTES_MAX:
            raise DoorError(f"a private record has at most {RECORD_BYTES_MAX} bytes; this has {len(asked.record)}")
        if self._is_recorded:
            raise DoorError("this node is recorded, and a recording must hold no private record: start it without")
        commitment = self._node.commitment(asked.handle, asked.record)
        if commitment is None:
            raise DoorError("this record cannot be kept: another is under its handle, or it was erased")
        event = Guard(asked.handle, asked.record)
        self._act(event, lambda: connection.answer(asked.id, commitment=commitment))
        yield GOES_ON

    def _read(self, connection: Connection, asked: AskRead) -> Job:
        """Durable before it is answered: then whoever asked may be told."""
        self._check_live()
        for value, what in ((asked.reader, "reader"), (asked.handle, "handle"), (asked.purpose, "purpose")):
            _check_name(value, what)
        event = Queried(asked.reader, asked.handle, asked.purpose)
        self._act(event, lambda: connection.answer(asked.id, written=True))
        yield GOES_ON

    def _show(self, connection: Connection, asked: AskEvidence) -> Job:
        self._check_live()
        found = self._evidence(asked.table, asked.key)
        connection.answer(asked.id, height=found.height, key=found.key, value=found.value, path=encode(found.path))
        yield GOES_ON

    def _act(self, event: HandIn, told: Callable[[], None]) -> None:
        self._process.act(lambda now: self._hand_in(now, event), told)

    def _order(self, connection: Connection, asked: AskOrder) -> Job:
        obey_stranger(self._process, asked.order)
        _log.info("an order from the door: %s", asked.order)
        connection.answer(asked.id, obeyed=True)
        yield GOES_ON

    def _follow(self, connection: Connection, asked: AskFollow) -> Job:
        self._check_live()
        yield from self.followers.follow(connection, asked)

    def _unfollow(self, connection: Connection, asked: AskUnfollow) -> Job:
        ended = self.followers.end(connection, asked.follow)
        if ended:
            connection.answer(asked.follow, ended=True)
        connection.answer(asked.id, ended=ended)
        yield GOES_ON

    def _log_level(self, connection: Connection, asked: AskLog) -> Job:
        if asked.level.lower() not in LEVELS:
            raise DoorError(f"there is no level {asked.level!r:.40}; there are {', '.join(LEVELS)}")
        set_level(asked.level.lower())
        connection.answer(asked.id, level=asked.level.lower())
        yield GOES_ON

    def _check_live(self) -> None:
        if not self._process.is_live:
            raise DoorError("this node is starting, or about to end: ask again in a moment")

    def _busy_s(self) -> float:
        """How long the pool takes for what waits in it, at the rate of the last moments."""
        rate = self._rate.look(monotonic(), self._process.transactions)
        if not rate:
            return BUSY_S_UNKNOWN
        return round(min(BUSY_S_MAX, max(BUSY_S_MIN, self._process.queues.get("pool", 0) / rate / 2)), 3)


def _check_name(value: str, what: str) -> None:
    """Raises DoorError. Rows of the vault's own begin with a point."""
    if not 1 <= len(value.encode()) <= HANDLE_BYTES_MAX or value.startswith("."):
        raise DoorError(f"{what} has 1 to {HANDLE_BYTES_MAX} bytes and does not begin with a point")


class _Rate:
    """Transactions a second, between the moments at which it is asked."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._count = 0
        self._rate = 0.0

    def look(self, now_s: float, count: int) -> float:
        if now_s - self._since_s > 10 * RATE_S:
            self._since_s, self._count, self._rate = now_s, count, 0.0
        elif now_s - self._since_s >= RATE_S:
            self._rate = (count - self._count) / (now_s - self._since_s)
            self._since_s, self._count = now_s, count
        return self._rate


class _Size(msgspec.Struct, frozen=True, array_like=True):
    """Of a bundle, what its transactions are."""

    format: int
    member: str
    key: bytes
    transactions: tuple[msgspec.Raw, ...]


_SIZE = msgspec.msgpack.Decoder(_Size)


def _count(raw: bytes) -> int:
    """Transactions in a bundle that was looked at."""
    return len(_SIZE.decode(raw).transactions)
