"""What a machine may lack is asked for here and nowhere else: a test that needs it is skipped with a reason.

`@needs("mosquitto")` marks a test, a class or a parameter. CONSORTIUM_WITHOUT=mosquitto,chromium hides programs that
are there, from the tests and from the code under test (`hide`), so that one machine shows what a bare one does.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nodes.broker.mosquitto import MOSQUITTO_VARIABLE, find_mosquitto
from nodes.containers.engine import Engine, find_compose, find_engine
from nodes.errors import UserError
from tests.node_tools import installed_tools

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "mosquitto": ("mosquitto",),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "node": ("node",),
    "curl": ("curl",),
    "docker": ("docker", "podman"),
}
VARIABLE = "CONSORTIUM_WITHOUT"
SYNTHEA_VARIABLE = "CONSORTIUM_SYNTHEA_CSV"  # a folder with Synthea's tables of 27 patients; the project has none
FHIR_VARIABLE = "CONSORTIUM_FHIR_20"  # a folder with the FHIR resources of twenty patients; the project has none


def hidden() -> frozenset[str]:
    """The programs that CONSORTIUM_WITHOUT names. A word that is no program of PROGRAMS is a mistake of ours."""
    words = frozenset(word for word in os.environ.get(VARIABLE, "").split(",") if word)
    assert words <= PROGRAMS.keys(), f"{VARIABLE} knows {', '.join(PROGRAMS)}"
    return words


def hide() -> None:
    """Changes the environment so that code under test does not find the hidden programs either."""
    names = [name for word in hidden() for name in PROGRAMS[word]]
    if not names:
        return
    os.environ[MOSQUITTO_VARIABLE] = "/nowhere/mosquitto" if "mosquitto" in hidden() else ""
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    os.environ["PATH"] = os.pathsep.join(str(_without(folder, names)) for folder in folders)


def _without(folder: Path, names: list[str]) -> Path:
    """The folder itself, or links to all in it but `names` if it holds one of these."""
    try:
        held = {program.name for program in folder.iterdir()}
    except OSError:
        return folder  # it is not there, or another user's: nothing is found in it anyway
    if held.isdisjoint(names):
        return folder
    links = Path(tempfile.mkdtemp(prefix="consortium-without-"))
    for name in held.difference(names):
        (links / name).symlink_to(folder / name)
    return links


def _program(name: str) -> Callable[[], bool]:
    def is_there() -> bool:
        if name in hidden():
            return False
        if name != "mosquitto":
            return any(shutil.which(program) for program in PROGRAMS[name])
        try:
            find_mosquitto()
        except UserError:
            return False
        return True

    return is_there


def _module(name: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(name) is not None


@functools.cache
def _can_mount() -> bool:
    """Whether this user may mount a small disk: root, outside of most containers."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as probe:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", probe], capture_output=True, check=False).returncode != 0:
            return False
        return subprocess.run(["umount", probe], capture_output=True, check=False).returncode == 0


@functools.cache
def _has_fonts() -> bool:
    """Whether text is drawn in the fonts of the golden pictures: DejaVu, and one that has Chinese."""
    asked = (["fc-match", "sans-serif"], ["fc-list", ":lang=zh"])
    try:
        told = [subprocess.run(words, capture_output=True, text=True, check=False).stdout for words in asked]
    except OSError:
        return False
    return "DejaVu Sans" in told[0] and "WenQuanYi" in told[1]


@functools.cache
def _engine_answers() -> bool:
    """Whether an engine of containers is here and serves this user."""
    if "docker" in hidden():
        return False
    try:
        find_engine()
    except UserError:
        return False
    return True


@functools.cache
def _compose_is_there() -> bool:
    try:
        find_compose(find_engine())
    except UserError:
        return False
    return True


def _can_make_users() -> bool:
    """Whether a test may make a user for itself, who finds what a fresh clone needs."""
    programs = ("useradd", "userdel", "setpriv", "pgrep", "make", "git")
    return os.geteuid() == 0 and all(map(shutil.which, programs)) and Path("/usr/bin/python3").exists()


@functools.cache
def _has_history() -> bool:
    """Whether git is here, and the commit before this one."""
    if shutil.which("git") is None:
        return False
    root = Path(__file__).resolve().parents[1]
    asked = ["git", "-C", str(root), "cat-file", "-e", "HEAD~1:consortium/core/format.py"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


THINGS: Mapping[str, tuple[Callable[[], bool], str]] = {
    **{name: (_program(name), f"{name} is not installed") for name in PROGRAMS},
    "npm": (lambda: "node" not in hidden() and shutil.which("npm") is not None, "npm is not installed"),
    "users": (_can_make_users, "only root can make a user, with useradd, setpriv, make and a Python of the system"),
    "history": (_has_history, "the history of this repository is not at hand (git)"),
    "opentelemetry.sdk": (
        lambda: _module("opentelemetry")() and _module("opentelemetry.sdk")(),
        "the extra telemetry is not installed",
    ),
    **{
        name: (_module(name), f"the package {name} is not installed")
        for name in ("pandas", "pyarrow", "distributed", "playwright")
    },
    "privacy": (lambda: _module("opendp")() and _module("phe")(), "the extra privacy is not installed"),
    "fhir.resources": (_module("fhir"), "the package fhir.resources is not installed"),
    "engine": (_engine_answers, "no engine of containers (docker, podman) answers this user"),
    "compose": (_compose_is_there, "Compose (docker-compose, docker compose) is not installed"),
    "fonts of the pictures": (_has_fonts, "the fonts DejaVu and WenQuanYi Micro Hei are not installed"),
    "linux": (lambda: sys.platform == "linux", "it asks the Linux kernel"),
    "small disk": (_can_mount, "only root may mount a small disk"),
    "tables of synthea": (
        lambda: Path(os.environ.get(SYNTHEA_VARIABLE, "/nowhere")).is_dir(),
        f"{SYNTHEA_VARIABLE} names none",
    ),
    "fhir of twenty": (lambda: Path(os.environ.get(FHIR_VARIABLE, "/nowhere")).is_dir(), f"{FHIR_VARIABLE} names none"),
}


def has(name: str) -> bool:
    """Whether this machine has it and CONSORTIUM_WITHOUT does not hide it. Raises KeyError for what THINGS lacks."""
    return THINGS[name][0]()


def node_tools() -> Path:
    """The folder whose `node_modules` holds what tests/node/package-lock.json names, installed once for each lock file.
    Skips where node or npm is missing, or npm cannot install."""
    missing = [THINGS[name][1] for name in ("node", "npm") if not has(name)]
    if missing:
        pytest.skip("; ".join(missing))
    try:
        return installed_tools()
    except subprocess.SubprocessError as error:
        pytest.skip(f"npm cannot install tests/node: {error}")


def base_image(engine: Engine, maker: Path) -> str:
    """The name of a base image that is in the engine, or comes in now: pulled, or made by `maker`. Skips where none can
    be had."""
    named, made, usual = os.environ.get("BASE", ""), "consortium-base", "python:3.11-slim-bookworm"
    for name in filter(None, (named, made, usual)):
        if engine.does("image", "inspect", name):
            return name
    if engine.does("pull", usual):
        return usual
    done = subprocess.run([str(maker), made], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no base image can be pulled or made here: {(done.stderr or done.stdout).strip()}")
    return made


def chromium_program() -> str:
    """For a test that marks itself with `needs("chromium")`."""
    found = next(filter(None, map(shutil.which, PROGRAMS["chromium"])), None)
    assert found is not None
    return found


def mosquitto_command(settings: Path) -> list[str]:
    """A Mosquitto with these settings, for a test that marks itself with `needs("mosquitto")`."""
    return [find_mosquitto(), "-c", str(settings)]


def settings_of_user() -> list[str]:
    """What a Mosquitto needs in its settings to read the files of this user: root's, where root starts it."""
    return ["user root"] if os.geteuid() == 0 else []


def needs(*names: str) -> pytest.MarkDecorator:
    """A mark that skips where one of `names` (keys of THINGS) is missing, and says which."""
    reasons = [THINGS[name][1] for name in names if not has(name)]
    return pytest.mark.skipif(bool(reasons), reason="; ".join(reasons) or "all is there")
