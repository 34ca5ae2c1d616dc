"""What `up` changes in a consortium that is there: ports that others took, its logs, certificates about to end."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.scenario.standing_members import parse_members
from nodes.broker.broker import EmbeddedSettings
from nodes.broker.tls_files import BROKER_CERTIFICATE
from nodes.deploy import doctor, tending
from nodes.deploy.authority import Authority, ends_of
from nodes.deploy.certificates import Certificates
from nodes.deploy.deployment import read_deployment
from nodes.deploy.making import make_consortium
from nodes.deploy.preparing import Changes, look_after, prepare
from nodes.deploy.standing import Standing, open_standing
from nodes.errors import UserError
from nodes.gateway.settings import GatewayFolder, read_gateway_settings
from nodes.process.keys import replace_private, write_readable
from nodes.process.settings import read_settings
from tests.unit.nodes.test_hands import FakeRunning

FOUR = "bureau=1,hospital=2,regulator=1"


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    folder = tmp_path / "c"
    make_consortium(folder, parse_members(FOUR), "embedded")
    return open_standing(folder)


def _all_ports(standing: Standing) -> dict[str, set[int]]:
    """Every port, as each file says it."""
    nodes = {
        name: {each.port for each in read_settings(standing.node(name).settings).addresses(Path())}
        for name in standing.deployment.members
    }
    path = standing.folder / "broker-1" / "settings.json"
    nodes["broker-1"] = {msgspec.json.decode(path.read_bytes(), type=EmbeddedSettings).port}
    for name in standing.deployment.members:
        settings = read_gateway_settings(GatewayFolder(standing.node(name)).settings)
        nodes[f"gateway {name}"] = {settings.port}
    return nodes


def test_taken_ports_are_replaced_in_every_file_and_free_ones_stay(standing: Standing) -> None:
    before = standing.deployment
    taken = (before.brokers[0].port, before.gateways["hospital-1"].port)
    with socket.create_server(("127.0.0.1", taken[0])), socket.create_server(("127.0.0.1", taken[1])):
        moved = prepare(standing, Changes(is_moved=True))
    after = moved.deployment
    assert after == read_deployment(standing.folder)
    broker, gateway = after.brokers[0].port, after.gateways["hospital-1"].port
    assert len({*taken, broker, gateway}) == 4
    assert {name: place for name, place in after.gateways.items() if place != before.gateways[name]}.keys() == {
        "hospital-1"
    }
    ports = _all_ports(moved)
    assert [ports[name] for name in (*after.members, "broker-1")] == [{broker}] * 5
    assert ports["gateway hospital-1"] == {gateway}
    assert ports["gateway bureau"] == {after.gateways["bureau"].port}


def test_the_port_of_mosquitto_is_moved_and_nothing_else_of_its_rules(tmp_path: Path) -> None:
    make_consortium(tmp_path / "m", parse_members(FOUR), "mosquitto", brokers=2)
    standing = open_standing(tmp_path / "m")
    path = tmp_path / "m" / "broker-2" / "mosquitto.conf"
    before, port = path.read_text(), standing.deployment.brokers[1].port
    with socket.create_server(("127.0.0.1", port)):
        moved = prepare(standing, Changes(is_moved=True)).deployment
    assert path.read_text() == before.replace(str(port), str(moved.brokers[1].port)) != before
    assert moved.brokers[0] == standing.deployment.brokers[0]


def test_where_nothing_is_taken_nothing_moves(standing: Standing) -> None:
    before = {path: path.read_bytes() for path in standing.folder.rglob("*") if path.is_file()}
    assert prepare(standing, Changes(is_moved=True)).deployment == standing.deployment
    assert {path: path.read_bytes() for path in standing.folder.rglob("*") if path.is_file()} == before


def test_logs_and_traces_are_chosen_at_up_and_kept(standing: Standing) -> None:
    text = (standing.folder / "consortium.json").read_text()
    assert "log_format" not in text and "trace_parts" not in text, "an older version reads it"
    changed = prepare(standing, Changes("json", 0)).deployment
    assert changed.node_words == ("--log-format", "json", "--trace-parts", "0")
    assert prepare(standing, Changes()).deployment == changed
    up = standing._replace(running=FakeRunning([]), deployment=changed)
    with pytest.raises(UserError, match="`consortium down`, then this again"):
        prepare(up, Changes("text"))
    assert prepare(up, Changes("json")).deployment == changed
    for wrong in (Changes("xml"), Changes(trace_parts=-1)):
        with pytest.raises(UserError, match="expected"):
            wrong.check()


# --- certificates ---------------------------------------------------------------------------------------------------


def _shorten(standing: Standing, days: int) -> None:
    """Two certificates that end in so many days."""
    authority = Authority.open(standing.folder / "authority")
    node = standing.node("hospital-1").folder
    issued = authority.issue("hospital-1", "node", days=days)
    replace_private(node / "tls" / "bus.key", issued.key_pem)
    write_readable(node / "tls" / "bus.crt", issued.certificate_pem)
    broker = authority.issue("broker-1", "broker", ["localhost", "127.0.0.1"], days=days)
    replace_private(standing.folder / "broker-1" / "broker.key", broker.key_pem)
    write_readable(standing.folder / "broker-1" / BROKER_CERTIFICATE, broker.certificate_pem)


def test_what_ends_within_thirty_days_is_told_and_renewed_by_up(standing: Standing) -> None:
    assert tending.find_due(standing) == []
    assert look_after(standing) == ([], [])
    _shorten(standing, days=29)
    told = [(each.name, each.kind) for each in tending.find_due(standing)]
    assert told == [("hospital-1", "node"), ("broker-1", "broker")]
    words = {each.what: f"{each.words}: {each.remedy}" for each in doctor.examine(standing) if not each.is_well}
    assert "certificate rotate" in words["certificates"]
    said = CliRunner().invoke(app, ["status", "--dir", str(standing.folder)])
    assert "hospital-1, broker-1: `consortium up` renews them" in said.output
    shown = msgspec.json.decode(CliRunner().invoke(app, ["status", "--json", "--dir", str(standing.folder)]).stdout)
    assert [each["name"] for each in shown["certificates_ending"]] == ["hospital-1", "broker-1"]
    assert look_after(standing) == ([], ["hospital-1", "broker-1"])
    assert tending.find_due(standing) == []
    bus = (standing.node("hospital-1").folder / "tls" / "bus.crt").read_bytes()
    assert ends_of(bus) > datetime.now(UTC) + timedelta(days=300)


def test_a_certificate_that_holds_longer_is_left_alone(standing: Standing) -> None:
    _shorten(standing, days=31)
    assert tending.find_due(standing) == [] and look_after(standing).renewed == []


def test_an_authority_that_is_elsewhere_or_locked_is_left_to_its_keeper(standing: Standing) -> None:
    _shorten(standing, days=3)
    (standing.folder / "authority").rename(standing.folder.with_name("elsewhere"))
    assert len(tending.find_due(standing)) == 2, "told all the same"
    assert look_after(standing) == ([], [])
    Authority.create(standing.folder / "authority", "locked", passphrase=b"secret words")
    assert look_after(standing) == ([], [])


def test_a_member_that_was_revoked_gets_no_new_certificate(standing: Standing) -> None:
    _shorten(standing, days=3)
    Certificates(standing).revoke("hospital-1")
    assert look_after(standing).renewed == ["broker-1"]


def test_members_that_were_voted_out_lose_their_place(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tending.follow_removals(standing) == [], "members never changed"
    monkeypatch.setattr(tending, "_has_later_epoch", lambda _: True)
    monkeypatch.setattr(Certificates, "follow", lambda _: ["hospital-2"])
    assert look_after(standing).removed == ["hospital-2"]
    assert "hospital-2 was removed by vote" in CliRunner().invoke(app, ["status", "--dir", str(standing.folder)]).output
