"""A block's header as it is stored."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.header import Header, decode_header
from consortium.ledger.rows import Damaged


def stored_header(data: bytes, height: int) -> Header:
    """Of the row of this height. Raises Damaged where it cannot be read, or is of another height."""
    try:
        header = decode_header(data)
    except Malformed as error:
        raise Damaged(f"the block of height {height} cannot be read: {error}") from None
    if header.height != height:
        raise Damaged(f"the block of height {height} is not the one that was written")
    return header
