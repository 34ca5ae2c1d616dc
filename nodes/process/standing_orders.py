"""Orders that hold for a node until they are taken back, also over its death: orders.json in its folder."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.runs.folder import write_whole
from nodes.errors import UserError
from nodes.process.settings import NodeFolder

FILE = "orders.json"


def read_orders(folder: NodeFolder) -> dict[str, Any]:
    """None where there are none. Raises UserError where the file is none of ours."""
    path = folder.folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}; `consortium heal` writes it anew, or remove it") from None


def write_orders(folder: NodeFolder, orders: dict[str, Any]) -> None:
    """Of no orders no file is left."""
    path = folder.folder / FILE
    if orders:
        write_whole(path, msgspec.json.encode(orders) + b"\n")
    else:
        path.unlink(missing_ok=True)
