"""Records of a trace in the compact form in which the page reads them: columns of numbers, and the rest as JSON.

A chunk is `CPR1`, its number of records, the bytes of its tail (both u32), then the columns, little endian, each padded
to four bytes: f64 t_us, u16 node, u16 kind, i32 height, i32 view, i32 extra. Then the tail: a JSON list of what else
records say; `extra` is a place in it, and equal ones are written once. -1: none.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from consortium.runs.trace import TraceError, decode_record

MAGIC = b"CPR1"
BLOCK_BYTES = 4_000_000  # of a trace, read at a time
CHUNK_RECORDS = 65_536
NONE = -1
I32_MAX = (1 << 31) - 1
NOBODY = ""  # node 0: the driver


class Row(msgspec.Struct, gc=False):
    """What the page shows of most records. Fields of other kinds are passed over here, and told whole."""

    t_us: int
    node: str
    kind: str
    height: int = NONE
    view: int = NONE
    transactions: int = 0
    ok: int = 0
    refused: int = 0
    latency_us: int = 0
    bytes: int = 0


# What is said of the kinds of which there are many; of every other kind all that it says is.
SAID: dict[str, tuple[str, ...]] = {
    "prepared": (),
    "committed": (),
    "executed": ("transactions", "ok", "refused"),
    "proposed": ("transactions", "bytes"),
    "included": ("latency_us", "transactions"),
    "submitted": ("transactions",),
}
_COLUMNS = ("t_us", "node", "kind", "height", "view")
_rows = msgspec.json.Decoder(Row).decode_lines
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_json = msgspec.json.encode


class Numbers(dict[str, int]):
    """Names, numbered as they come. Where it is closed, a new one is 0."""

    def __init__(self, names: Iterable[str], *, is_open: bool) -> None:
        super().__init__((name, number) for number, name in enumerate(names))
        self._is_open = is_open

    def __missing__(self, name: str) -> int:
        if not self._is_open:
            return 0
        number = self[name] = len(self)
        return number


class Packer:
    """Reads lines of traces. `members`: the names of nodes 1, 2, …; None: whoever comes."""

    def __init__(self, members: Sequence[str] | None) -> None:
        self.nodes = Numbers((NOBODY, *(members or ())), is_open=members is None)
        self.kinds = Numbers((), is_open=True)

    def read(self, lines: bytes, place: str = "") -> list[Row]:
        """Whole lines. Raises TraceError naming `place` where one is no record."""
        try:
            rows = _rows(lines)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            rows = []
        if len(rows) == lines.count(b"\n"):
            return rows
        return [_read_slowly(line, place) for line in lines.split(b"\n")[:-1]]

    def extra(self, row: Row, line: bytes) -> bytes:
        """What else the record says, as a JSON object; empty: nothing."""
        said = SAID.get(row.kind)
        if said is not None and row.node in self.nodes:
            return (
                b"{%b}" % b",".join(b'"%b":%d' % (name.encode(), getattr(row, name)) for name in said) if said else b""
            )
        found = _object(line)
        more = {name: value for name, value in found.items() if name not in _COLUMNS}
        for name in ("height", "view"):
            if getattr(row, name) == NONE and name in found:  # it is no number of a height or a view there
                more[name] = found[name]
        if row.node not in self.nodes:
            more["node"] = found["node"]
        return _json(more) if more else b""

    def json_row(self, row: Row, line: bytes) -> bytes:
        """`[t_us, node, kind, height, view, what else it says, or null]`"""
        numbers = (row.t_us, self.nodes[row.node], self.kinds[row.kind], row.height, row.view)
        return b"[%d,%d,%d,%d,%d,%b]" % (*numbers, self.extra(row, line) or b"null")


def _read_slowly(line: bytes, place: str) -> Row:
    """A record whose fields bear our names and mean something else, or none at all. Raises TraceError."""
    try:
        record = decode_record(line)
    except ValueError as error:
        raise TraceError(f"{place}: {error}") from None
    numbers = {name: record[name] for name in Row.__struct_fields__ if type(record.get(name)) is int}
    return Row(node=record["node"], kind=record["kind"], **{"t_us": record["t_us"], **numbers})


class Packed:
    """A whole trace, packed, in order of time."""

    def __init__(self, packer: Packer) -> None:
        self.packer = packer
        self.times, self.nodes, self.kinds = array("d"), array("H"), array("H")
        self.heights, self.views, self.extras = array("i"), array("i"), array("i")
        self._said: list[bytes] = []
        self._places: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self.times)

    @property
    def end_us(self) -> int:
        return int(self.times[-1]) if self.times else 0

    def said(self, place: int) -> bytes:
        """What else the record at this place says, as JSON; empty: nothing."""
        number = self.extras[place]
        return b"" if number == NONE else self._said[number]

    def add_file(self, path: Path) -> None:
        """All whole records of a trace. Raises TraceError, OSError."""
        for lines, number in _blocks(path):
            self.add(lines, f"{path}, at or after line {number}")

    def add(self, lines: bytes, place: str = "") -> None:
        """Raises TraceError."""
        packer, rows = self.packer, self.packer.read(lines, place)
        try:
            self.times.extend([row.t_us for row in rows])
            self.nodes.extend([packer.nodes[row.node] for row in rows])
            self.kinds.extend([packer.kinds[row.kind] for row in rows])
        except OverflowError:
            raise TraceError(f"{place}: a time or a number of names that no trace has") from None
        self.heights.extend(_small([row.height for row in rows]))
        self.views.extend(_small([row.view for row in rows]))
        plain = {kind for kind, said in SAID.items() if not said}
        known = packer.nodes
        self.extras.extend(
            [
                NONE if row.kind in plain and row.node in known else self._place(packer.extra(row, line))
                for row, line in zip(rows, lines.split(b"\n"), strict=False)
            ]
        )

    def _place(self, said: bytes) -> int:
        if not said:
            return NONE
        place = self._places.get(said)
        if place is None:
            place = self._places[said] = len(self._said)
            self._said.append(said)
        return place

    def finish(self) -> None:
        """After the last file: puts it in order of time; at equal times as it came."""
        self._places.clear()
        if all(one <= two for one, two in pairwise(self.times)):
            return
        order = sorted(range(len(self)), key=self.times.__getitem__)
        for name in ("times", "nodes", "kinds", "heights", "views", "extras"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, [column[place] for place in order]))

    def chunks(self) -> Iterator[bytes]:
        """The whole, a part at a time."""
        for low in range(0, len(self), CHUNK_RECORDS):
            yield self._chunk(low, min(len(self), low + CHUNK_RECORDS))

    def _chunk(self, low: int, high: int) -> bytes:
        extras = self.extras[low:high]
        used = sorted(set(extras) - {NONE})
        local = {place: number for number, place in enumerate(used)} | {NONE: NONE}
        tail = b"[" + b",".join([self._said[place] for place in used]) + b"]"
        tail += b" " * (-len(tail) % 4)
        columns = (self.times, self.nodes, self.kinds, self.heights, self.views)
        parts = [_bytes(column[low:high]) for column in columns]
        parts.append(_bytes(array("i", [local[place] for place in extras])))
        head = MAGIC + (high - low).to_bytes(4, "little") + len(tail).to_bytes(4, "little")
        return b"".join((head, *parts, tail))


def _small(values: list[int]) -> array[int]:
    try:
        return array("i", values)
    except OverflowError:
        return array("i", [min(max(value, NONE), I32_MAX) for value in values])


def _bytes(column: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    data = column.tobytes()
    return data + bytes(-len(data) % 4)


def _blocks(path: Path) -> Iterator[tuple[bytes, int]]:
    """Whole lines, and the number of the first; a last line that was cut off is left out. Raises TraceError."""
    number, held = 1, b""
    try:
        with path.open("rb") as file:
            while data := file.read(BLOCK_BYTES):
                end = data.rfind(b"\n") + 1
                lines, held = held + data[:end], (held + data if not end else data[end:])
                if end:
                    yield lines, number
                    number += lines.count(b"\n")
    except FileNotFoundError:
        raise TraceError(f"{path}: there is no such trace") from None
