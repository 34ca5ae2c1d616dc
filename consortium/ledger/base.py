"""A base: a verified state that a ledger starts from, instead of the genesis and all blocks since."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from consortium.core import registry
from consortium.core.codec import encode
from consortium.core.header import Header, header_bytes_digest
from consortium.core.machine import Rows
from consortium.core.membership import Epoch
from consortium.core.versions import ONLY, VERSIONS, Versions
from consortium.ledger.rows import Row, height_key, state_key

_EPOCH = msgspec.msgpack.Decoder(Epoch)
_VERSIONS = msgspec.msgpack.Decoder(Versions)


class Base(NamedTuple):
    """A verified state to start from: the header at `height`, and all its state rows."""

    header: Header
    state: tuple[tuple[bytes, bytes], ...]
    proof: tuple[Row, ...]  # rows of table `base`, which let `verify_ledger` start here


def rows_to_install(base: Base, held: Rows) -> tuple[Row, ...]:
    """The rows that put the base in the place of all that these rows hold."""
    key = height_key(base.header.height)
    state = dict(held.range("state", b"", b"\xff"))
    wanted = dict(base.state)
    rows: list[Row] = []
    for table in ("base", "batch", "block", "certificate", "receipt", "seal"):
        rows += [(table, old, None) for old, _ in held.range(table, b"", b"\xff" * 16)]
    rows += [("state", old, None) for old in state if old not in wanted]
    rows += [("state", name, value) for name, value in base.state]
    rows += base.proof
    rows += _epoch_rows(base)
    data = encode(base.header)
    rows += [("block", key, data), ("meta", b"head", key + header_bytes_digest(data)), ("meta", b"seals", None)]
    return tuple(rows)


def _epoch_rows(base: Base) -> list[Row]:
    """Table `epoch` as the snapshot's registry has it, with epochs that are to come."""
    prefix = state_key(registry.EPOCHS.name, "")
    found = [(_EPOCH.decode(value), value) for name, value in base.state if name.startswith(prefix)]
    return [("epoch", height_key(epoch.number), value) for epoch, value in found]


def base_versions(base: Base) -> Versions:
    """By which versions of the contracts the heights after the base are executed."""
    wanted = state_key(VERSIONS.name, ONLY)
    row = next((value for name, value in base.state if name == wanted), None)
    return Versions({}) if row is None else _VERSIONS.decode(row)
