"""The tools of Node.js: a lock file that names no server, and what it installs starts."""

from __future__ import annotations

import json
from pathlib import Path

from tests.node_tools import NODE, in_workshop, run_tool
from tests.optional import node_tools

LOCK = NODE / "package-lock.json"


def test_the_lock_file_holds_hashes_and_names_no_server() -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text and "resolved" not in text, "tests/node/README.md says how it is made"
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}
    assert packages and all(each["integrity"].startswith("sha512-") for each in packages.values())


def test_it_locks_what_is_asked_for() -> None:
    asked = json.loads((NODE / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert json.loads(LOCK.read_text(encoding="utf-8"))["packages"][""]["devDependencies"] == asked


def test_tsc_refuses_what_is_of_another_type(tmp_path: Path) -> None:
    folder = in_workshop(
        node_tools(), tmp_path / "w", {"a.ts": "const a: number = 1;\n", "b.ts": "const b: number = '';\n"}
    )
    assert run_tool(folder, "tsc", "--strict", "--noEmit", "a.ts").returncode == 0
    refused = run_tool(folder, "tsc", "--strict", "--noEmit", "b.ts")
    assert refused.returncode != 0 and "TS2322" in refused.stdout
