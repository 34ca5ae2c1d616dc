"""A node's secrets: one file per purpose, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import get_args

from consortium.core.membership import Purpose
from nodes.errors import UserError

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
SECRET_BYTES = 32


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600, whole or not at all. Refuses to replace an existing one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        raise UserError(f"{path} exists already and is not replaced: move it away first") from None
    finally:
        temporary.unlink()


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read. Raises UserError naming the file otherwise."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UserError(f"{path} is missing: a node cannot start without it") from None
    if mode & 0o077:
        raise UserError(f"{path} can be read by others (mode {mode & 0o777:04o}): run `chmod 600 {path}`")
    return path.read_bytes()


def create_keys(folder: Path) -> dict[Purpose, bytes]:
    """Make random secrets of every purpose in `folder` (created with mode 0700)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys: dict[Purpose, bytes] = {}
    for purpose in PURPOSES:
        keys[purpose] = secrets.token_bytes(SECRET_BYTES)
        write_private(folder / f"{purpose}.key", keys[purpose].hex().encode() + b"\n")
    return keys


def load_keys(folder: Path) -> dict[Purpose, bytes]:
    """The secrets in `folder`. Raises UserError naming the file that is missing, open to others or malformed."""
    keys: dict[Purpose, bytes] = {}
    for purpose in PURPOSES:
        path = folder / f"{purpose}.key"
        text = read_private(path)
        try:
            secret = bytes.fromhex(text.decode("ascii"))
        except (UnicodeDecodeError, ValueError):
            secret = b""
        if len(secret) != SECRET_BYTES:
            raise UserError(f"{path} is no key: it must hold {SECRET_BYTES * 2} hexadecimal digits")
        keys[purpose] = secret
    return keys
