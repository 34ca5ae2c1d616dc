"""Whether the broker delivers: a node sends itself pings, ever larger ones, and listens for the others.

A broker that accepts everything and delivers nothing, or nothing large, looks like a consortium without progress. So
each node says after some seconds what it does not hear, and what is most likely wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from nodes.process.bus_limits import PAYLOAD_BYTES_MAX

SIZES = (64, 4_096, 65_536, 1_000_000)  # of the pings: a vote, small batches, large ones
NEXT_S = 2.0  # a larger one is sent so long after the one before has come back
AGAIN_S = 5.0  # a ping that has not come back is sent again
PING_S = 15.0  # after so long it will not come back: machine and broker may be busy
DEAF_S = 25.0  # also an idle node says something every 10 s
LOST_MAX = 3  # connections lost over one size of ping, before it is taken for the reason
_MARK = b"\xc1ping"  # 0xC1 begins no MessagePack


class Loopback:
    """Of one node's bus. `publish(payload)` sends to itself. Times are seconds of a monotonic clock. `has_others`:
    whether anybody else is to be heard."""

    def __init__(self, publish: Callable[[bytes], object], *, has_others: bool) -> None:
        self._publish = publish
        self._has_others = has_others
        self._index = 0  # of the ping that is on its way
        self._lost: dict[int, int] = {}  # connections, by the ping that was on its way
        self._asked_s: float | None = None  # when the ping on its way was first sent; None: none is
        self._due_s: float | None = None  # when the next one is to be sent; None: no more
        self._sent_s = self._heard_s = 0.0
        self._told = ""

    def up(self, now_s: float) -> None:
        """The broker has accepted us, and our subscriptions."""
        self._heard_s = now_s
        self._index = 0
        self._asked_s, self._due_s = None, now_s

    def down(self) -> None:
        """The connection is lost."""
        if self._asked_s is not None and self._index < len(SIZES):
            self._lost[self._index] = self._lost.get(self._index, 0) + 1
        self._asked_s = self._due_s = None

    def heard(self, now_s: float) -> None:
        """Another member's frames have come."""
        self._heard_s = now_s

    def came_back(self, now_s: float, payload: bytes) -> None:
        """Something that we sent to ourselves."""
        if self._asked_s is not None and len(payload) == SIZES[self._index] and payload.startswith(_MARK):
            self._index += 1
            is_over = self._index == len(SIZES) or self._lost.get(self._index, 0) >= LOST_MAX
            self._asked_s, self._due_s = None, None if is_over else now_s + NEXT_S

    def look(self, now_s: float, *, is_up: bool) -> str:
        """To be called again and again: a sentence when there is something new to say, else nothing."""
        words = self._diagnosis(now_s) if is_up else ""
        if words and words != self._told:
            self._told = words
            return words
        if self._due_s is not None and now_s >= self._due_s:
            self._asked_s, self._due_s = now_s, None
            self._send(now_s)
        elif self._asked_s is not None and now_s - self._sent_s >= AGAIN_S and now_s - self._asked_s < PING_S:
            self._send(now_s)
        return ""

    def _send(self, now_s: float) -> None:
        self._sent_s = now_s
        self._publish(_MARK.ljust(SIZES[self._index], b"\0"))

    def _diagnosis(self, now_s: float) -> str:
        is_late = self._asked_s is not None and now_s - self._asked_s >= PING_S
        is_cut = self._index < len(SIZES) and self._lost.get(self._index, 0) >= LOST_MAX
        if (is_late or is_cut) and self._index == 0:
            return (
                "the broker accepts this node and delivers nothing to it, not even what it sends to itself: its topic "
                "rules may forbid this user to write or to read its topics, or a quota is spent"
            )
        if is_late or is_cut:
            does = "closes the connection over" if is_cut else "has swallowed"
            return (
                f"the broker delivers {SIZES[self._index - 1]} bytes and {does} {SIZES[self._index]}: it limits "
                f"payloads (Mosquitto: message_size_limit, max_packet_size). A node needs up to {PAYLOAD_BYTES_MAX}"
            )
        if self._has_others and now_s - self._heard_s >= DEAF_S:
            return (
                f"nobody was heard for {DEAF_S:.0f} s, though the broker delivers what this node sends to itself: the "
                "others do not run or use another broker, or its topic rules keep theirs from this node"
            )
        return ""
