"""Where a Unix socket lies that belongs to a folder: its address holds some hundred bytes, and folders lie deep."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path

PATH_BYTES_MAX = 100  # an address of this kind holds some 104 to 108 bytes


def socket_place(wanted: Path, spare: int = 0) -> Path:
    """`wanted`, where that is short enough with so many bytes to spare; else a file in a private folder of this user
    under the temporary one, named by the place: the same for all who ask."""
    path = wanted.absolute()
    if len(os.fsencode(path)) + spare <= PATH_BYTES_MAX:
        return path
    name = sha256(os.fsencode(path.parent.resolve() / path.name)).hexdigest()[:24]
    return Path(tempfile.gettempdir()) / f"consortium-{os.getuid()}" / name
