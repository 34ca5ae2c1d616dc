"""A file held against what a proof proves, and what a disclosure shows, in words."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec

from consortium.commands.language import spoken
from consortium.commands.unsealing import shown_value
from consortium.core.codec import Malformed
from consortium.core.disclosure import Disclosed
from consortium.core.errors import UserError
from consortium.core.proven import Proven, ProvenState
from consortium.core.unsealed import UNSEALED

FILE_BYTES_MAX = 256_000_000
DOCUMENT = ""


def hold_against(file: Path, proven: Proven) -> str:
    """The field of the proven row that commits to this file; "" where none does: it was altered, or is another one.
    Raises UserError."""
    if not isinstance(proven, ProvenState) or proven.value is None:
        raise UserError("--file is held against a row of the state, such as a data-set, a trial or a record")
    row, told = msgspec.msgpack.decode(proven.value), _digests_of(file)
    names = [name for name, digest in told.items() if row.get(name) == digest]
    named = [name for name, value in sorted(row.items()) if value == told.get(DOCUMENT)]
    return next(iter((*names, *named)), "")


def _digests_of(file: Path) -> dict[str, bytes]:
    """What a row would hold of it: of a record by the name of its field, of a document its SHA-256."""
    if not file.is_file():
        raise UserError(f"there is no file {file}")
    if file.stat().st_size > FILE_BYTES_MAX:
        raise UserError(f"{file} has {file.stat().st_size:,} bytes: a file has at most {FILE_BYTES_MAX:,}")
    data = file.read_bytes()
    try:
        return UNSEALED.decode_canonical(data).commitments()
    except Malformed:
        return {DOCUMENT: sha256(data).digest()}


def tell_file(file: Path, held: str) -> str:
    words = spoken()
    if held:
        return words("unaltered: {file} is what the row commits to as its {field}", file=file, field=held)
    return words("ALTERED: {file} is not what this row commits to", file=file)


def shown_fields(disclosed: Disclosed) -> dict[str, str]:
    return {name: shown_value(value) for name, value in disclosed.fields.items()}


def tell_disclosed(disclosed: Disclosed) -> str:
    lines = [f"  {name}: {value}" for name, value in shown_fields(disclosed).items()]
    hidden = disclosed.of - len(lines)
    head = spoken()("shown of its record, with {hidden} fields that are not:", hidden=hidden)
    return "\n".join([head, *lines])
