"""What came over one broker came over the others, too: known by its digest before anything is parsed."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256

from consortium.core.membership import NodeId
from consortium.node.inbox import MORE_THAN_OTHERS, Share

SHARE = Share()
WINDOW_S = 1.0  # copies that lie further apart are heard again; a host drops what it knows
HELD_MAX = 2_048  # payloads of one publisher that are remembered


class Repeats:
    """Of one node. A publisher's payload is heard from the broker that brought it first, and within a second from no
    other. What the same broker brings again is not ours to judge: it may be said anew. Bounded for each publisher, so
    that one who floods forgets his own alone. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._held: dict[NodeId, OrderedDict[bytes, tuple[float, str]]] = {}
        self.count = 0
        self._second = -1
        self._carried: dict[str, list[int]] = {}  # by way, in this second: payloads, bytes

    def is_flood(self, now_s: float, way: str, size: int) -> bool:
        """Whether this broker has now brought more within a second than one publisher's share, and far more than any
        other broker: they carry the same."""
        second = int(now_s)
        if second != self._second:
            self._second, self._carried = second, {}
        carried = self._carried.setdefault(way, [0, 0])
        carried[0] += 1
        carried[1] += size
        for unit, most in enumerate(SHARE):
            if carried[unit] > most:
                others = (each[unit] for name, each in self._carried.items() if name != way)
                return carried[unit] > MORE_THAN_OTHERS * max(others, default=0)
        return False

    def is_repeat(self, now_s: float, publisher: NodeId, way: str, payload: bytes) -> bool:
        held = self._held.get(publisher)
        if held is None:
            held = self._held[publisher] = OrderedDict()
        digest = sha256(payload).digest()
        first = held.get(digest)
        if first is not None and first[1] != way and now_s - first[0] < WINDOW_S:
            self.count += 1
            return True
        held[digest] = (now_s, way)
        held.move_to_end(digest)
        if len(held) > HELD_MAX:
            held.popitem(last=False)
        return False
