"""Containers without an engine: what is asked of it, and what is said where there is none. A script plays it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from nodes.conduct.local_world import cuts
from nodes.containers.brokers import check_kind
from nodes.containers.container import Container, Mount, Order
from nodes.containers.docker_world import isolated
from nodes.containers.engine import ENGINE_VARIABLE, Engine, EngineError, find_engine, find_image
from nodes.containers.leftovers import CONDUCTOR_LABEL, is_conducted, own_mark
from nodes.errors import UserError


def play(tmp_path: Path, script: str) -> Engine:
    """An engine that notes what it is asked in `asked`, and does what the script says."""
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n{script}\n')
    program.chmod(0o755)
    return Engine(str(program))


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


ORDER = Order("image", "box", "net", {"a": "b"}, [Mount(Path("/x"), "/consortium/x")], ["python"])


def test_a_machine_without_an_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match="install one"):
        find_engine()


def test_an_engine_that_does_not_answer_is_told_with_its_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, play(tmp_path, "echo no daemon >&2; exit 1").program)
    with pytest.raises(UserError, match=r"no daemon.*group `docker`"):
        find_engine()


def test_an_image_that_is_missing_or_of_other_sources_is_told_with_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="make image"):
        find_image(play(tmp_path, "exit 1"))
    older = play(tmp_path, """echo '{"consortium.sources": "0"}'""")
    assert find_image(older) == "consortium"
    with pytest.raises(UserError, match=r"other sources.*make image"):
        find_image(older, is_of_these_sources=True)


def test_a_mount_may_lie_in_a_path_with_spaces_and_commas() -> None:
    assert Mount(Path("/a b"), "/c").word == "type=bind,source=/a b,target=/c,readonly"
    assert Mount(Path("/a,b"), "/c", is_writable=True).word == 'type=bind,"source=/a,b",target=/c'


def test_a_container_has_no_rights_that_it_does_not_need(tmp_path: Path) -> None:
    words = " ".join(ORDER.words(play(tmp_path, "echo '[]'")))
    for part in ("--read-only", "--cap-drop ALL", "no-new-privileges", "--memory 1g", "--pids-limit 256", "--user "):
        assert part in words
    assert words.endswith(" image python")


def start(engine: Engine, tmp_path: Path) -> Container:
    return Container(engine, ORDER, tmp_path / "log", subprocess.DEVNULL, subprocess.DEVNULL)


def test_exit_codes_are_those_of_the_program_inside(tmp_path: Path) -> None:
    for said, meant in ((0, 0), (74, 74), (137, -9), (143, -15)):
        container = start(play(tmp_path, f'[ "$1" != run ] || exit {said}'), tmp_path)
        assert (container.wait(), container.poll()) == (meant, meant)


def test_signals_are_the_engines_verbs(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f'case "$1" in run) echo $$ > "{pid}"; exec sleep 60;; kill) kill -9 $(cat "{pid}");; info) echo []; esac'
    engine = play(tmp_path, script)
    container = start(engine, tmp_path)
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.01)
    for number in (signal.SIGSTOP, signal.SIGCONT, signal.SIGCONT, signal.SIGKILL):
        container.send_signal(number)
    container.wait()
    verbs = [line for line in asked(tmp_path) if line.startswith(("pause", "unpause", "kill"))]
    assert verbs == ["pause box", "unpause box", "kill box"]


def test_what_fails_is_told_with_the_engines_last_words(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"`.*docker network create` failed: no room"):
        play(tmp_path, "echo first >&2; echo no room >&2; exit 1").ask("network", "create", "x")


@pytest.mark.parametrize(
    ("groups", "links", "alone"),
    [
        ((("a",),), (), {"a"}),
        ((("a", "b"), ("c",)), (), {"c", "d"}),
        ((("a", "b"),), (), set()),
        ((), ("a>*", "*>a"), {"a"}),
        ((), ("a>*",), set()),
        ((), (), set()),
    ],
)
def test_only_who_is_cut_off_from_everybody_both_ways_is_isolated(
    groups: tuple[tuple[str, ...], ...], links: tuple[str, ...], alone: set[str]
) -> None:
    assert isolated(cuts(groups, ["a", "b", "c", "d"], links)) == alone


def test_a_conductor_lives_as_long_as_the_process_that_began_then() -> None:
    assert is_conducted({CONDUCTOR_LABEL: own_mark()})
    assert not is_conducted({CONDUCTOR_LABEL: f"{os.getpid()}:1"}), "another process has the number now"
    done = subprocess.Popen(["true"])
    done.wait()
    assert not is_conducted({CONDUCTOR_LABEL: f"{done.pid}:"})


def test_a_broker_elsewhere_is_refused_for_containers() -> None:
    check_kind("mosquitto")
    with pytest.raises(UserError, match="embedded or mosquitto"):
        check_kind("mqtt://host")
