"""What can be asked at a node's door, each with the types of its fields."""

from __future__ import annotations

from typing import Any

import msgspec


class Ask(msgspec.Struct, frozen=True, tag_field="ask", forbid_unknown_fields=True):
    """`id`: the asker's own, which comes back in the answer."""

    id: int


class AskStatus(Ask, frozen=True, tag="status"):
    """How far this node is."""


class AskSubmit(Ask, frozen=True, tag="submit"):
    """Take these signed bundles."""

    bundles: list[bytes]


class AskWish(Ask, frozen=True, tag="wish"):
    """Sign these calls (contract, operation, canonical arguments) as this member, once for each reference."""

    reference: str
    calls: list[tuple[str, str, bytes]]


class AskKeep(Ask, frozen=True, tag="keep"):
    """Keep a private record of this member (canonical bytes), as its role does, and say what commits to it."""

    handle: str
    record: bytes


class AskRead(Ask, frozen=True, tag="read"):
    """Write into the audit of reads that a reader is told something."""

    reader: str
    handle: str
    purpose: str


class AskEvidence(Ask, frozen=True, tag="evidence"):
    """A row of the state at the head, and its path to the state's root."""

    table: str
    key: str


class AskOrder(Ask, frozen=True, tag="order"):
    """Change this node's world: see `nodes/process/orders.py`."""

    order: dict[str, Any]


class AskFollow(Ask, frozen=True, tag="follow"):
    """Tell of each block from this height on. `receipts`: with its receipts."""

    from_height: int = 0
    receipts: bool = False


class AskUnfollow(Ask, frozen=True, tag="unfollow"):
    """Tell no more of what this request follows."""

    follow: int


class AskLog(Ask, frozen=True, tag="log"):
    """Log from this level on."""

    level: str


Asked = AskStatus | AskSubmit | AskWish | AskKeep | AskRead | AskEvidence | AskOrder | AskFollow | AskUnfollow | AskLog


class _OfAny(msgspec.Struct, frozen=True):
    id: int


_ASKED: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(Asked)
_OF_ANY = msgspec.msgpack.Decoder(_OfAny)


def decode_ask(body: bytes) -> Asked:
    """Raises msgspec.MsgspecError with the reason."""
    return _ASKED.decode(body)


def id_of(body: bytes) -> int | None:
    """Of a request that is none of those above."""
    try:
        return _OF_ANY.decode(body).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
