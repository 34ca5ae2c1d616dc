"""The same seed is the same trace in another process, with another hash seed (`make python-versions`: at large)."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "same_trace.py"
NAMES = ("explore:1", "faults/crash_mid_step")


def lines(hash_seed: str) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, SCRIPT, *NAMES], env=environment, capture_output=True, check=True, text=True)
    return done.stdout.splitlines()


def test_attacks_and_faults_leave_the_same_trace_whatever_the_hash_seed() -> None:
    first = lines("0")
    assert [line.split()[0] for line in first] == list(NAMES)
    assert len({line.split()[2] for line in first}) == len(NAMES), "another scenario leaves another trace"
    assert all(int(line.split()[1]) > 1_000 for line in first)
    assert lines("4711") == first
