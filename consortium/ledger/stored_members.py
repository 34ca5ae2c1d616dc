"""Who the members are, as far as stored rows tell: for drivers, which need it before they build a host over them."""

from __future__ import annotations

import msgspec

from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.membership import Epoch, NodeId

_EPOCH = msgspec.msgpack.Decoder(Epoch)


def registered_voting_key(rows: Rows, genesis: Genesis, name: NodeId) -> bytes:
    """The key with which this member votes at the height after the stored head; empty where it is no member then. Rows
    that cannot be read prove nothing: then it is that of the genesis."""
    head = rows.get("meta", b"head")
    epoch = genesis.first_epoch
    if head is not None and len(head) > 8:
        next_height = int.from_bytes(head[:8], "big") + 1
        for _, stored in rows.range("epoch", b"", b"\xff" * 9):
            try:
                known = _EPOCH.decode(stored)
            except msgspec.MsgspecError:
                return genesis.first_epoch.key(name, "vote") or b""
            if known.first_height <= next_height:
                epoch = known
    return epoch.key(name, "vote") or b""
