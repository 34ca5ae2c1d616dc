"""Typed state over rows: what contracts write within a block, and what is committed.

Values are canonical MessagePack of frozen, map-encoded Structs. Decoded values are kept: a policy pack that every
transaction reads is decoded once. Nobody may mutate a value that `get` returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from consortium.core.codec import encode
from consortium.core.contract import Table
from consortium.core.machine import Rows
from consortium.ledger.rows import Damaged

V = TypeVar("V")
_UNKNOWN: Any = object()


class State:
    """Implements core `State`. `begin` … `undo` bracket one transaction; `take` ends a block.

    `digest_of(key)` is the SHA-256 that a stored value must have, None where there is no row: what a damaged file says
    instead is never taken for the state. A name is `table ‖ 0x00 ‖ key`; the order of Python's strings is that of their
    UTF-8 bytes.
    """

    def __init__(
        self, rows: Rows, remember_max: int = 20_000, digest_of: Callable[[bytes], bytes | None] | None = None
    ) -> None:
        self._rows = rows
        self._digest_of = digest_of
        self._remember_max = remember_max
        self._recent: dict[str, Any] = {}  # decoded values (None = absent), committed or written in this block
        self._older: dict[str, Any] = {}  # the generation before; shadowed by `_recent`
        self._written: dict[str, bytes | None] = {}  # this block's rows
        self._written_in: dict[str, dict[str, None]] = {}  # their names by table
        self._previous: dict[str, Any] = {}  # what each name in `_written` had before this block
        self._undo: list[tuple[str, Any, Any]] = []  # name, value before, row before (_UNKNOWN: none)
        self._decoders: dict[str, Callable[[bytes], Any]] = {}

    # --- what contracts use -----------------------------------------------------------------------------------------

    def get(self, table: Table[V], key: str) -> V | None:
        name = table.prefix + key
        try:
            value: V | None = self._recent[name]
        except KeyError:
            value = self._fetch(table, name)
        return value

    def range(self, table: Table[V], low: str, high: str, limit: int = 0) -> Iterator[tuple[str, V]]:
        """Entries with low ≤ key < high as they are now, the first `limit` of them, 0: all; writes during the iteration
        are not seen by it."""
        start, stop = table.prefix + low, table.prefix + high
        written = [name for name in self._written_in.get(table.name, ()) if start <= name < stop]
        more = limit + len(written) if limit else 0
        names = [_name(key) for key, _ in self._rows.range("state", start.encode(), stop.encode(), more)]
        if written:
            names = sorted({*names, *written})
        cut = len(table.name) + 1
        found = [(name[cut:], self.get(table, name[cut:])) for name in names]
        entries = [(key, value) for key, value in found if value is not None]
        return iter(entries[:limit] if limit else entries)

    def put(self, table: Table[V], key: str, value: V) -> None:
        """Raises TypeError for a value of another type than the table's, and whatever its encoding raises."""
        if type(value) is not table.kind:
            raise TypeError(f"table {table.name} holds {table.kind.__name__}, not {type(value).__name__}")
        row = encode(value)
        name = table.prefix + key
        held = self._recent.get(name, _UNKNOWN)
        before = self._written.get(name, _UNKNOWN)
        if before is _UNKNOWN:
            self._note_first(table.name, name, held)
        self._undo.append((name, held, before))
        self._recent[name] = value
        self._written[name] = row

    def delete(self, table: Table[V], key: str) -> None:
        name = table.prefix + key
        held = self._recent.get(name, _UNKNOWN)
        before = self._written.get(name, _UNKNOWN)
        if before is _UNKNOWN:
            self._note_first(table.name, name, held)
        self._undo.append((name, held, before))
        self._recent[name] = None
        self._written[name] = None

    # --- what the ledger uses ---------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A transaction begins: `undo` will come back to this point."""
        self._undo.clear()

    def undo(self) -> None:
        for name, value, row in reversed(self._undo):
            if value is _UNKNOWN:
                del self._recent[name]
            else:
                self._recent[name] = value
            if row is _UNKNOWN:
                del self._written[name]
                del self._written_in[name.partition("\x00")[0]][name]
            else:
                self._written[name] = row
        self._undo.clear()

    def take(self) -> list[tuple[bytes, bytes | None]]:
        """This block's rows in order of their keys; they are from now on taken for committed."""
        rows = [(name.encode(), self._written[name]) for name in sorted(self._written)]
        self._undo.clear()
        self._written.clear()
        self._written_in.clear()
        if len(self._recent) > self._remember_max:
            self._older, self._recent = self._recent, {}
        return rows

    def written(self) -> dict[str, Any]:
        """Before `take`: what this block's names have now."""
        return {name: self._recent[name] for name in self._written}

    def adopt(self, values: dict[str, Any]) -> None:
        """What another state `written` in the same block on the same rows; the rows are staged by the ledger."""
        self._recent.update(values)
        self.take()

    def take_previous(self) -> dict[str, Any]:
        """Before `take`: what this block's names had before it (a value, its bytes, or None); see `row_of`."""
        previous, self._previous = self._previous, {}
        return previous

    def forget(self) -> None:
        """The rows were replaced beneath (a snapshot): drop everything remembered."""
        assert not self._written
        self._recent, self._older = {}, {}

    # --- within -----------------------------------------------------------------------------------------------------

    def _fetch(self, table: Table[Any], name: str) -> Any:
        value = self._older.get(name, _UNKNOWN)
        if value is _UNKNOWN:
            data = self._stored(name.encode())
            value = None if data is None else self._decode(table, name, data)
        self._recent[name] = value
        return value

    def _decode(self, table: Table[Any], name: str, data: bytes) -> Any:
        decode = self._decoders.get(table.name)
        if decode is None:
            decode = self._decoders[table.name] = msgspec.msgpack.Decoder(table.kind).decode
        try:
            return decode(data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Damaged(f"state row {name!r} is not a {table.kind.__name__}: {error}") from None

    def _stored(self, key: bytes) -> bytes | None:
        """Raises Damaged."""
        if self._digest_of is None:
            return self._rows.get("state", key)
        wanted = self._digest_of(key)
        if wanted is None:
            return None
        data = self._rows.get("state", key)
        if data is None or sha256(data).digest() != wanted:
            raise Damaged(f"the state row {key!r:.80} is not the one that was written")
        return data

    def _note_first(self, table: str, name: str, held: Any) -> None:
        """The first write to a name in this block."""
        key = name.encode()  # one that is no UTF-8 must fail here, inside the contract
        self._written_in.setdefault(table, {})[name] = None
        if name not in self._previous:
            self._previous[name] = self._stored(key) if held is _UNKNOWN else held


def _name(key: bytes) -> str:
    """Raises Damaged."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise Damaged(f"the key of the state row {key!r:.80} is not the one that was written") from None


def row_of(previous: Any) -> bytes | None:
    """The row of a value that `take_previous` gave."""
    return previous if previous is None or isinstance(previous, bytes) else encode(previous)


class Reader:
    """Implements core `StateReader` for roles: the state between blocks, no way to write."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, table: Table[V], key: str) -> V | None:
        return self._state.get(table, key)

    def range(self, table: Table[V], low: str, high: str, limit: int = 0) -> Iterator[tuple[str, V]]:
        return self._state.range(table, low, high, limit)
