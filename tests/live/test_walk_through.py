"""The walk-through of README, every command as it is written there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.deploy.standing import bring_down
from tests.optional import needs

pytestmark = pytest.mark.live

ROOT = Path(__file__).resolve().parents[2]
HEADING = "## Ten minutes with a consortium"


def walk_through() -> str:
    """What a reader types."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    (block,) = re.findall(r"^```bash\n(.*?)^```", section, re.S | re.M)
    return str(block)


@needs("curl")
def test_every_command_of_the_walk_through_does_what_it_says_and_no_log_tells_of_whom(tmp_path: Path) -> None:
    folder = tmp_path / "consortium-data"
    paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": paths, "PYTHONPATH": str(ROOT)}
    try:
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", walk_through()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
    finally:
        if folder.exists():
            bring_down(folder)
    told = ended.stdout
    assert ended.returncode == 0, told + ended.stderr
    assert told.count('"code":"ok"') == 3  # two claims, and the bill that was looked at
    claim = json.loads((tmp_path / "claim.json").read_text(encoding="utf-8"))
    words = ("is killed, and stays down", "what happened\n", f"proven: bill {claim['bill_no']} ", "All checks hold.")
    assert [word for word in words if word not in told] == []
    token = (folder / "nodes/hospital-1/gateway/desk.token").read_text(encoding="utf-8").strip()
    logs = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("log.txt"))
    assert "starting at height" in logs
    assert [secret for secret in (token, claim["psn_no"], claim["bill_no"], claim["lines"]) if secret in logs] == []
