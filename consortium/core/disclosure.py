"""A disclosure: some fields of a private record, with a proof that a ledger commits to just these.

It holds the proof of one row of the state (core/proven.py), whose `fields` is the commitment to all fields of the
record, and an opening for each field that is shown (core/fields.py). Whoever has the genesis judges it without a
ledger, and learns nothing of the other fields but how many there are.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import msgspec

from consortium.core.codec import Decoder, Digest, Malformed, encode
from consortium.core.fields import FIELDS_MAX, Opening, is_opened
from consortium.core.proven import PROOF_BYTES_MAX, Anchor, ProofError, ProvenState, judge_from

FORMAT = 1
BYTES_MAX = 2 * PROOF_BYTES_MAX
_TAG = "Disclosure"


class Disclosure(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=_TAG):
    """`proof`: of the row; `openings`: of its record's fields."""

    format: int
    proof: bytes
    openings: Annotated[tuple[Opening, ...], msgspec.Meta(min_length=1, max_length=FIELDS_MAX)]


class Disclosed(NamedTuple):
    """What it shows: the row that it is about, and the canonical bytes of fields' values by name. `of`: how many fields
    the record has."""

    proven: ProvenState
    fields: dict[str, bytes]
    of: int


class _Row(msgspec.Struct, frozen=True):
    fields: Digest


_DISCLOSURE: Decoder[Disclosure] = Decoder(Disclosure, BYTES_MAX)
_ROW: Decoder[_Row] = Decoder(_Row, PROOF_BYTES_MAX)


def begins_as_disclosure(data: bytes) -> bool:
    return bool(data) and data[0] & 0xF0 == 0x90 and data.startswith(encode(_TAG), 1)


def judge_disclosure(anchor: Anchor, data: bytes) -> Disclosed:
    """What the bytes show. Raises ProofError where they show nothing."""
    try:
        disclosure = _DISCLOSURE.decode_canonical(data)
    except Malformed:
        raise ProofError("the file is no whole disclosure") from None
    if disclosure.format != FORMAT:
        raise ProofError(f"the disclosure has format {disclosure.format}, this program reads {FORMAT}")
    proven = judge_from(anchor, disclosure.proof)
    if not isinstance(proven, ProvenState) or proven.value is None:
        raise ProofError("the proof in the disclosure is not of a row of the state")
    try:
        commitment = _ROW.decode(proven.value).fields
    except Malformed:
        raise ProofError("the row that is proven commits to no fields") from None
    shown: dict[str, bytes] = {}
    for opening in disclosure.openings:
        if opening.name in shown or not is_opened(opening, commitment):
            raise ProofError(f"the field {opening.name!r} is not one of the record that the row commits to")
        shown[opening.name] = opening.value
    return Disclosed(proven, shown, disclosure.openings[0].size)
