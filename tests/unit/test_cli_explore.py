"""An exploration that is stopped leaves no worker behind; a kept twin case is read again."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from consortium.commands.explore import read_replay
from consortium.exploration.twins import Enumeration
from consortium.exploration.twins_shrink import decode_case, encode_case, shrink_twins
from consortium.scenario.load import ScenarioError


def _children(pid: int) -> list[int]:
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(word) for text in lists for word in text.split()]


@pytest.mark.usefixtures("ctrl_c")
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
