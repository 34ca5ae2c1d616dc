"""The workers of an exploration: one that dies costs its seed and nobody else's; Ctrl-C leaves none behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from consortium.commands.explore import read_replay
from consortium.commands.exploring_crew import Crew, CrewLost
from consortium.exploration.twins import Enumeration
from consortium.exploration.twins_shrink import decode_case, encode_case, shrink_twins
from consortium.scenario.load import ScenarioError


def work_that_dies(seed: int) -> int:
    """Seed 3 takes every worker with it, seed 5 the first one."""
    once = Path(os.environ["CREW_ONCE"])
    if seed == 3 or (seed == 5 and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return seed * seed


def test_a_worker_that_is_killed_names_its_seed_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREW_ONCE", str(tmp_path / "once"))
    crew = Crew(work_that_dies, 2)
    try:
        crew.give(range(1, 7))
        found, deaths = [], []
        while crew.waiting:
            found += crew.take(timeout_s=1.0)
            deaths += crew.deaths()
    finally:
        crew.dismiss()
    assert sorted(found) == [1, 4, 16, 25, 36]
    given_up = [death for death in deaths if death.is_final]
    assert [(death.seed, death.code) for death in given_up] == [(3, -signal.SIGKILL)]
    assert "the process of seed 3 was killed by signal 9 (out of memory?)" in given_up[0].sentence()


def work_that_cannot_begin(seed: int) -> int:
    os._exit(1)


def test_workers_that_all_die_end_the_exploration_instead_of_blaming_every_seed() -> None:
    crew = Crew(work_that_cannot_begin, 2)
    try:
        crew.give(range(100))
        with pytest.raises(CrewLost, match="died one after the other"):
            while crew.waiting:
                crew.take(timeout_s=1.0)
    finally:
        crew.dismiss()


def _children(pid: int) -> list[int]:
    text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in text.split()]


def test_ctrl_c_in_the_middle_tells_what_was_done_and_leaves_no_worker(tmp_path: Path) -> None:
    command = [
        "-c",
        "from consortium.commands.app import main; main()",
        "explore",
        "--seeds",
        "100000",
        "--processes",
        "2",
    ]
    process = subprocess.Popen(
        [sys.executable, *command, "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        workers: list[int] = []
        while len(workers) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
            workers = _children(process.pid)
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "stopped; what was explored so far:" in out and "violations: 0" in out
    assert "Traceback" not in err
    deadline = time.monotonic() + 20  # the tracker of multiprocessing goes a moment after its parent
    while (left := [pid for pid in workers if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def test_a_twin_case_is_kept_in_a_file_and_shrunk_to_the_round_that_matters(tmp_path: Path) -> None:
    case = Enumeration().case(17)
    assert decode_case(encode_case(case)) == case
    wanted = case.rounds[2].leader
    small, _ = shrink_twins(case, lambda each: any(held.leader == wanted for held in each.rounds))
    assert len(small.rounds) == 1 and small.rounds[0].leader == wanted and max(small.rounds[0].groups) == 0
    path = tmp_path / "case.json"
    path.write_bytes(encode_case(small))
    assert read_replay(str(path), True) == small


@pytest.mark.parametrize(
    ("text", "is_twins", "word"),
    [
        ("x.json", False, "expected a seed"),
        ("x.json", True, "there is no such file"),
        (__file__, True, "not a twin case"),
    ],
)
def test_a_replay_that_cannot_be_meant_is_one_sentence(text: str, is_twins: bool, word: str) -> None:
    with pytest.raises(ScenarioError, match=word):
        read_replay(text, is_twins)
