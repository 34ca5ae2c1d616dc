"""What stored rows must show before a node stands on them: each is held against what commits to it, as a damaged disk
may say anything. What is not read at boot is held against it when it is read (`history.py`, `sound.py`, `state.py`)."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec

from consortium.core import registry
from consortium.core.codec import Malformed, encode
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis
from consortium.core.header import Header, header_bytes_digest
from consortium.core.machine import Rows
from consortium.core.membership import Epoch, Epochs
from consortium.core.seals import check_link
from consortium.core.verifier import Verifier
from consortium.ledger.block import stored_header
from consortium.ledger.certificate import stored_seals
from consortium.ledger.rows import END, TABLES, Damaged, height_key, state_key
from consortium.ledger.snapshot import stored_link

_EPOCH = msgspec.msgpack.Decoder(Epoch)


def check_empty(rows: Rows) -> None:
    """Rows without a head are those of no ledger at all. Raises Damaged."""
    for table in TABLES:
        if rows.range(table, b"", END):
            raise Damaged(f"there are rows in table {table}, and no head")


def read_head(rows: Rows) -> tuple[Header, bytes]:
    """The newest header, and its digest, as table `meta` names it. Raises Damaged."""
    head = rows.get("meta", b"head") or b""
    height = int.from_bytes(head[:8], "big")
    data = rows.get("block", head[:8])
    if len(head) != 40 or data is None or header_bytes_digest(data) != head[8:]:
        raise Damaged(f"the block of height {height}, the head, is missing or not the one that was written")
    return stored_header(data, height), head[8:]


def check_words(rows: Rows, chain: bytes) -> None:
    """The rows of table `meta` that never change. Raises Damaged."""
    for word, wanted in ((b"chain", chain), (b"format", encode(FORMAT))):
        if rows.get("meta", word) != wanted:
            raise Damaged(f"meta row {word.decode()!r} is not what was written")


def read_epochs(rows: Rows, digest_of: Callable[[bytes], bytes | None]) -> list[Epoch]:
    """Those of table `epoch`, a copy of the registry in the state, of which `digest_of` tells. Raises Damaged."""
    stored = rows.range("epoch", b"", END)
    found: list[Epoch] = []
    for number, (key, data) in enumerate(stored):
        wanted = digest_of(state_key(registry.EPOCHS.name, registry.epoch_key(number)))
        if key != height_key(number) or wanted != sha256(data).digest():
            raise Damaged(f"the row of epoch {number} is not the one that was written")
        found.append(_EPOCH.decode(data))
    if digest_of(state_key(registry.EPOCHS.name, registry.epoch_key(len(stored)))) is not None:
        raise Damaged(f"the row of epoch {len(stored)} is missing")
    return found


def check_stored(rows: Rows, genesis: Genesis, verifier: Verifier, head: int) -> None:
    """What else a node says, or begins with, on the strength of its rows alone: seals, and where they begin. Raises
    Damaged."""
    first = _check_base(rows, genesis, verifier)
    count, newest = stored_seals(rows)
    keys = [key for key, _ in rows.range("seal", b"", END)]
    if len(keys) != count or (keys and keys[-1] != height_key(newest)) or not (first <= newest <= head or not count):
        raise Damaged(f"meta row 'seals' names {count} seals up to height {newest}, and there are {len(keys)}")


def _check_base(rows: Rows, genesis: Genesis, verifier: Verifier) -> int:
    """Where the ledger begins. The state that it began with is read by `verify_ledger` alone."""
    try:
        linked = stored_link(rows)
        if linked is None:
            if rows.range("base", b"", END):
                raise Damaged("there are rows in table base, and no height that they are of")
            return 0
        header = check_link(linked, Epochs((genesis.first_epoch,)), verifier)
    except Malformed as error:
        raise Damaged(f"the proof of the snapshot that this ledger began with: {error}") from None
    height = height_key(header.height)
    if rows.get("base", b"height") != height or rows.get("block", height) != linked.headers[0]:
        raise Damaged("the ledger does not begin at the height of its snapshot")
    return header.height
