"""Bounds that every protocol puts on the numbers in a peer's message. How long its digests and nonces are, their types
say (core/codec.py)."""

from __future__ import annotations

from consortium.core.messages import Message

INTEGER_MAX = 1 << 53  # heights and views stay below: no arithmetic on them can overflow anything

_NUMBERS = ("view", "height", "wanted", "stable_height")


def shape_fault(message: Message) -> str | None:
    """Why a message's own numbers are out of bounds; None = they are not. Never raises."""
    for name in _NUMBERS:
        value = getattr(message, name, 0)
        if not 0 <= value < INTEGER_MAX:
            return f"{name} out of bounds"
    return None
