"""Tools of Node.js for tests, installed once for each lock file into the user's cache folder (tests/node/README.md)."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

NODE = Path(__file__).parent / "node"
NAMED = ("package.json", "package-lock.json")
INSTALL_S = 240


def installed_tools() -> Path:
    """The folder that holds `node_modules`; installs them where nobody has. Raises SubprocessError where npm cannot."""
    digest = hashlib.sha256(b"".join((NODE / name).read_bytes() for name in NAMED)).hexdigest()[:16]
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "consortium" / f"node-{digest}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="node-", dir=place.parent))
    for name in NAMED:
        shutil.copy(NODE / name, made)
    words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run(words, cwd=made, check=True, capture_output=True, timeout=INSTALL_S)
        made.rename(place)
    except OSError:
        assert place.is_dir()  # another process was quicker
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place


def in_workshop(tools: Path, folder: Path, files: Mapping[str, str]) -> Path:
    """`folder`, where what Node.js runs finds the tools, with these files (a name, its text)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node_modules").symlink_to(tools / "node_modules")
    for name, text in {"package.json": '{"type": "module"}\n', **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run_tool(folder: Path, *argv: str, seconds: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """A tool of the workshop (`tsc`, `eslint`, `openapi-typescript`) or `node`, run in it, whatever it answers."""
    there = folder / "node_modules" / ".bin" / argv[0]
    words = [str(there) if there.exists() else argv[0], *argv[1:]]
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
