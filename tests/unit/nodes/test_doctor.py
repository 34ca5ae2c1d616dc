"""What is wrong with a standing consortium, told with what to do; and samples that a member may submit."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.core.contract import StateReader
from consortium.scenario.standing_members import parse_members
from nodes.broker.broker import free_port
from nodes.deploy import doctor
from nodes.deploy.deployment import GatewayPlace
from nodes.deploy.look import NodeLook
from nodes.deploy.making import make_consortium
from nodes.deploy.samples import KINDS, as_json, check_kind, keeping, make_sample, read_samples, roles_for
from nodes.deploy.standing import Standing, open_standing
from nodes.errors import UserError
from nodes.process.standing_orders import write_orders
from tests.unit.nodes.test_hands import FakeRunning

FOUR = "bureau=1,hospital=2,regulator=1"


@pytest.fixture
def standing(tmp_path: Path) -> Standing:
    folder = tmp_path / "c"
    made = make_consortium(folder, parse_members(FOUR), "embedded")
    alone = msgspec.structs.replace(made, gateways={})  # nothing listens where they should
    return open_standing(folder)._replace(deployment=alone, running=FakeRunning(["broker-1", *made.members]))


def _look(standing: Standing, **changes: dict[str, Any]) -> list[NodeLook]:
    serving = [
        NodeLook(name, standing.roles[name], "running", 7, 60, 12, 12, 0, "bureau", "up")
        for name in standing.deployment.members
    ]
    return [each._replace(**changes.get(each.name.replace("-", "_"), {})) for each in serving]


def _sick(standing: Standing, monkeypatch: pytest.MonkeyPatch, **changes: dict[str, Any]) -> dict[str, str]:
    monkeypatch.setattr(Standing, "look", lambda _: _look(standing, **changes))
    return {each.what: f"{each.words}: {each.remedy}" for each in doctor.examine(standing) if not each.is_well}


@pytest.fixture
def broker(standing: Standing) -> socket.socket:
    """One that listens where the broker should."""
    found = socket.create_server(("127.0.0.1", standing.deployment.brokers[0].port))
    yield found  # type: ignore[misc]
    found.close()


def test_nothing_is_wrong_with_one_that_serves(
    standing: Standing, broker: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _sick(standing, monkeypatch) == {}


@pytest.mark.parametrize(
    ("changes", "what", "words"),
    [
        ({"state": "stopped", "bus": "down"}, "hospital-1", "`consortium restart hospital-1`"),
        ({"state": "paused", "bus": "down"}, "hospital-1", "`consortium resume hospital-1`"),
        ({"bus": "down"}, "hospital-1", "its bus is down"),
        ({"bus": "down", "view": -1, "since_s": 3}, "hospital-1", "is starting"),
        ({"state": "backoff", "bus": "down", "view": -1}, "hospital-1", "it said last: it said nothing"),
        ({"deaf_to": ("bureau",)}, "hospital-1", "`consortium heal`"),
        ({"height": 3}, "heads", "hospital-1 is at height 3, and the highest is 12"),
    ],
)
def test_what_ails_a_node_is_told_with_what_to_do(
    standing: Standing,
    broker: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    what: str,
    words: str,
) -> None:
    sick = _sick(standing, monkeypatch, hospital_1=changes)
    assert list(sick) == [what]
    assert words in sick[what]


def test_fewer_than_a_quorum_is_told(
    standing: Standing, broker: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    down: dict[str, Any] = {"state": "stopped", "bus": "down"}
    sick = _sick(standing, monkeypatch, hospital_1=down, hospital_2=down)
    assert "2 of 4 validators serve, and 3 are needed" in sick["quorum"]


def test_a_broker_that_is_gone_or_silent_is_told(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "does not answer" in _sick(standing, monkeypatch)["broker"]
    standing.running.kill_program("broker-1")
    assert "`consortium restart broker-1`" in _sick(standing, monkeypatch)["broker"]


def test_a_gateway_that_is_gone_or_silent_is_told(
    standing: Standing, broker: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = GatewayPlace("127.0.0.1", free_port())
    deployment = msgspec.structs.replace(standing.deployment, gateways={"bureau": place})
    standing = standing._replace(deployment=deployment)
    assert "is down: `consortium logs bureau --gateway`" in _sick(standing, monkeypatch)["gateway"]
    standing.running.start_program("gateway.bureau")
    assert "does not answer" in _sick(standing, monkeypatch)["gateway"]
    with socket.create_server((place.host, place.port)):  # it takes connections, and says nothing
        assert "does not answer" in _sick(standing, monkeypatch)["gateway"]
    monkeypatch.setattr(doctor, "speaks_tls", lambda *_: True)
    assert _sick(standing, monkeypatch) == {}


def test_one_that_is_down_is_told_to_be_brought_up_unless_its_port_is_taken(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing.running.stop()
    down: dict[str, Any] = {"state": "down", "bus": "down", "height": -1}
    every = {name.replace("-", "_"): down for name in standing.deployment.members}
    assert set(_sick(standing, monkeypatch, **every)) == {"supervisor", "quorum"}
    with socket.create_server(("127.0.0.1", standing.deployment.brokers[0].port)):
        assert "another program has its port" in _sick(standing, monkeypatch, **every)["broker"]


def test_keys_that_others_can_read_bent_clocks_and_a_full_disk_are_told(
    standing: Standing, broker: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    (standing.node("bureau").keys / "vote.key").chmod(0o644)
    standing.node("regulator").settings.unlink()
    write_orders(standing.node("bureau"), {"clock": [[0, 5, 5, 0, 0]]})
    monkeypatch.setattr(doctor, "ROOM_BYTES_MIN", 1 << 60)
    monkeypatch.setattr(doctor, "_head_time_us", lambda _: 1 << 60)
    monkeypatch.setattr(Standing, "look", lambda _: _look(standing))
    sick = [f"{each.what}: {each.words}" for each in doctor.examine(standing) if not each.is_well]
    assert any("vote.key can be read by others" in each for each in sick)
    assert any("settings.json is missing" in each for each in sick)
    assert any("disk room" in each for each in sick)
    assert any("that of bureau was bent by hand" in each for each in sick)
    assert any("ahead of this machine's clock" in each for each in sick)


class _NoState:
    """A ledger that holds nothing."""

    def get(self, table: object, key: str) -> None:
        return None

    def range(self, table: object, low: str, high: str) -> list[tuple[str, object]]:
        return []


NO_STATE: StateReader = _NoState()  # type: ignore[assignment]


def test_a_sample_is_refused_where_nobody_could_submit_it(standing: Standing) -> None:
    own = read_samples(standing.node("hospital-1"))
    day = own.persons[0].year * 10_000 + 315
    with pytest.raises(UserError, match="a sample sale is of a pharmacy"):
        make_sample("sale", own, day, NO_STATE, keeping(standing.node("hospital-1")))
    with pytest.raises(UserError, match="nobody is enrolled for 2099"):
        make_sample("claim", own, 20990101, NO_STATE, keeping(standing.node("hospital-1")))
    with pytest.raises(UserError, match="there is no sample 'cake'"):
        check_kind("cake")
    pharmacy = msgspec.structs.replace(own, role="pharmacy")
    with pytest.raises(UserError, match="has no pack to sell"):
        make_sample("sale", pharmacy, day, NO_STATE, keeping(standing.node("hospital-1")))
    assert {role for kind in KINDS for role in roles_for(kind)} == {"hospital", "pharmacy", "bureau"}
    standing.node("hospital-1").samples.write_text("{}")
    with pytest.raises(UserError, match="cannot be read"):
        read_samples(standing.node("hospital-1"))


def test_bytes_are_shown_as_hexadecimal_digits() -> None:
    class Held(msgspec.Struct):
        lines: bytes
        more: tuple[dict[str, bytes], ...]

    assert as_json(Held(b"\x01\xff", ({"a": b"\x00"},))) == {"lines": "01ff", "more": [{"a": "00"}]}
