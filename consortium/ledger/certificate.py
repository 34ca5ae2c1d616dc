"""Block certificates and seals as they are stored, and how a seal is checked."""

from __future__ import annotations

from typing import Protocol

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate
from consortium.core.seals import decode_certificate
from consortium.core.verifier import Verifier
from consortium.ledger.rows import Damaged, Row, height_key


class CheckDecision(Protocol):
    """The `check_decision` of a consensus protocol. Raises Malformed."""

    def __call__(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None: ...


def seal_rows(rows: Rows, height: int, seal: Certificate) -> tuple[Row, ...]:
    """The rows that store a seal; `meta seals` counts them and names the newest, so that a lost one is noticed."""
    count, newest = stored_seals(rows)
    if rows.get("seal", height_key(height)) is None:
        count += 1
    meta = height_key(count) + height_key(max(newest, height))
    return (("seal", height_key(height), encode(seal)), ("meta", b"seals", meta))


def stored_seals(rows: Rows) -> tuple[int, int]:
    """How many seals are stored, and the height of the newest (0, 0 if none). Raises Damaged."""
    meta = rows.get("meta", b"seals")
    if meta is None:
        return 0, 0
    if len(meta) != 16:
        raise Damaged("meta row 'seals' has a wrong length")
    return int.from_bytes(meta[:8], "big"), int.from_bytes(meta[8:], "big")


def newest_seal(rows: Rows) -> tuple[int, Certificate | None]:
    """Height and certificate of the newest stored seal; (0, None) if there is none. Raises Damaged."""
    count, newest = stored_seals(rows)
    if not count:
        return 0, None
    seal = stored_seal(rows, newest)
    if seal is None:
        raise Damaged(f"the seal of height {newest} is missing")
    return newest, seal


def stored_seal(rows: Rows, height: int) -> Certificate | None:
    """The seal over this very height, if one is stored. Raises Damaged."""
    data = rows.get("seal", height_key(height))
    if data is None:
        return None
    try:
        return decode_certificate(data)
    except Malformed as error:
        raise Damaged(f"the seal of height {height} cannot be read: {error}") from None
