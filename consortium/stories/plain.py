"""Values of the ledger as a person reads them: amounts in yuan to the fen, days, moments in the chain's calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import msgspec

from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.lines import Sums
from consortium.core.calendar import MINUTE_US, compute_day

NONE = "-"
HEX_SHOWN = 16
_SECOND_US = 1_000_000
_DAY_ENDS = ("day", "date", "_on", "_to", "due")
_DAYS = range(10000101, 99991232)


def yuan(fen: int) -> str:
    """`-1,234.05`: nothing is rounded."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def day(value: int) -> str:
    """`2026-05-01` of 20260501; `-` of 0."""
    return f"{value // 10_000:04d}-{value // 100 % 100:02d}-{value % 100:02d}" if value else NONE


def zone(utc_offset_minutes: int) -> str:
    """`UTC+08:00`."""
    sign = "-" if utc_offset_minutes < 0 else "+"
    return f"UTC{sign}{abs(utc_offset_minutes) // 60:02d}:{abs(utc_offset_minutes) % 60:02d}"


def moment(time_us: int, utc_offset_minutes: int) -> str:
    """`2026-05-01 09:30:05` of a chain time, so far ahead of UTC."""
    seconds = (time_us + utc_offset_minutes * MINUTE_US) // _SECOND_US % 86_400
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{day(compute_day(time_us, utc_offset_minutes))} {clock}"


@cache
def _amounts() -> frozenset[str]:
    """The names of the data standard that count fen: those of the contracts' own structs."""
    return frozenset({*Amounts.__struct_fields__, *Sums.__struct_fields__} - {"coded"})


def is_amount(name: str) -> bool:
    """Whether a field of this name counts fen."""
    return name.endswith("_fen") or name in _amounts()


def is_day(name: str, value: Any) -> bool:
    return isinstance(value, int) and value in _DAYS and name.endswith(_DAY_ENDS)


def plain(name: str, value: Any) -> str:
    """A field's value, by its name where that says what it counts."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return yuan(value) if is_amount(name) else day(value) if is_day(name, value) else str(value)
    if isinstance(value, bytes):
        return short_hex(value)
    if isinstance(value, list | tuple):
        return ", ".join(plain(name, each) for each in value) or NONE
    return str(value) or NONE


def short_hex(value: bytes) -> str:
    digits = value.hex()
    return f"{digits[:HEX_SHOWN]}…" if len(digits) > HEX_SHOWN else digits or NONE


def label(name: str) -> str:
    return name.removesuffix("_fen")


def builtins(value: Any) -> Any:
    """Of a record: dicts by field name, also where its bytes are an array; bytes stay bytes."""
    if isinstance(value, msgspec.Struct):
        return {name: builtins(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(name): builtins(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [builtins(each) for each in value]
    return value


def readable(value: Any) -> Any:
    """The same for programs: bytes in hexadecimal, keys as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): readable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [readable(each) for each in value]
    return value


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The fields of a record by their path, each as a person reads it; those that say nothing are left out."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping | list | tuple):
        for place, inner in enumerate(value, 1):
            yield from flat(inner, f"{path}[{place}]")
    elif value not in (0, "", b"", [], (), None) or isinstance(value, bool):
        name = path.rpartition(".")[2].partition("[")[0]
        yield label(path), plain(name, value)
