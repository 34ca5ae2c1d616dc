"""A block as one member gives it to another in catch-up: bytes, whose proof is the certificate among them."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from consortium.core.messages import Certificate
from consortium.core.seals import decode_certificate


class GivenBlock(NamedTuple):
    """One height, of which nothing is checked yet. `batch` None: a null request."""

    batch: bytes | None
    certificate: bytes
    seal: bytes | None

    @property
    def size(self) -> int:
        return len(self.batch or b"") + len(self.certificate) + len(self.seal or b"")

    @property
    def digest(self) -> bytes:
        """Of all three, with their lengths."""
        parts = (self.batch or b"", self.certificate, self.seal or b"")
        return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()[:16]

    def open(self) -> tuple[Certificate, Certificate | None]:
        """Certificate and seal. Raises Malformed."""
        return decode_certificate(self.certificate), None if self.seal is None else decode_certificate(self.seal)
