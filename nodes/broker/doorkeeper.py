"""Whom the embedded broker lets in over TLS: members that a certificate of the authority names, and no other.

The handshake has verified that the authority issued the certificate for a client, and that it has not expired. What is
left: was it revoked, and is its name still one of those with a place here. Both are read anew when they change.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509

from nodes.broker.broker import EmbeddedSettings
from nodes.broker.tls_files import BROKER_CERTIFICATE, BROKER_KEY, CA, MEMBER, REVOKED, common_name, unit_of
from nodes.process.keys import check_private, read_private


class Doorkeeper:
    """Of the broker whose settings lie at `path`, the files of TLS beside them. Raises UserError, OSError, ValueError
    where they cannot be read; then `read` leaves what it knew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: frozenset[str] = frozenset()
        self._revoked: frozenset[int] = frozenset()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(path.parent / CA))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.read()

    def read(self) -> None:
        """Names, what was revoked, and the broker's own certificate, as they are now. Connections stay."""
        folder = self._path.parent
        check_private(folder / BROKER_KEY)
        names = msgspec.json.decode(read_private(self._path), type=EmbeddedSettings).names
        revoked = x509.load_pem_x509_crl((folder / REVOKED).read_bytes())
        self.context.load_cert_chain(folder / BROKER_CERTIFICATE, folder / BROKER_KEY)
        self._names = frozenset(names)
        self._revoked = frozenset(entry.serial_number for entry in revoked)

    def name_of(self, peer: Any, username: str | None) -> str:
        """Who this is by its certificate, as `getpeercert` gives it; empty where it may not come in. A user name in
        MQTT adds nothing, and another's is a lie."""
        if not peer or unit_of(peer) != MEMBER or int(str(peer.get("serialNumber")), 16) in self._revoked:
            return ""
        name = common_name(peer)
        return name if name in self._names and username in (None, "", name) else ""
