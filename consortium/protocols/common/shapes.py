"""Bounds that every protocol puts on the numbers, digests and nonces in a peer's message."""

from __future__ import annotations

from consortium.core.messages import Message

INTEGER_MAX = 1 << 53  # heights and views stay below: no arithmetic on them can overflow anything
DIGEST_BYTES = 32
NONCE_BYTES_MAX = 32

_NUMBERS = ("view", "height", "wanted", "stable_height")


def shape_fault(message: Message) -> str | None:
    """Why a message's own fields are out of bounds; None = they are not. Never raises."""
    for name in _NUMBERS:
        value = getattr(message, name, 0)
        if not 0 <= value < INTEGER_MAX:
            return f"{name} out of bounds"
    if len(getattr(message, "digest", b"\x00" * DIGEST_BYTES)) != DIGEST_BYTES:
        return "a digest has 32 bytes"
    if len(getattr(message, "nonce", b"")) > NONCE_BYTES_MAX:
        return "the nonce is too long"
    return None
