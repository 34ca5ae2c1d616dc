"""Messages of the ledger's own siblings: CHECKPOINT over headers, and catch-up."""

from __future__ import annotations

from consortium.core.messages import Message


class Checkpoint(Message):
    """PBFT's CHECKPOINT, over a sealed header instead of a state digest. A quorum of them is a seal."""

    height: int
    header_digest: bytes


class Status(Message):
    """A quiet node says this rarely, so that an idle one that missed the last votes still catches up."""

    height: int
    stable_height: int


class FetchBlocks(Message):
    """Ask one member for consecutive decided heights."""

    receiver: str
    nonce: bytes
    first_height: int
    last_height: int


class Blocks(Message):
    """Answer: the attachment is MessagePack `[[batch | nil, certificate bytes], …]` from `first_height` on."""

    receiver: str
    nonce: bytes
    first_height: int
    digest: bytes


class FetchSnapshot(Message):
    """Ask one member for part `part` of its snapshot at the sealed `height` (0 = the newest it has)."""

    receiver: str
    nonce: bytes
    height: int
    part: int


class Snapshot(Message):
    """Answer: the attachment is part `part` of `parts`; the header and its seal stand in every answer."""

    receiver: str
    nonce: bytes
    height: int
    part: int
    parts: int
    header: bytes
    seal: bytes
    digest: bytes
