"""A ledger's whole state at one height, in parts, proven by a header chain that ends under a seal.

The giver copies its state when first asked: as it was at the newest seal; or, where a restart forgot that, as it is at
the head, to be given away once a seal stands above: headers link the two, each naming its parent. The taker believes
nothing until the rows of all parts have the state root of the first header.

Table `base` of a ledger that began so: `height`; `header` ‖ height for each linking header; `seal`; `link` ‖ number for
each epoch that leads from the genesis to the seal; and `state` ‖ key for each row, so that `verify_ledger` can start
from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.header import Header
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.messages import ATTACHMENT_BYTES_MAX
from consortium.core.seals import HEADERS_MAX, Linked, check_link, decode_certificate
from consortium.core.verifier import Verifier
from consortium.ledger.base import Base
from consortium.ledger.block import stored_header
from consortium.ledger.certificate import stored_seal
from consortium.ledger.epoch_links import link_rows, links_to, stored_links
from consortium.ledger.rows import END, Row, height_key
from consortium.ledger.tree import StateTree

PART_BYTES = 1_000_000
PARTS_MAX = 512

_PART: Decoder[list[tuple[bytes, bytes]]] = Decoder(list[tuple[bytes, bytes]], ATTACHMENT_BYTES_MAX)


class Copy(NamedTuple):
    """The state at one height, cut into parts. `root`: of the rows that are in them."""

    height: int
    parts: tuple[bytes, ...]
    root: bytes


def copy_state(height: int, state: list[tuple[bytes, bytes]]) -> Copy:
    parts: list[bytes] = []
    held: list[tuple[bytes, bytes]] = []
    size = 0
    for key, value in state:
        held.append((key, value))
        size += len(key) + len(value)
        if size >= PART_BYTES:
            parts.append(encode(held))
            held, size = [], 0
    if held or not parts:
        parts.append(encode(held))
    return Copy(height, tuple(parts), StateTree.build(state).root)


def decode_part(data: bytes) -> list[tuple[bytes, bytes]]:
    """Raises Malformed."""
    return _PART.decode(data)


def link(rows: Rows, height: int, stable_height: int) -> Linked | None:
    """Headers from `height` to the first seal at or above it; None while no seal stands there. Raises Damaged."""
    sealed = height
    while sealed <= min(stable_height, height + HEADERS_MAX):
        seal = stored_seal(rows, sealed)
        if seal is not None:
            headers = rows.range("block", height_key(height), height_key(sealed + 1))
            if len(headers) != sealed - height + 1:
                return None
            epochs = links_to(rows, stored_header(headers[-1][1], sealed).epoch)
            if epochs is None:
                return None
            return Linked(tuple(header for _, header in headers), seal, epochs)
        sealed += 1
    return None


def prove_state(header: Header, state: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises Malformed unless these rows have the header's state root, by ascending key and so each once. Of the rows
    only their hashes are kept meanwhile."""
    if StateTree.build(_ascending(state)).root != header.state:
        raise Malformed("the snapshot does not have the state root of its header")


def _ascending(state: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    last: bytes | None = None
    for key, value in state:
        if last is not None and key <= last:
            raise Malformed("a state row of the snapshot stands twice, or out of order")
        last = key
        yield key, value


def make_base(header: Header, linked: Linked, state: list[tuple[bytes, bytes]]) -> Base:
    """Raises Malformed unless these rows are the header's state, see `prove_state`."""
    prove_state(header, state)
    return base_of(header, linked, state)


def base_of(header: Header, linked: Linked, state: list[tuple[bytes, bytes]]) -> Base:
    """The base of a state that is proven."""
    proof: list[Row] = [("base", b"height", height_key(header.height)), ("base", b"seal", encode(linked.seal))]
    for index, data in enumerate(linked.headers):
        proof.append(("base", b"header" + height_key(header.height + index), data))
    proof += link_rows(linked.epochs)
    proof += [("base", b"state" + key, value) for key, value in state]
    return Base(header, tuple(state), tuple(proof))


def stored_link(rows: Rows) -> Linked | None:
    """What proves the base that this ledger began with; None if it began with the genesis. Raises Malformed."""
    height = rows.get("base", b"height")
    if height is None:
        return None
    seal = decode_certificate(rows.get("base", b"seal") or b"")
    stored = rows.range("base", b"header", b"header" + END)
    first = int.from_bytes(height[:8], "big")
    if any(len(key) != 14 or int.from_bytes(key[6:], "big") != first + at for at, (key, _) in enumerate(stored)):
        raise Malformed("the headers of the base are not those of consecutive heights")
    return Linked(tuple(data for _, data in stored), seal, stored_links(rows))


def stored_base(rows: Rows, epochs: Epochs, verifier: Verifier) -> Base | None:
    """The base that this ledger began with, checked again; None if it began with the genesis. Raises Malformed."""
    linked = stored_link(rows)
    if linked is None:
        return None
    header = check_link(linked, epochs, verifier)
    cut = len(b"state")
    state = [(key[cut:], value) for key, value in rows.range("base", b"state", b"state\xff")]
    base = make_base(header, linked, state)
    if height_key(header.height) != rows.get("base", b"height"):
        raise Malformed("the base's height is not that of its header")
    return base
