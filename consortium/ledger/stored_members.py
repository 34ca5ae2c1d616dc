"""Who the members are, as far as stored rows tell: for drivers, which need it before they build a host over them."""

from __future__ import annotations

import msgspec

from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.membership import Epoch, NodeId
from consortium.ledger.rows import END, Unreadable

_EPOCH = msgspec.msgpack.Decoder(Epoch)


def registered_voting_key(rows: Rows, genesis: Genesis, name: NodeId) -> bytes:
    """The key with which this member votes at the height after the stored head; empty where it is no member then. Rows
    that cannot be read prove nothing: then it is that of the genesis."""
    try:
        epoch = _next_epoch(rows) or genesis.first_epoch
    except (Unreadable, msgspec.MsgspecError):
        epoch = genesis.first_epoch
    return epoch.key(name, "vote") or b""


def _next_epoch(rows: Rows) -> Epoch | None:
    """That of the height after the stored head, if rows tell one. Raises Unreadable, MsgspecError."""
    head = rows.get("meta", b"head") or b""
    if len(head) <= 8:
        return None
    next_height = int.from_bytes(head[:8], "big") + 1
    known = [_EPOCH.decode(stored) for _, stored in rows.range("epoch", b"", END)]
    return next((epoch for epoch in reversed(known) if epoch.first_height <= next_height), None)
