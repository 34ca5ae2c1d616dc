"""Certificates of a standing consortium, renewed and revoked by an operator while it runs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from cryptography import x509
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.core.genesis import Genesis
from consortium.scenario.standing_members import parse_members, standing_scenario
from nodes.broker.broker import EmbeddedSettings
from nodes.conduct.member_files import begin_members, make_plan
from nodes.deploy import certificates
from nodes.deploy.authority import Authority
from nodes.deploy.brokers import lay_bus_certificate, lay_gateway_certificate, make_tls_broker
from nodes.deploy.certificates import Certificates
from nodes.deploy.deployment import FORMAT, BrokerPlace, Deployment, write_deployment
from nodes.deploy.running import Running
from nodes.deploy.standing import Standing
from nodes.errors import UserError

MEMBERS = ("bureau", "hospital-1", "hospital-2", "regulator")


class Told:
    """Programs that only note what they are told."""

    is_up = True

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def states(self) -> dict[str, None]:
        return dict.fromkeys((*MEMBERS, "gateway.hospital-1"))

    def signal_program(self, name: str, signal: str) -> None:
        self.told.append((signal, name))

    def stop_program(self, name: str) -> None:
        self.told.append(("stop", name))

    def start_program(self, name: str) -> None:
        self.told.append(("start", name))


def lay(folder: Path, passphrase: bytes = b"") -> tuple[Standing, Told, Genesis]:
    folder.mkdir()
    plan = make_plan(standing_scenario(tuple(parse_members("bureau=1,hospital=2,regulator=1")), 20260101))
    genesis = begin_members(folder, plan).genesis
    authority = Authority.create(folder / "authority", "town", passphrase=passphrase)
    for number, kind in ((1, "embedded"), (2, "mosquitto")):
        place = folder / f"broker-{number}"
        make_tls_broker(cast(Any, kind), place, 8883, "127.0.0.1", genesis.chain, MEMBERS, authority)
    for name in MEMBERS:
        lay_bus_certificate(folder / "nodes" / name, authority, name)
    lay_gateway_certificate(folder / "nodes" / "hospital-1", authority, "hospital-1")
    brokers = (
        BrokerPlace("broker-1", "embedded", "127.0.0.1", 1),
        BrokerPlace("broker-2", "mosquitto", "127.0.0.1", 2),
    )
    deployment = Deployment(FORMAT, "0", "local", MEMBERS, brokers)
    write_deployment(folder, deployment)
    told = Told()
    return Standing(folder, deployment, cast(Running, told), {}), told, genesis


def serial(path: Path) -> int:
    return x509.load_pem_x509_certificate(path.read_bytes()).serial_number


def revoked(folder: Path) -> set[int]:
    return {each.serial_number for each in x509.load_pem_x509_crl((folder / "crl.pem").read_bytes())}


def test_a_member_gets_new_keys_and_everybody_hears_that_the_old_ones_are_revoked(tmp_path: Path) -> None:
    standing, told, _ = lay(tmp_path / "c")
    tls = standing.node("hospital-1").folder / "tls"
    before = {name: serial(tls / name) for name in ("bus.crt", "gateway.crt")}
    keys = (tls / "bus.key").read_bytes()
    assert Certificates(standing).rotate("hospital-1") == ["node", "gateway"]
    assert (tls / "bus.key").read_bytes() != keys and (tls / "bus.key").stat().st_mode & 0o777 == 0o600
    places = [standing.folder / "broker-1", standing.folder / "broker-2"]
    places += [standing.node(name).folder / "tls" for name in MEMBERS]
    assert all(revoked(place) == set(before.values()) for place in places)
    assert serial(tls / "bus.crt") not in before.values()
    assert told.told[:2] == [("HUP", "broker-1"), ("HUP", "broker-2")]
    assert told.told[2:] == [("stop", "gateway.hospital-1"), ("start", "gateway.hospital-1")]


def test_a_broker_gets_new_keys_for_the_same_hosts(tmp_path: Path) -> None:
    standing, told, _ = lay(tmp_path / "c")
    old = serial(standing.folder / "broker-2" / "broker.crt")
    assert Certificates(standing).rotate("broker-2") == ["broker"]
    path = standing.folder / "broker-2" / "broker.crt"
    hosts = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(each.value) for each in hosts.value] == ["localhost", "127.0.0.1", "::1"]
    assert revoked(standing.folder / "broker-1") == {old} and len(told.told) == 2


def test_who_is_revoked_is_in_no_rules_and_gets_no_new_certificate(tmp_path: Path) -> None:
    standing, _, _ = lay(tmp_path / "c")
    held = Certificates(standing)
    held.revoke("hospital-2")
    rules = (standing.folder / "broker-2" / "rules").read_text()
    assert "hospital-2" not in rules and "user hospital-1" in rules
    settings = msgspec.json.decode((standing.folder / "broker-1" / "settings.json").read_bytes(), type=EmbeddedSettings)
    assert settings.names == ["bureau", "hospital-1", "regulator"] and settings.is_tls
    with pytest.raises(UserError, match="revoked for good"):
        held.rotate("hospital-2")
    held.rotate("hospital-1")
    assert "hospital-2" not in (standing.folder / "broker-2" / "rules").read_text()
    with pytest.raises(UserError, match="there is no 'nobody'; there are bureau"):
        held.revoke("nobody")


def test_whom_the_members_removed_has_no_place_on_the_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standing, _, genesis = lay(tmp_path / "c")
    monkeypatch.setattr(certificates, "prove_members_of", lambda *_: b"")
    with pytest.raises(UserError, match="no ledger here proves"):
        Certificates(standing).follow()
    first = genesis.first_epoch
    without = tuple(member for member in first.members if member.name != "hospital-2")
    newest = msgspec.structs.replace(first, number=3, members=without)
    proofs = {"bureau": first, "hospital-1": newest, "hospital-2": first, "regulator": first}
    monkeypatch.setattr(certificates, "prove_members_of", lambda _, folder: folder.folder.name.encode())
    monkeypatch.setattr(
        certificates, "verify_epochs_proof", lambda _, proof: SimpleNamespace(newest=proofs[proof.decode()])
    )
    assert Certificates(standing).follow() == ["hospital-2"]
    assert Certificates(standing).follow() == [], "once"
    assert "hospital-2" not in (standing.folder / "broker-2" / "rules").read_text()


def test_the_command_lists_renews_and_says_what_it_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standing, told, _ = lay(tmp_path / "c", passphrase=b"correct horse")
    monkeypatch.setattr("nodes.deploy.standing.open_standing", lambda _: standing)
    run = CliRunner()
    listed = run.invoke(app, ["certificate", "list", "--dir", str(standing.folder)])
    assert listed.exit_code == 0 and "hospital-1" in listed.output and "valid" in listed.output
    (tmp_path / "words").write_bytes(b"correct horse\n")
    (tmp_path / "words").chmod(0o600)
    with_file = ["--dir", str(standing.folder), "--passphrase-file", str(tmp_path / "words")]
    renewed = run.invoke(app, ["certificate", "rotate", "bureau", *with_file])
    assert renewed.exit_code == 0 and "bureau has new certificates (node)" in renewed.output, renewed.output
    typed = run.invoke(
        app, ["certificate", "revoke", "regulator", "--dir", str(standing.folder)], input="correct horse\n"
    )
    assert typed.exit_code == 0 and "regulator has no place on the bus any more" in typed.output
    assert "correct horse" not in typed.output
    states = run.invoke(app, ["certificate", "list", "--dir", str(standing.folder)]).output
    assert states.count("revoked") == 2 and told.told
    for given, why in ((["rotate"], "whom?"), (["list", "bureau"], "no names"), (["lend"], "expected list")):
        wrong = run.invoke(app, ["certificate", *given, "--dir", str(standing.folder)])
        assert wrong.exit_code != 0 and (why in wrong.output or why in str(wrong.exception)), given
