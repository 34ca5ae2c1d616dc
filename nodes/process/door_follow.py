"""Those who follow a node's blocks through its door: told of each once its rows are in the ledger's file.

A block is told when it was executed, again when enough members have said that they executed the same, and again when a
seal stands at its height, which then is one over all below it. A follower that does not read is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from consortium.core.header import header_bytes_digest
from consortium.core.machine import Apply
from consortium.core.membership import NodeId
from consortium.ledger.rows import height_key
from nodes.process.door import GOES_ON, WAITS, Connection
from nodes.process.door_asks import AskFollow
from nodes.process.door_frames import DoorError
from nodes.process.log import say_executed
from nodes.process.process import Process

NO_REPLIES: Mapping[NodeId, bytes] = MappingProxyType({})
FOLLOWS_MAX = 8  # of one client
UNREAD_BYTES = 1_000_000  # of past blocks no more is given to a client while so much waits for it to read


class Followers:
    """To be made before the host boots. Next to nothing is done for a block while nobody follows. `height`: that of
    the newest block in the file; `replies(height)`: see `Replies.matching`."""

    def __init__(self, process: Process, height: int, replies: Callable[[int], Mapping[NodeId, bytes]]) -> None:
        self._process = process
        self._height = height
        self._replies = replies
        self._early: set[int] = set()  # heights that were acknowledged before their block was in the file
        self._followers: dict[tuple[Connection, int], AskFollow] = {}
        self._behind: set[tuple[Connection, int]] = set()  # those that are still told of past blocks
        process.carrier.on_committed = self._committed
        process.on_acknowledged = self._acknowledged

    def follow(self, connection: Connection, asked: AskFollow) -> Iterator[bool]:
        """The blocks that are there, from the height that was asked for; then each that comes."""
        if sum(each is connection for each, _ in (*self._followers, *self._behind)) >= FOLLOWS_MAX:
            raise DoorError(f"one client follows at most {FOLLOWS_MAX} times: unfollow first")
        place, height, rows = (connection, asked.id), max(1, asked.from_height), self._process.rows
        self._behind.add(place)
        while height <= self._height and place in self._behind:
            while connection.unread_bytes > UNREAD_BYTES:
                yield WAITS
            data = rows.get("block", height_key(height))
            if data is not None:  # what lies below a snapshot is not here
                connection.say(_executed(asked, height, data, self._receipts(height) if asked.receipts else None))
            height += 1
            yield GOES_ON
        if place in self._behind:
            self._behind.discard(place)
            self._followers[place] = asked

    def _receipts(self, height: int) -> list[bytes]:
        rows = self._process.rows.range("receipt", height_key(height), height_key(height + 1))
        return [receipt for _, receipt in rows]

    def end(self, connection: Connection, number: int) -> bool:
        """This request follows no more; whether it did."""
        place = (connection, number)
        is_behind = place in self._behind
        self._behind.discard(place)
        return self._followers.pop(place, None) is not None or is_behind

    def drop(self, connection: Connection) -> None:
        """The client is gone."""
        for place in [place for place in (*self._followers, *self._behind) if place[0] is connection]:
            self.end(*place)

    def _committed(self, applies: Sequence[Apply]) -> None:
        self._height = max(self._height, applies[-1].height)
        say_executed(applies)
        for apply in applies if self._followers else ():
            data, receipts, sealed = _parts(apply)
            if data is not None:
                for (connection, _), asked in list(self._followers.items()):
                    given = receipts if asked.receipts else None
                    connection.say(_executed(asked, apply.height, data, given))
            if sealed:
                self._again(apply.height, is_sealed=True)
        for height in sorted(early for early in self._early if early <= self._height):
            self._early.discard(height)
            self._again(height)

    def _acknowledged(self, height: int) -> None:
        """Told behind the block itself."""
        if height > self._height:
            self._early.add(height)
        else:
            self._again(height)

    def _again(self, height: int, *, is_sealed: bool = False) -> None:
        """A block that was told is acknowledged, or sealed."""
        data = self._process.rows.get("block", height_key(height)) if self._followers else None
        if data is None:
            return
        replies = dict(self._replies(height))
        for (connection, _), asked in list(self._followers.items()):
            connection.say(_executed(asked, height, data, None, replies, is_sealed=is_sealed))


def _parts(apply: Apply) -> tuple[bytes | None, list[bytes], bool]:
    """The header of the block that these rows are, its receipts, and whether they hold a seal."""
    data, receipts, is_sealed = None, list[bytes](), False
    for table, _, value in apply.rows:
        if table == "block":
            data = value
        elif table == "receipt" and value is not None:
            receipts.append(value)
        elif table == "seal" and value is not None:
            is_sealed = True
    return data, receipts, is_sealed


def _executed(
    asked: AskFollow,
    height: int,
    header: bytes,
    receipts: list[bytes] | None,
    replies: Mapping[NodeId, bytes] = NO_REPLIES,
    *,
    is_sealed: bool = False,
) -> dict[str, Any]:
    digest = header_bytes_digest(header)
    told: dict[str, Any] = {"height": height, "digest": digest, "header": header, "replies": dict(replies)}
    if is_sealed:
        told["sealed"] = True
    if receipts is not None:
        told["receipts"] = receipts
    return {"id": asked.id, "executed": told}
