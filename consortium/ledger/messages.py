"""Messages of the ledger's own siblings: CHECKPOINT over headers, and catch-up."""

from __future__ import annotations

from typing import Annotated

from consortium.core.codec import Digest, Nonce
from consortium.core.messages import Certificate, Few, Message


class Sealed(Message, frozen=True):
    """To one whose `Status` shows an older seal: the newest."""

    seal: Certificate


class Status(Message, frozen=True):
    """A quiet node says this rarely, so that an idle one that missed the last votes still catches up."""

    height: int
    stable_height: int
    asked_us: int  # the sender's own clock: makes each one a new statement, since repeated frames are dropped


class FetchBlocks(Message, frozen=True):
    """Ask one member for consecutive decided heights."""

    receiver: str
    nonce: Nonce
    first_height: int
    last_height: int


class Blocks(Message, frozen=True):
    """Answer: the attachment is MessagePack `[[batch | nil, certificate, seal | nil], …]` from `first_height` on.

    `digest` is the SHA-256 of the attachment. Fewer heights than asked for may come, none if it has none.
    """

    receiver: str
    nonce: Nonce
    first_height: int
    digest: Digest


class FetchSnapshot(Message, frozen=True):
    """Ask one member for part `part` of its snapshot at `height` (0 = the newest it has)."""

    receiver: str
    nonce: Nonce
    height: int
    part: int


class Snapshot(Message, frozen=True):
    """Answer: the attachment is part `part` of `parts`, `[[row key, value], …]`; `digest` is its SHA-256.

    `headers` run from that of the snapshot's height to the one that `seal` is over: each names its parent. `epochs`
    (canonical MessagePack of EpochLinks, part 0 alone has them) lead from the genesis to the members that sealed it.
    """

    receiver: str
    nonce: Nonce
    height: int
    part: int
    parts: int
    headers: Annotated[tuple[bytes, ...], Few]
    seal: bytes
    digest: Digest
    epochs: Annotated[tuple[bytes, ...], Few] = ()
