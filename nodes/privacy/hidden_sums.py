"""EXPERIMENTAL. Sums of what nobody shows: each hospital hides its own, whoever adds sees nothing, one opens the total.

By the cryptosystem of Paillier in the library `phe` (extra `privacy`), which is additively homomorphic: the product of
ciphertexts hides the sum of what they hide. What is hidden are counts, sums and sums of squares and products, so that a
mean, a deviation, a line through two columns come out as of all rows together, and no row leaves its hospital.

Whoever has the private key can open a single part, too: parts go to somebody else, who adds them and hands over the
total alone. Where those two are one, or agree, nothing is hidden from them. Nobody proves that a part is true.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from nodes.errors import UserError

BITS = 2_048
LEAST_ROWS = 5
PUBLIC_KIND, PRIVATE_KIND, PART_KIND = "public key of a hidden sum", "private key of a hidden sum", "hidden sum"


class PublicKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    n: str


class PrivateKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    p: str
    q: str


class Hidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part, or a total of parts: `parts` are their marks, drawn at random, so that none is added twice."""

    kind: str
    n: str
    columns: tuple[str, ...]
    parts: tuple[str, ...]
    ciphers: tuple[str, ...]


class Moments(NamedTuple):
    """Of all rows: how many, and for each pair of columns (1 among them) the sum of their products."""

    columns: tuple[str, ...]
    sums: tuple[int, ...]

    @property
    def rows(self) -> int:
        return self.sums[0]

    def sum_of(self, one: str, other: str = "1") -> int:
        pairs = _pairs(len(self.columns))
        places = {name: place for place, name in enumerate(("1", *self.columns))}
        return self.sums[pairs.index((min(places[one], places[other]), max(places[one], places[other])))]

    def mean(self, column: str) -> float:
        return self.sum_of(column) / self.rows

    def deviation(self, column: str) -> float:
        """Of the rows as they are, not of a sample."""
        squares = self.rows * self.sum_of(column, column) - self.sum_of(column) ** 2
        return math.sqrt(squares) / self.rows

    def line(self) -> tuple[float, float] | None:
        """Slope and height at zero of the second column over the first; None where the first does not vary."""
        x, y = self.columns
        below = self.rows * self.sum_of(x, x) - self.sum_of(x) ** 2
        if below == 0:
            return None
        slope = (self.rows * self.sum_of(x, y) - self.sum_of(x) * self.sum_of(y)) / below
        return slope, self.mean(y) - slope * self.mean(x)


def _pairs(columns: int) -> list[tuple[int, int]]:
    """(1, 1) first, whose sum is the number of rows."""
    return [(one, other) for one in range(columns + 1) for other in range(one, columns + 1)]


def _paillier() -> Any:
    try:
        from phe import paillier
    except ImportError:
        raise UserError("hidden sums need the library phe: pip install 'consortium[privacy]'") from None
    return paillier


def make_keys(bits: int = BITS) -> tuple[PublicKey, PrivateKey]:
    """Raises UserError where the library is missing."""
    public, private = _paillier().generate_paillier_keypair(n_length=bits)
    return PublicKey(PUBLIC_KIND, f"{public.n:x}"), PrivateKey(PRIVATE_KIND, f"{private.p:x}", f"{private.q:x}")


def hide(key: PublicKey, columns: Sequence[str], rows: Iterable[Sequence[int]]) -> Hidden:
    """One hospital's part. Raises UserError where there are fewer rows than LEAST_ROWS."""
    full = [(1, *row) for row in rows]
    if len(full) < LEAST_ROWS:
        raise UserError(f"{len(full)} rows tell too much of each: at least {LEAST_ROWS} are hidden in one part")
    public = _paillier().PaillierPublicKey(int(key.n, 16))
    sums = [sum(row[one] * row[other] for row in full) for one, other in _pairs(len(columns))]
    ciphers = tuple(f"{public.encrypt(each).ciphertext():x}" for each in sums)
    return Hidden(PART_KIND, key.n, tuple(columns), (secrets.token_hex(16),), ciphers)


def add(hidden: Sequence[Hidden]) -> Hidden:
    """The total, which hides the sum of what the parts hide. Raises UserError where they do not belong together."""
    first = hidden[0]
    if any((each.n, each.columns) != (first.n, first.columns) for each in hidden):
        raise UserError("the parts are of other keys or other columns: all must be made with the same ones")
    parts = [part for each in hidden for part in each.parts]
    if len(set(parts)) != len(parts):
        raise UserError("a part is named twice: each hospital's counts once")
    paillier = _paillier()
    public = paillier.PaillierPublicKey(int(first.n, 16))
    totals = [paillier.EncryptedNumber(public, int(cipher, 16)) for cipher in first.ciphers]
    for each in hidden[1:]:
        others = (paillier.EncryptedNumber(public, int(cipher, 16)) for cipher in each.ciphers)
        totals = [total + other for total, other in zip(totals, others, strict=True)]
    ciphers = tuple(f"{total.ciphertext():x}" for total in totals)
    return Hidden(PART_KIND, first.n, first.columns, tuple(parts), ciphers)


def open_total(key: PrivateKey, total: Hidden) -> Moments:
    """Raises UserError for a single part, and where the key is another one's."""
    paillier = _paillier()
    p, q = int(key.p, 16), int(key.q, 16)
    if f"{p * q:x}" != total.n:
        raise UserError("the total was hidden under another key")
    if len(total.parts) < 2:
        raise UserError("this is one hospital's part and no total: parts are added before anything is opened")
    public = paillier.PaillierPublicKey(p * q)
    private = paillier.PaillierPrivateKey(public, p, q)
    sums = (private.decrypt(paillier.EncryptedNumber(public, int(cipher, 16))) for cipher in total.ciphers)
    return Moments(total.columns, tuple(sums))
