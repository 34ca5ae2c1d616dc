"""What one node says on the bus, counted as it leaves: messages and bytes by receiver and by type of message.

A publish to all is one message to `ALL`, as on our bus, however many hear it. Nothing is counted on the receiving side:
what a network loses or repeats is not subtracted. Nothing here costs anything per delivery.
"""

from __future__ import annotations

from typing import Any

from consortium.core.codec import encode
from consortium.core.membership import NodeId
from consortium.core.messages import DOMAIN

ALL = "*"
OTHER = "other"  # what is none of our statements; and all that comes when the table is full
ROWS_MAX = 1_024

_EPOCH_BYTES = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
_AFTER_DOMAIN = 1 + len(encode(DOMAIN))


def kind_of_body(body: bytes) -> str:
    """The type of the message in a statement's bytes (`Prepare`), without decoding it; OTHER where there is none."""
    try:
        at = _AFTER_DOMAIN + 2 + body[_AFTER_DOMAIN + 1]  # the chain, a bin of less than 256 bytes
        at += 1 + (body[at] & 0x1F)  # the suite, a short str
        at += 1 if body[at] < 0x80 else _EPOCH_BYTES[body[at]]
        length = body[at + 1] & 0x1F  # an array of fewer than 16, its tag first, a short str
        if body[at] & 0xF0 != 0x90 or body[at + 1] & 0xE0 != 0xA0:
            return OTHER
        return body[at + 2 : at + 2 + length].decode("ascii")
    except (IndexError, KeyError, UnicodeDecodeError):
        return OTHER


def kind_of_frame(payload: bytes) -> str:
    """The same of a whole frame, `[[sender, body, signature], attachment]`."""
    try:
        if payload[0] != 0x92 or payload[1] != 0x93:
            return OTHER
        first = payload[2]
        at = 3 + (first & 0x1F) if first & 0xE0 == 0xA0 else 4 + payload[3]  # the sender's name, at most 64 bytes
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4}[payload[at]]
        return kind_of_body(payload[at + 1 + width : at + 161 + width])  # what we look at stands in front
    except (IndexError, KeyError):
        return OTHER


class Traffic:
    """Counters of one node since `life` began: a number that no other life of this node has."""

    __slots__ = ("_counts", "life", "messages")

    def __init__(self, life: int = 0) -> None:
        self.life = life
        self.messages = 0
        self._counts: dict[tuple[str, str], list[int]] = {}

    def count(self, to: NodeId | None, payload: bytes) -> None:
        """One frame as it leaves; `to` None: to all."""
        self.add(to, kind_of_frame(payload), 1, len(payload))

    def add(self, to: NodeId | None, kind: str, messages: int, size: int) -> None:
        """`messages` frames of one kind, `size` bytes together: for drivers that know them without their bytes."""
        self.messages += messages
        key = (to or ALL, kind)
        held = self._counts.get(key)
        if held is None:
            if len(self._counts) >= ROWS_MAX:
                key = (ALL, OTHER)
            held = self._counts.setdefault(key, [0, 0])
        held[0] += messages
        held[1] += size

    def fields(self) -> dict[str, Any]:
        """The fields of a `traffic` note: sums since the life began, `sent` rows of [to, kind, messages, bytes]."""
        return {"life": self.life, "sent": [[*key, *held] for key, held in sorted(self._counts.items())]}
