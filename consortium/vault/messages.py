"""How private records travel: a question to one holder, and its answer. Both sign receiver, nonce and request."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from consortium.core.codec import Digest, Nonce
from consortium.core.messages import Message
from consortium.core.vault import HANDLE_BYTES_MAX

Word = Annotated[str, Meta(max_length=HANDLE_BYTES_MAX)]


class AskRecord(Message, frozen=True):
    """Ask one holder for a record. `request`: what it is wanted for, a code or the id of a request on the ledger.
    `height`: how far the asker's ledger reaches; a holder whose own ends before answers once it has caught up, so that
    it gives nothing away that was erased meanwhile."""

    receiver: str
    nonce: Nonce
    handle: Word
    request: Word
    height: int


class GiveRecord(Message, frozen=True):
    """Answer: the attachment is a box (canonical MessagePack) whose data key is sealed to the receiver; `digest` is its
    SHA-256. Without an attachment: the holder lacks the record. Who may not have it is not answered."""

    receiver: str
    nonce: Nonce
    request: Word
    digest: Digest
