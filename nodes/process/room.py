"""Room on a node's disk: who keeps a node up starts it again at once, and a disk that is full stays so for a while."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from nodes.errors import EXIT_STORE

ROOM_BYTES_MIN = 4_000_000  # with less the next life would soon end as this one did
LEAST_S, MOST_S, POLL_S = 5.0, 60.0, 0.5

_log = logging.getLogger("node")


def room_bytes(folder: Path) -> int:
    """What can be written below a folder."""
    return shutil.disk_usage(folder).free


def wait_for_room(folder: Path, least_s: float = LEAST_S, most_s: float = MOST_S) -> None:
    """Until there is room again, but some seconds at least, since a disk may refuse for another reason; and a minute at
    most, so that whoever keeps this node up sees it end, and tries again. SIGTERM ends the process at once."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(EXIT_STORE)

    signal.signal(signal.SIGTERM, leave)
    if room_bytes(folder) < ROOM_BYTES_MIN:
        _log.error("the disk of %s is full: this node waits for room, and then starts again", folder)
    begun_s = time.monotonic()
    while (passed_s := time.monotonic() - begun_s) < most_s:
        if passed_s >= least_s and room_bytes(folder) >= ROOM_BYTES_MIN:
            return
        time.sleep(min(POLL_S, least_s or POLL_S))
