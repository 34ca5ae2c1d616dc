"""A consortium in containers without an engine: what is asked of it, and what its answers mean. A script plays it."""

import json
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.scenario.standing_members import parse_members
from nodes.containers.engine import ENGINE_VARIABLE
from nodes.deploy.deployment import read_deployment
from nodes.deploy.in_containers import ContainersRunning
from nodes.deploy.making import make_consortium
from nodes.deploy.standing import bring_up
from nodes.errors import UserError
from nodes.process.health import main as health
from nodes.process.settings import NodeFolder, read_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_consortium(tmp_path / "c", parse_members("bureau=1,hospital=2,regulator=1"), "mosquitto", "docker", 3)
    return tmp_path / "c"


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, states: dict[str, dict[str, Any]]) -> ContainersRunning:
    """An engine that has these containers, and notes what it is asked beside the folder."""
    running = ContainersRunning(folder, read_deployment(folder))
    inspected = [{"Name": f"/{running._stem}-{name}", "State": state} for name, state in states.items()]
    (folder.parent / "inspected").write_text(json.dumps(inspected))
    program = folder.parent / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> "{folder.parent}/asked"\n'
        f'case "$1" in ps) [ "$2" = --quiet ] || echo {" ".join(states)};; '
        f'container) cat "{folder.parent}/inspected";; info) echo "[]";; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv(ENGINE_VARIABLE, str(program))
    return running


def told(status: str, pid: int = 0, code: int = 0) -> dict[str, Any]:
    since = "2026-01-02T03:04:05.678Z"
    return {"Status": status, "Pid": pid, "ExitCode": code, "StartedAt": since, "FinishedAt": since}


def asked(folder: Path, *verbs: str) -> list[str]:
    return [line for line in (folder.parent / "asked").read_text().splitlines() if line.startswith(verbs)]


def test_brokers_are_found_by_name_and_every_member_knows_all_of_them(folder: Path) -> None:
    settings = read_settings(NodeFolder(folder, "bureau").settings)
    assert [(each.host, each.port) for each in settings.brokers] == [(f"broker-{n}", 8883) for n in (1, 2, 3)]
    assert all(each.tls is not None for each in settings.brokers)
    assert "listener 8883 0.0.0.0" in (folder / "broker-2/mosquitto.conf").read_text()


def test_states_are_told_as_of_any_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"bureau": told("running", 7), "hospital-1": told("exited", 0, 137), "broker-1": told("paused", 8)}
    running = play(folder, monkeypatch, states)
    found = running.states()
    assert [(name, state.state, state.is_alive) for name, state in found.items()] == [
        ("bureau", "running", True),
        ("hospital-1", "stopped", False),
        ("broker-1", "paused", True),
    ]
    assert running.is_up and found["bureau"].since_s > 1_000_000


def test_it_is_down_where_no_container_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not play(folder, monkeypatch, {}).is_up
    assert not play(folder, monkeypatch, {"bureau": told("exited")}).is_up


def test_verbs_reach_the_container_and_are_harmless_where_there_is_nothing_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"bureau": told("running", 7), "hospital-1": told("exited"), "broker-1": told("paused", 8)}
    running = play(folder, monkeypatch, states)
    for name in states:
        running.kill_program(name)
        running.pause_program(name)
        running.resume_program(name)
    running.signal_program("bureau", "HUP")
    stem = running._stem
    assert asked(folder, "kill", "pause", "unpause") == [
        f"kill {stem}-bureau",
        f"pause {stem}-bureau",
        f"kill {stem}-broker-1",
        f"unpause {stem}-broker-1",
        f"kill --signal HUP {stem}-bureau",
    ]


def test_what_was_said_is_read_from_the_folder_once_the_container_is_gone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = play(folder, monkeypatch, {})
    (folder / "nodes/bureau/log.txt").write_text("one\ntwo\n")
    assert list(running.log_lines("bureau", 1, is_followed=False)) == ["two"]
    with pytest.raises(UserError, match="there is no program 'nobody'"):
        running.log_lines("nobody", 1, is_followed=False)


def test_one_that_stands_elsewhere_or_with_other_brokers_is_not_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(folder, monkeypatch, {"bureau": told("running", 7)})
    with pytest.raises(UserError, match="runs in containers, and goes on so"):
        bring_up(folder, how="local")
    with pytest.raises(UserError, match="has 3"):
        bring_up(folder, brokers=1)


def test_several_brokers_need_mosquitto(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--brokers 3 needs Mosquitto"):
        bring_up(tmp_path / "c", broker="embedded", brokers=3)
    with pytest.raises(UserError, match="expected 1 to"):
        bring_up(tmp_path / "c", brokers=0)
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({"is_live": True, "bus": "up"}, 0, "well"),
        ({"is_live": True, "bus": "partly"}, 0, "well"),
        ({"is_live": True, "bus": "down"}, 1, "no broker delivers"),
        ({"is_live": False, "bus": "down"}, 1, "it is starting"),
    ],
)
def test_a_node_is_well_that_serves_with_its_bus_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: dict[str, Any], status: int, words: str
) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "d"))
        door.listen()

        def serve() -> None:
            connection, _ = door.accept()
            with connection:
                connection.recv(1_000)
                body = msgspec.msgpack.encode(answer)
                connection.sendall(struct.pack(">I", len(body)) + body)

        serving = threading.Thread(target=serve)
        serving.start()
        assert health(["door", str(tmp_path / "d")]) == status
        serving.join()
    assert words in capsys.readouterr().out


def test_a_port_is_looked_for_without_connecting_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = str(listening.getsockname()[1])
        listening.listen()
        assert health(["listens", port]) == 0
    assert health(["listens", port]) == 1
    assert f"nobody listens on port {port}" in capsys.readouterr().out
    assert health(["door", "/nowhere"]) == 1


def test_where_there_is_no_engine_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that stood there would be gone on with, in containers, by the next `up`."""
    monkeypatch.setenv(ENGINE_VARIABLE, "no-such-engine")
    with pytest.raises(UserError, match="there is no no-such-engine"):
        bring_up(tmp_path / "c", "bureau=1,hospital=2,regulator=1", how="docker")
    assert not (tmp_path / "c").exists()
