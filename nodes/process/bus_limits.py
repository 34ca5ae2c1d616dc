"""How much may travel in one payload of the bus."""

from __future__ import annotations

from consortium.core.messages import FRAME_BYTES_MAX

COALESCED_BYTES_MAX = 4_000_000
FRAMES_MAX = 4_096  # in one payload
PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX + 1_024
