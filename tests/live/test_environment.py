"""What is wrong with the machine, not with the consortium, is told as that."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from consortium.runs.folder import encode_scenario
from nodes.conduct.run_files import make_run
from tests.live.test_conductor import SMALL, processes_of

pytestmark = pytest.mark.live
NARROW_BYTES = 120_000  # no file may grow beyond, as on a full disk; keys and genesis fit


def narrow() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (NARROW_BYTES, NARROW_BYTES))


def test_a_disk_that_refuses_is_told_in_a_sentence_and_no_check_is(tmp_path: Path) -> None:
    (tmp_path / "small.json").write_bytes(encode_scenario(SMALL))
    code = "from consortium.commands.app import main; main()"
    words = [sys.executable, "-c", code, "run", "small.json", "--out", "out"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, preexec_fn=narrow, timeout=60)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "disk of node" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 and "verdict" not in done.stdout
    assert "It failed: the disk of node" in (tmp_path / "out" / "README.md").read_text()
    assert processes_of(tmp_path) == []


def test_a_node_started_by_hand_without_a_broker_says_what_to_do(tmp_path: Path) -> None:
    files = make_run(msgspec.structs.replace(SMALL, name="alone"), tmp_path / "run", "embedded")
    files.broker.stop()
    code = "import sys, nodes.__main__ as m, nodes.process.start as s; s.ALONE_S = 0.5; sys.exit(m.main())"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(files.folder), "node-1"], stderr=subprocess.PIPE, text=True
    ) as process:
        log = files.folder / "nodes" / "node-1" / "log.txt"
        deadline = time.monotonic() + 20
        while "no broker has answered" not in (log.read_text() if log.exists() else "") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert process.poll() is None, "it goes on trying"
        process.terminate()
        _, said = process.communicate(timeout=20)
    assert said.count("no broker has answered") == 1 == log.read_text().count("no broker has answered")
    assert "-m nodes.broker.broker_process" in said and "settings.json" in said
