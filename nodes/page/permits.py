"""What the page at gateways shows to whom, and lets them do: page.json in a consortium's folder, written by `up`."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from consortium.core.errors import UserError
from nodes.page.asked import May
from nodes.process.keys import check_private, replace_private

FILE = "page.json"
FORMAT = 1


class Permits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: whoever reaches a gateway that listens at loopback sees the page of the whole consortium without a
    token. `submit`, `chaos`: and hands in, and harms."""

    format: int
    submit: bool = False
    chaos: bool = False


def write_permits(folder: Path, may: May) -> None:
    """Raises OSError."""
    replace_private(folder / FILE, msgspec.json.encode(Permits(FORMAT, may.submit, may.chaos)) + b"\n")


def read_permits(folder: Path) -> May | None:
    """None: nobody sees it without a token, as where the file is missing, another's to write, or not understood."""
    path = folder / FILE
    with contextlib.suppress(OSError, UserError, msgspec.MsgspecError):
        check_private(path)
        found = msgspec.json.decode(path.read_bytes(), type=Permits)
        if found.format == FORMAT:
            return May(found.submit, found.chaos)
    return None
