"""Keys under a passphrase: argon2id makes a key of it, secretbox (libsodium) locks a secret with that.

A locked key is one line: a word, salt, cost in passes and bytes of memory, and the box, hexadecimal. All keys of a
folder share a salt, so that a node derives once. A passphrase comes from a file, a descriptor or a person; never from
the environment or an argument, which others of the machine may see.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random as random_bytes

from nodes.errors import UserError

WORD = "locked-key-1"
PASSES, MEMORY_BYTES = 3, 64 * 1024 * 1024  # RFC 9106, the option for little memory
PASSES_MAX, MEMORY_BYTES_MAX = 16, 1024 * 1024 * 1024  # of a file that we are given
PASSPHRASE_BYTES_MIN = 8

Passphrase = Callable[[], bytes]  # asked for when a locked key is met, and not before


def no_passphrase() -> bytes:
    raise UserError(
        "its keys are locked by a passphrase: name the file that holds it with --passphrase-file (mode 0600), or give "
        "it by --passphrase-fd"
    )


def new_salt() -> bytes:
    return random_bytes(argon2id.SALTBYTES)


def lock(secret: bytes, passphrase: bytes, salt: bytes) -> bytes:
    """The line that a key's file holds."""
    box = bytes(SecretBox(_derive(passphrase, salt, PASSES, MEMORY_BYTES)).encrypt(secret))
    return f"{WORD} {salt.hex()} {PASSES} {MEMORY_BYTES} {box.hex()}\n".encode()


def is_locked(line: bytes) -> bool:
    return line.startswith(WORD.encode() + b" ")


def unlock(line: bytes, passphrase: Passphrase, path: Path) -> bytes:
    """The secret. Raises UserError naming the file where the passphrase is another, or the line is none."""
    try:
        _, salt, passes, memory, box = line.decode("ascii").split()
        cost = (int(passes), int(memory))
        if not (1 <= cost[0] <= PASSES_MAX and 8_192 <= cost[1] <= MEMORY_BYTES_MAX):
            raise ValueError
        parts = (bytes.fromhex(salt), bytes.fromhex(box))
    except (UnicodeDecodeError, ValueError):
        raise UserError(f"{path} is no key: it is damaged; bring back a copy of it") from None
    try:
        return SecretBox(_derive(passphrase(), parts[0], *cost)).decrypt(parts[1])
    except (CryptoError, ValueError):
        raise UserError(f"the passphrase does not open {path}: it is another one, or the file is damaged") from None


@lru_cache(maxsize=1)
def _derive(passphrase: bytes, salt: bytes, passes: int, memory_bytes: int) -> bytes:
    return argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, opslimit=passes, memlimit=memory_bytes)


# --- where it comes from --------------------------------------------------------------------------------------------


def checked(passphrase: bytes, whence: str) -> bytes:
    """Without the end of its line. Raises UserError where it is too short for anything."""
    passphrase = passphrase.rstrip(b"\r\n")
    if len(passphrase) < PASSPHRASE_BYTES_MIN:
        raise UserError(f"{whence} holds no passphrase of at least {PASSPHRASE_BYTES_MIN} letters")
    return passphrase


def from_descriptor(number: int) -> Passphrase:
    """Read once; a process that becomes a fresh one of the same node finds it at the same descriptor again."""

    def read() -> bytes:
        with os.fdopen(os.dup(number), "rb") as file:
            passphrase = file.read()
        again, end = os.pipe()
        os.write(end, passphrase)
        os.close(end)
        os.dup2(again, number, inheritable=True)
        os.close(again)
        return checked(passphrase, f"descriptor {number}")

    return read


def from_person(name: str) -> Passphrase:
    """Asked for at the terminal; where there is none, as `no_passphrase`."""
    if not sys.stdin.isatty():
        return no_passphrase
    return lambda: checked(getpass.getpass(f"passphrase of the keys of {name}: ").encode(), "the answer")
