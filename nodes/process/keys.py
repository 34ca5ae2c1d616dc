"""A node's secrets: one file per purpose, and their folder, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import get_args

from consortium.core.membership import Purpose
from nodes.errors import UserError
from nodes.process.key_lock import Passphrase, checked, is_locked, lock, new_salt, no_passphrase, unlock

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
            _belong(file.fileno(), path.parent)
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        raise UserError(f"{path} exists already and is not replaced: move it away first") from None
    finally:
        temporary.unlink()


def replace_private(path: Path, data: bytes) -> None:
    """Like `write_private`, in the place of what was there: a reader finds the old file or the new one, whole."""
    write_readable(path, data, mode=0o600)


def write_readable(path: Path, data: bytes, mode: int = 0o644) -> None:
    """A file that others may read, in the place of what was there, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            _belong(file.fileno(), path.parent)
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _belong(descriptor: int, folder: Path) -> None:
    """What root writes into another user's folder is that user's: a container reads it as whom it runs."""
    owner = folder.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        os.fchown(descriptor, owner, -1)


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read. Raises UserError naming the file otherwise."""
    check_private(path)
    return path.read_bytes()


def check_private(path: Path) -> None:
    """Raises UserError naming a file or folder that is missing, or open to anybody but its owner. (In a folder that is
    open, others see which keys there are, and may be able to lay others in their place.)"""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UserError(f"{path} is missing: a node cannot start without it") from None
    if mode & 0o077:
        wanted = "700" if stat.S_ISDIR(mode) else "600"
        raise UserError(f"{path} can be read by others (mode {mode & 0o777:04o}): run `chmod {wanted} {path}`")


def create_keys(folder: Path, passphrase: bytes = b"") -> dict[Purpose, bytes]:
    """Make random secrets of every purpose in `folder` (created with mode 0700), locked where there is a passphrase.
    Raises UserError where it is there and open to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_private(folder)
    keys: dict[Purpose, bytes] = {}
    salt = new_salt()
    for purpose in PURPOSES:
        keys[purpose] = secrets.token_bytes(SECRET_BYTES)
        plain = keys[purpose].hex().encode() + b"\n"
        write_private(folder / f"{purpose}.key", lock(keys[purpose], passphrase, salt) if passphrase else plain)
    return keys


def passphrase_of(path: Path) -> Passphrase:
    """As a file of mode 0600 holds it, in one line."""
    return lambda: checked(read_private(path), str(path))


def are_locked(folder: Path) -> bool:
    """Whether a node with these keys needs a passphrase to start."""
    return any(is_locked(path.read_bytes()) for path in folder.glob("*.key"))


def load_keys(folder: Path, passphrase: Passphrase = no_passphrase) -> dict[Purpose, bytes]:
    """The secrets in `folder`; `passphrase` is asked for where they are locked. Raises UserError naming the folder or
    the file that is missing, open to others, malformed or locked by another passphrase."""
    check_private(folder)
    keys: dict[Purpose, bytes] = {}
    for purpose in PURPOSES:
        path = folder / f"{purpose}.key"
        text = read_private(path)
        try:
            secret = unlock(text, passphrase, path) if is_locked(text) else bytes.fromhex(text.decode("ascii"))
        except (UnicodeDecodeError, ValueError):
            secret = b""
        if len(secret) != SECRET_BYTES:
            raise UserError(f"{path} is no key: it must hold {SECRET_BYTES * 2} hexadecimal digits")
        keys[purpose] = secret
    return keys
