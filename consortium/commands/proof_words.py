"""What a proof proves, in one sentence and as fields."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts import load_told_tables
from consortium.core.calendar import MINUTE_US, compute_day
from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.header import Header
from consortium.core.proven import (
    Proven,
    ProvenHeader,
    ProvenMembers,
    ProvenReceipt,
    ProvenState,
    ProvenTransaction,
)
from consortium.core.transaction import decode_call


def tell(proven: Proven, genesis: Genesis) -> str:
    """One sentence: what, of which chain, as of which block, sealed by whom."""
    match proven:
        case ProvenState(header, value=None):
            return f"there was no {_named(proven)} {_after(header, genesis)}"
        case ProvenState(header):
            return f"{_named(proven)} {_after(header, genesis)} was {_shown(_value(proven))}"
        case ProvenReceipt(header, receipt):
            outcome = "was executed" if receipt.is_ok else f"was refused, {receipt.code}: {receipt.sentence}"
            return f"transaction {receipt.transaction.hex()} {outcome}, {_in(header, genesis)}"
        case ProvenTransaction(header, member, transaction, identity):
            return f"{member} said {_call(transaction)}, transaction {identity.hex()}, {_in(header, genesis)}"
        case ProvenHeader(header):
            return f"the state root {header.state.hex()} is that of the state {_after(header, genesis)}"
        case ProvenMembers(epoch):
            names = ", ".join(epoch.validators)
            since = f"from height {epoch.first_height} on"
            return f"the validators of epoch {epoch.number} of chain {genesis.name} are {names}, {since}"


def _call(transaction: bytes) -> str:
    try:
        call = decode_call(transaction)
    except Malformed:
        return f"{len(transaction)} bytes that are no call"
    return f"{call.contract}.{call.operation}"


def fields_of(proven: Proven, genesis: Genesis) -> dict[str, Any]:
    """The same for a program; bytes in hexadecimal."""
    fields: dict[str, Any] = {"proves": type(proven).__name__.removeprefix("Proven").lower(), "chain": genesis.chain}
    header = getattr(proven, "header", None)
    if header is not None:
        fields |= {"height": header.height, "time_us": header.time_us}
    match proven:
        case ProvenState(table=table, key=key, value=value):
            fields |= {"table": table, "key": key, "is_absent": value is None, "value": _value(proven)}
        case ProvenReceipt(receipt=receipt):
            events = [{"kind": event.kind, "fields": event.fields} for event in receipt.events]
            fields |= {"transaction": receipt.transaction, "code": receipt.code, "events": events}
        case ProvenTransaction(member=member, identity=identity):
            fields |= {"member": member, "transaction": identity}
        case ProvenHeader():
            fields |= {"state": proven.header.state}
        case ProvenMembers(epoch):
            fields |= {"epoch": epoch.number, "first_height": epoch.first_height, "validators": epoch.validators}
    return {name: _readable(value) for name, value in fields.items()}


def _named(proven: ProvenState) -> str:
    word = next((word for word, table in load_told_tables().items() if table.name == proven.table), "")
    key = proven.key if proven.key.isprintable() else repr(proven.key)
    return f"{word} {key}" if word else f"row {key} of table {proven.table!r}"


def _value(proven: ProvenState) -> Any:
    """Decoded where this program knows the table and reads the value; else its bytes."""
    if proven.value is None:
        return None
    table = next((table for table in load_told_tables().values() if table.name == proven.table), None)
    try:
        kind = Any if table is None else table.kind
        return msgspec.to_builtins(msgspec.msgpack.decode(proven.value, type=kind), builtin_types=(bytes,))
    except msgspec.MsgspecError:
        return proven.value


def _shown(value: Any) -> str:
    return msgspec.json.encode(_readable(value)).decode()


def _readable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _readable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(each) for each in value]
    return value


def _after(header: Header, genesis: Genesis) -> str:
    return f"after block {header.height} of chain {genesis.name} ({_time(header, genesis)})"


def _in(header: Header, genesis: Genesis) -> str:
    return f"in block {header.height} of chain {genesis.name} ({_time(header, genesis)})"


def _time(header: Header, genesis: Genesis) -> str:
    """In the chain's own calendar."""
    offset = genesis.parameters.utc_offset_minutes
    day = compute_day(header.time_us, offset)
    minute = (header.time_us // MINUTE_US + offset) % (24 * 60)
    written = f"{day // 10_000:04d}-{day // 100 % 100:02d}-{day % 100:02d} {minute // 60:02d}:{minute % 60:02d}"
    return f"{written} UTC{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
