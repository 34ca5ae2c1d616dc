"""The consortium's certificate authority: what it issues is taken, and what is stale, stolen, foreign or of another use
is not. Both ends are Python's `ssl`, hand to hand."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509

from nodes.broker.tls_files import TlsFiles, common_name, unit_of
from nodes.deploy.authority import CA_DAYS, LEAF_DAYS, Authority, CertificateKind, Issued
from nodes.errors import UserError


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority", "claims-of-a-town")


def lay(folder: Path, authority: Authority, issued: Issued, server: str = "") -> TlsFiles:
    folder.mkdir(parents=True, exist_ok=True)
    paths = TlsFiles("ca.crt", "own.crt", "own.key", server).under(folder)
    Path(paths.ca).write_bytes(authority.ca_pem)
    Path(paths.certificate).write_bytes(issued.certificate_pem)
    Path(paths.key).write_bytes(issued.key_pem)
    Path(paths.key).chmod(0o600)
    return paths


def broker_context(folder: Path, authority: Authority, issued: Issued) -> ssl.SSLContext:
    files = lay(folder, authority, issued)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.ca)
    context.load_cert_chain(files.certificate, files.key)
    context.verify_mode = ssl.CERT_REQUIRED
    (folder / "crl.pem").write_bytes(authority.crl_pem)
    context.load_verify_locations(folder / "crl.pem")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return context


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str = "127.0.0.1") -> tuple[object, object]:
    """What each end knows of the other. Raises ssl.SSLError where one refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            with Patience():
                end.do_handshake()
    ends[0].write(b"!")
    assert ends[1].read(1) == b"!"
    return ends[1].getpeercert(), ends[0].getpeercert()


class Patience:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is ssl.SSLWantReadError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_member_and_a_broker_know_each_other(authority: Authority, tmp_path: Path, host: str) -> None:
    server = broker_context(
        tmp_path / "b", authority, authority.issue("broker-1", "broker", ("127.0.0.1", "localhost"))
    )
    client = lay(tmp_path / "n", authority, authority.issue("h1", "node")).context()
    of_client, of_server = shake_hands(client, server, host)
    assert (common_name(of_client), unit_of(of_client)) == ("h1", "node")
    assert (common_name(of_server), unit_of(of_server)) == ("broker-1", "broker")


def refused(authority: Authority, tmp_path: Path, client: ssl.SSLContext, why: str, host: str = "127.0.0.1") -> None:
    server = broker_context(tmp_path / "server", authority, authority.issue("broker-1", "broker", ("127.0.0.1",)))
    with pytest.raises(ssl.SSLError, match=why):
        shake_hands(client, server, host)


def test_what_has_expired_is_refused(authority: Authority, tmp_path: Path) -> None:
    authority.now = lambda: datetime.now(UTC) - timedelta(days=3)
    stale = authority.issue("h1", "node", days=2)
    authority.now = lambda: datetime.now(UTC)
    refused(authority, tmp_path, lay(tmp_path / "n", authority, stale).context(), "certificate has expired")


def test_the_authority_of_a_stranger_is_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other", "claims-of-a-town")
    forged = lay(tmp_path / "n", authority, other.issue("h1", "node")).context()
    refused(authority, tmp_path, forged, "certificate verify failed")
    false_broker = broker_context(tmp_path / "f", other, other.issue("broker-1", "broker", ("127.0.0.1",)))
    mine = lay(tmp_path / "m", authority, authority.issue("h1", "node")).context()
    with pytest.raises(ssl.SSLError, match="certificate verify failed"):
        shake_hands(mine, false_broker)


@pytest.mark.parametrize("kind", ["broker", "gateway"])
def test_a_servers_certificate_makes_no_member(authority: Authority, tmp_path: Path, kind: CertificateKind) -> None:
    server_as_client = lay(tmp_path / "n", authority, authority.issue("h1", kind, ("127.0.0.1",))).context()
    refused(authority, tmp_path, server_as_client, "unsuitable certificate purpose|unsupported certificate purpose")


def test_a_members_certificate_makes_no_broker(authority: Authority, tmp_path: Path) -> None:
    thief = broker_context(tmp_path / "b", authority, authority.issue("h2", "node", ("127.0.0.1",)))
    mine = lay(tmp_path / "n", authority, authority.issue("h1", "node")).context()
    with pytest.raises(ssl.SSLError, match="purpose"):
        shake_hands(mine, thief)


def test_what_was_revoked_is_refused_and_what_replaced_it_is_taken(authority: Authority, tmp_path: Path) -> None:
    old = authority.issue("h1", "node")
    new = authority.issue("h1", "node")
    assert authority.revoke("h1", "node", keep=new.certificate_pem) == 1
    assert authority.revoke("h1", "node", keep=new.certificate_pem) == 0
    refused(authority, tmp_path, lay(tmp_path / "old", authority, old).context(), "certificate revoked")
    server = broker_context(tmp_path / "b", authority, authority.issue("broker-1", "broker", ("127.0.0.1",)))
    shake_hands(lay(tmp_path / "new", authority, new).context(), server)
    assert [each.is_revoked for each in authority.issued() if each.kind == "node"].count(True) == 1


def test_a_broker_elsewhere_is_refused(authority: Authority, tmp_path: Path) -> None:
    mine = lay(tmp_path / "n", authority, authority.issue("h1", "node")).context()
    refused(authority, tmp_path, mine, "IP address mismatch", host="127.0.0.2")


def test_an_authority_speaks_for_the_hosts_that_it_was_made_for_and_no_other(tmp_path: Path) -> None:
    made = Authority.create(tmp_path / "a", "x", hosts=("broker-1", "10.1.0.0/16", "example.net"))
    made.issue("broker-1", "broker", ("broker-1", "10.1.2.3", "bus.example.net"))
    for host in ("bank.com", "10.2.0.1", "badexample.net"):
        with pytest.raises(UserError, match="may not speak for"):
            made.issue("broker-1", "broker", (host,))
    constraints = x509.load_pem_x509_certificate(made.ca_pem).extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical, "who has its key is held to that by whoever verifies"


def modes(folder: Path) -> Iterator[tuple[str, int]]:
    for path in [folder, *sorted(folder.rglob("*"))]:
        yield path.name, stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_reads_the_key(authority: Authority, tmp_path: Path) -> None:
    authority.issue("h1", "node")
    found = dict(modes(tmp_path / "authority"))
    assert found["authority"] == found["issued"] == 0o700 and found["ca.key"] == 0o600
    keys = [path for path in (tmp_path / "authority").rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()]
    assert [path.name for path in keys] == ["ca.key"], "the keys of others are theirs: it keeps none"
    (tmp_path / "authority").chmod(0o755)
    with pytest.raises(UserError, match="chmod 700"):
        Authority.open(tmp_path / "authority")


def test_a_passphrase_locks_the_key_and_not_the_lists(tmp_path: Path) -> None:
    made = Authority.create(tmp_path / "a", "x", passphrase=b"correct horse")
    made.issue("h1", "node")
    assert made.needs_passphrase and b"BEGIN ENCRYPTED PRIVATE KEY" in (tmp_path / "a" / "ca.key").read_bytes()
    without = Authority.open(tmp_path / "a")
    assert [each.name for each in without.issued()] == ["h1"] and without.crl_pem
    with pytest.raises(UserError, match="has a passphrase"):
        without.revoke("h1", "node")
    with pytest.raises(UserError, match="the passphrase is wrong"):
        Authority.open(tmp_path / "a", lambda: b"battery staple").issue("h2", "node")
    assert Authority.open(tmp_path / "a", lambda: b"correct horse").revoke("h1", "node") == 1


def test_times_and_serials(authority: Authority) -> None:
    ca = x509.load_pem_x509_certificate(authority.ca_pem)
    leaves = [x509.load_pem_x509_certificate(authority.issue("h1", "node").certificate_pem) for _ in range(3)]
    assert (ca.not_valid_after_utc - datetime.now(UTC)).days in (CA_DAYS - 1, CA_DAYS)
    for leaf in leaves:
        assert leaf.not_valid_before_utc < datetime.now(UTC) - timedelta(minutes=4), "clocks differ"
        assert (leaf.not_valid_after_utc - datetime.now(UTC)).days in (LEAF_DAYS - 1, LEAF_DAYS)
    assert all(a.serial_number != b.serial_number and a.serial_number > 2**100 for a, b in pairwise(leaves))
    assert not authority.issued()[0].is_due(datetime.now(UTC))
    assert authority.issued()[0].is_due(datetime.now(UTC) + timedelta(days=LEAF_DAYS - 20))


def test_an_authority_is_made_once_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no certificate authority"):
        Authority.open(tmp_path / "a")
    Authority.create(tmp_path / "a", "x")
    with pytest.raises(UserError, match="made once"):
        Authority.create(tmp_path / "a", "x")


def test_a_key_that_others_may_read_is_used_for_nothing(authority: Authority, tmp_path: Path) -> None:
    files = lay(tmp_path / "n", authority, authority.issue("h1", "node"))
    Path(files.key).chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        files.context()
    Path(files.key).chmod(0o600)
    Path(files.certificate).write_bytes(b"no certificate")
    with pytest.raises(UserError, match="issued anew"):
        files.context()
