"""The certificate authority of one consortium: who may speak on its bus, and whom a client may believe.

Its folder (0700) holds `ca.key` (0600, with a passphrase where one was given), `ca.crt`, `crl.pem` and all that it
issued. Elliptic keys on P-256, which Mosquitto, OpenSSL, Python and browsers all take. A certificate's subject
says O = the consortium, OU = its kind, CN = the member's or the broker's name. Safety never rests on any of this: votes
are signed with keys of their own.
"""

from __future__ import annotations

import fcntl
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from nodes.errors import UserError
from nodes.process.keys import check_private, read_private, write_private, write_readable

CertificateKind = Literal["node", "broker", "gateway"]
USAGES: dict[CertificateKind, ObjectIdentifier] = {
    "node": ExtendedKeyUsageOID.CLIENT_AUTH,
    "broker": ExtendedKeyUsageOID.SERVER_AUTH,
    "gateway": ExtendedKeyUsageOID.SERVER_AUTH,
}
CA_DAYS = 3_650
LEAF_DAYS = 365
DUE_DAYS = 30  # so long before its end a certificate should be renewed
EARLY = timedelta(minutes=5)  # certificates hold since then: clocks differ
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
NAME_LENGTH_MAX = 64  # of a part of a subject

Passphrase = Callable[[], bytes]  # asked for when the key is needed, and not before


class Issued(NamedTuple):
    """What one holder is given."""

    certificate_pem: bytes
    key_pem: bytes


class Certificate(NamedTuple):
    """One that was issued, as `consortium certificate list` shows it."""

    name: str
    kind: str
    serial: int
    ends: datetime
    is_revoked: bool

    def state(self, moment: datetime) -> str:
        """In a word."""
        if self.is_revoked:
            return "revoked"
        if moment >= self.ends:
            return "expired"
        return "to be renewed" if self.is_due(moment) else "valid"

    def is_due(self, moment: datetime) -> bool:
        """Whether it should be renewed."""
        return moment >= self.ends - timedelta(days=DUE_DAYS)


class Authority:
    """Made by `create` or `open`. `now`: the clock, for tests of what has expired."""

    def __init__(self, folder: Path, passphrase: Passphrase | None = None) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @staticmethod
    def create(
        folder: Path,
        name: str,
        hosts: Sequence[str] = LOCAL_HOSTS,
        passphrase: bytes = b"",
        now: Callable[[], datetime] | None = None,
    ) -> Authority:
        """For the consortium `name`, whose brokers and gateways are reached at these `hosts` alone (and below the
        domains among them): who has the key of this authority cannot speak for any other host, whoever trusts it.
        Raises UserError where a folder is there already."""
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            raise UserError(f"{folder} is there already: an authority is made once; move it away first") from None
        made = Authority(folder, None if not passphrase else lambda: passphrase)
        made.now = now or made.now
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _ca_certificate(key, name, hosts, made.now())
        (folder / "issued").mkdir(mode=0o700)
        write_private(folder / "ca.key", _key_pem(key, passphrase))
        write_readable(folder / "ca.crt", _pem(certificate))
        made._write_crl(key, [])
        return made

    @staticmethod
    def open(folder: Path, passphrase: Passphrase | None = None) -> Authority:
        """Raises UserError where there is none, or where others may enter the folder."""
        if not (folder / "ca.crt").is_file():
            raise UserError(f"{folder} holds no certificate authority: name the folder of a consortium that was set up")
        check_private(folder)
        return Authority(folder, passphrase)

    # --- what others read -------------------------------------------------------------------------------------------

    @property
    def ca_pem(self) -> bytes:
        """The certificate that nodes, brokers and clients trust."""
        return (self._folder / "ca.crt").read_bytes()

    @property
    def crl_pem(self) -> bytes:
        """The list of what was revoked. It holds as long as the authority: brokers read it from their own disk, and an
        older list would shut everybody out."""
        return (self._folder / "crl.pem").read_bytes()

    @property
    def needs_passphrase(self) -> bool:
        """Whether issuing and revoking ask for one."""
        return b"ENCRYPTED" in read_private(self._folder / "ca.key")

    def issued(self) -> list[Certificate]:
        """All that were ever issued, by kind and name, older ones first."""
        revoked = {entry.serial_number for entry in self._crl()}
        found = [_described(each, revoked) for each in self._certificates()]
        return sorted(found, key=lambda each: (each.kind, each.name, each.ends, each.serial))

    def revoked_serials(self) -> frozenset[int]:
        return frozenset(entry.serial_number for entry in self._crl())

    # --- what the operator does -------------------------------------------------------------------------------------

    def issue(self, name: str, kind: CertificateKind, hosts: Sequence[str] = (), days: int = LEAF_DAYS) -> Issued:
        """A new key and its certificate. A broker and a gateway are reached at `hosts`; a node needs none. Raises
        UserError where the authority may not speak for a host, or the passphrase is wrong."""
        if kind not in get_args(CertificateKind):
            raise UserError(f"{kind!r} is no kind of certificate: expected {', '.join(get_args(CertificateKind))}")
        if not 1 <= len(name) <= NAME_LENGTH_MAX:
            raise UserError(f"a name in a certificate has 1 to {NAME_LENGTH_MAX} characters")
        ca = self._ca()
        _check_hosts(ca, hosts)
        with self._locked():
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = self._leaf(ca, key, name, kind, hosts, days)
            record = self._folder / "issued" / f"{certificate.serial_number:040x}.crt"
            write_private(record, _pem(certificate))
        return Issued(_pem(certificate), _key_pem(key))

    def revoke(self, name: str, kind: CertificateKind, keep: bytes = b"") -> int:
        """All certificates of this name and kind but `keep` (PEM) go onto the list; how many were not on it yet."""
        kept = x509.load_pem_x509_certificate(keep).serial_number if keep else None
        with self._locked():
            entries = self._crl()
            known = {entry.serial_number for entry in entries}
            held = (_described(each, known) for each in self._certificates())
            new = [
                each.serial
                for each in held
                if (each.name, each.kind) == (name, kind) and not each.is_revoked and each.serial != kept
            ]
            if new:
                moment = self.now()
                entries += [_revoked(serial, moment) for serial in new]
                self._write_crl(self._key(), entries)
        return len(new)

    # --- inside -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Two commands at once take turns."""
        with (self._folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _ca(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.ca_pem)

    def _key(self) -> ec.EllipticCurvePrivateKey:
        """Raises UserError."""
        path = self._folder / "ca.key"
        pem = read_private(path)
        password = None
        if self.needs_passphrase:
            if self._passphrase is None:
                raise UserError(f"{path} has a passphrase: give it with --passphrase-file, or type it when asked")
            password = self._passphrase()
        try:
            key = serialization.load_pem_private_key(pem, password)
        except (ValueError, TypeError):
            words = "the passphrase is wrong" if password is not None else "it is damaged; bring back a copy"
            raise UserError(f"{path} cannot be opened: {words}") from None
        assert isinstance(key, ec.EllipticCurvePrivateKey), "an authority's key is on a curve"
        return key

    def _certificates(self) -> Iterator[x509.Certificate]:
        for path in sorted((self._folder / "issued").glob("*.crt")):
            yield x509.load_pem_x509_certificate(path.read_bytes())

    def _crl(self) -> list[x509.RevokedCertificate]:
        return list(x509.load_pem_x509_crl(self.crl_pem))

    def _write_crl(self, key: ec.EllipticCurvePrivateKey, entries: Sequence[x509.RevokedCertificate]) -> None:
        ca = self._ca()
        builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
        builder = builder.last_update(self.now() - EARLY).next_update(ca.not_valid_after_utc)
        builder = builder.add_extension(_issuer_key(ca), critical=False)
        builder = builder.add_extension(x509.CRLNumber(len(entries)), critical=False)
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        made = builder.sign(key, hashes.SHA256())
        write_readable(self._folder / "crl.pem", made.public_bytes(serialization.Encoding.PEM))

    def _leaf(
        self,
        ca: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        name: str,
        kind: CertificateKind,
        hosts: Sequence[str],
        days: int,
    ) -> x509.Certificate:
        moment = self.now()
        organisation = ca.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
        builder = x509.CertificateBuilder().issuer_name(ca.subject).public_key(key.public_key())
        builder = builder.subject_name(_name(str(organisation), kind, name)).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(moment - EARLY)
        builder = builder.not_valid_after(min(moment + timedelta(days=days), ca.not_valid_after_utc))
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(is_authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([USAGES[kind]]), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        builder = builder.add_extension(_issuer_key(ca), critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_host, hosts))), critical=False)
        return builder.sign(self._key(), hashes.SHA256())


def hosts_of(certificate_pem: bytes) -> list[str]:
    """Those that a server's certificate is for."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(each.value) for each in names]


def ends_of(certificate_pem: bytes) -> datetime:
    """Until when it holds. Raises ValueError where it is none."""
    return x509.load_pem_x509_certificate(certificate_pem).not_valid_after_utc


def _ca_certificate(
    key: ec.EllipticCurvePrivateKey, name: str, hosts: Sequence[str], moment: datetime
) -> x509.Certificate:
    subject = _name(name[:NAME_LENGTH_MAX], "authority", "authority")
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(moment - EARLY).not_valid_after(moment + timedelta(days=CA_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(is_authority=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    permitted = [_subtree(host) for host in hosts]
    builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
    return builder.sign(key, hashes.SHA256())


def _name(organisation: str, unit: str, name: str) -> x509.Name:
    parts = (
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.COMMON_NAME, name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_key(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _subtree(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(host))
    except ValueError:
        return x509.DNSName(host)


def _check_hosts(ca: x509.Certificate, hosts: Sequence[str]) -> None:
    """Raises UserError."""
    permitted = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    for host in hosts:
        if not any(_is_within(_host(host), tree) for tree in permitted):
            known = ", ".join(str(tree.value) for tree in permitted)
            raise UserError(
                f"this authority may not speak for {host}: it was made for {known}; name all hosts when it is made"
            )


def _is_within(host: x509.GeneralName, tree: x509.GeneralName) -> bool:
    if isinstance(host, x509.IPAddress):
        return isinstance(tree, x509.IPAddress) and host.value in tree.value  # type: ignore[operator]
    return isinstance(tree, x509.DNSName) and (host.value == tree.value or host.value.endswith(f".{tree.value}"))


def _revoked(serial: int, moment: datetime) -> x509.RevokedCertificate:
    return x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment).build()


def _described(certificate: x509.Certificate, revoked: frozenset[int] | set[int]) -> Certificate:
    def part(oid: ObjectIdentifier) -> str:
        return str(certificate.subject.get_attributes_for_oid(oid)[0].value)

    serial = certificate.serial_number
    name, kind = part(NameOID.COMMON_NAME), part(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return Certificate(name, kind, serial, certificate.not_valid_after_utc, serial in revoked)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
