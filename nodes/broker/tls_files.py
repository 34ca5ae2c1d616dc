"""Where the files of mutual TLS lie, as one end of a connection sees them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import msgspec

from nodes.errors import UserError
from nodes.process.keys import check_private

CA, REVOKED = "ca.crt", "crl.pem"  # beside a broker's settings; with its own:
BROKER_CERTIFICATE, BROKER_KEY = "broker.crt", "broker.key"
MEMBER: Final = "node"  # kinds of certificates, as their subjects say
BROKER: Final = "broker"


class TlsFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paths: the authority's certificate, beside which its list of what it revoked may lie, our own, and the key of
    ours, which nobody else may read. `server`: the name
    that the other end's certificate must bear; empty: the address is enough."""

    ca: str
    certificate: str
    key: str
    server: str = ""

    def under(self, folder: Path) -> TlsFiles:
        """With paths that are not absolute taken from `folder`."""
        ca, certificate, key = (str(folder / path) for path in (self.ca, self.certificate, self.key))
        return TlsFiles(ca, certificate, key, self.server)

    def context(self) -> ssl.SSLContext:
        """For a client, out of the files as they are now. Raises UserError with a sentence."""
        check_private(Path(self.key))
        try:
            context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=self.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(self.certificate, self.key)
            revoked = Path(self.ca).with_name(REVOKED)
            if revoked.is_file():
                context.load_verify_locations(revoked)
                context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"{self.ca}, {self.certificate} and {self.key} are no authority's certificate, own certificate and its "
                f"key ({error}): bring them back, or have them issued anew"
            ) from None
        return context


def common_name(certificate: object) -> str:
    """Of the subject of what `getpeercert` gives; empty where there is none."""
    return _of_subject(certificate, "commonName")


def unit_of(certificate: object) -> str:
    """The organisational unit of the subject, likewise: which kind of certificate the authority issued."""
    return _of_subject(certificate, "organizationalUnitName")


def _of_subject(certificate: object, wanted: str) -> str:
    subject = certificate.get("subject", ()) if isinstance(certificate, dict) else ()
    values = [value for part in subject for name, value in part if name == wanted]
    return values[0] if len(values) == 1 else ""
