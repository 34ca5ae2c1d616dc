"""`make up` from a fresh clone, by a user who is not root and has nothing but a home; and `up --docker` by a user of
the group of the engine."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.containers.engine import IMAGE_VARIABLE, find_engine
from tests.optional import base_image, has, needs

pytestmark = [pytest.mark.live, pytest.mark.drill]  # it installs everything anew, or builds an image: minutes

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
IMAGE = "consortium-test"


class Somebody:
    """A user made for this test, and how words are run as that user."""

    def __init__(self, name: str) -> None:
        self.name = name
        subprocess.run(["useradd", "--create-home", name], check=True)
        self.home = Path(pwd.getpwnam(name).pw_dir)

    def run(self, *words: str, folder: Path | None = None, **environment: str) -> str:
        """Raises AssertionError with all that it said."""
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        said = subprocess.run(
            ["setpriv", "--reuid", self.name, "--regid", self.name, "--init-groups", *words],
            cwd=folder or self.home,
            env={
                **kept,
                "HOME": str(self.home),
                "USER": self.name,
                "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, f"{words}: {said.stdout}{said.stderr}"
        return said.stdout

    def clone(self) -> Path:
        """The sources as they are committed, this user's."""
        place = self.home / "consortium"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
        subprocess.run(["chown", "--recursive", f"{self.name}:", str(place)], check=True)
        return place

    @property
    def processes(self) -> list[int]:
        """Its own: nobody else is this user."""
        told = subprocess.run(["pgrep", "-u", self.name], capture_output=True, text=True, check=False).stdout
        return [int(number) for number in told.split()]

    def remove(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        subprocess.run(["userdel", "--remove", self.name], check=False, capture_output=True)


@pytest.fixture
def somebody() -> Iterator[Somebody]:
    made = Somebody(f"c-{secrets.token_hex(4)}")
    yield made
    made.remove()


@needs("users", "history")
@pytest.mark.timeout(2_400)
def test_a_user_without_root_makes_it_from_a_clone_and_one_of_the_engines_group_in_containers(
    somebody: Somebody, tmp_path: Path
) -> None:
    clone, place = somebody.clone(), "a place with spaces"
    told = somebody.run("make", "up", f"PYTHON={PYTHON}", f"DIR={place}", folder=clone)
    try:
        assert "a new consortium is up" in told and "curl" in told
        assert "7 of 7 nodes serve" in somebody.run(".venv/bin/consortium", "status", "--dir", place, folder=clone)
    finally:
        somebody.run("make", "down", f"PYTHON={PYTHON}", f"DIR={place}", folder=clone)
    assert not (clone / place).exists()
    assert somebody.processes == [], "nothing of that user is left"
    if has("engine") and has("compose") and _has_group("docker"):
        _up_in_containers(somebody, clone)


def _has_group(name: str) -> bool:
    return any(group.gr_name == name for group in grp.getgrall())


def _up_in_containers(somebody: Somebody, clone: Path) -> None:
    engine = find_engine()
    base = base_image(engine, ROOT / "docker/base")
    subprocess.run(
        [str(ROOT / "docker/build"), IMAGE], env={**os.environ, "BASE": base}, check=True, capture_output=True
    )
    subprocess.run(["usermod", "--append", "--groups", "docker", somebody.name], check=True)
    words = (".venv/bin/consortium",)
    members = "bureau=1,hospital=2,regulator=1"
    told = somebody.run(
        *words, "up", "--docker", "--dir", "boxed", "--members", members, folder=clone, **{IMAGE_VARIABLE: IMAGE}
    )
    try:
        assert "a new consortium is up" in told
        assert (clone / "boxed").stat().st_uid == pwd.getpwnam(somebody.name).pw_uid
    finally:
        somebody.run(*words, "down", "--wipe", "--dir", "boxed", folder=clone, **{IMAGE_VARIABLE: IMAGE})
    assert not (clone / "boxed").exists()
