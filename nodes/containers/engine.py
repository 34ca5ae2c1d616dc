"""The engine of containers: Docker or Podman, by its own command line."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from nodes.containers.sources import LABEL, digest_of_sources
from nodes.errors import UserError

ENGINE_VARIABLE = "CONSORTIUM_ENGINE"  # docker or podman, or a path; else the first of them that is installed
IMAGE_VARIABLE = "CONSORTIUM_IMAGE"
IMAGE = "consortium"
PROGRAMS = ("docker", "podman")
IMAGE_USER = 10_001  # the Dockerfile's USER
ASK_S = 120.0


class EngineError(UserError):
    """The engine refused; the sentence has its words."""


class Engine:
    """`program`: the path of its command."""

    def __init__(self, program: str) -> None:
        self.program = program

    def ask(self, *words: str) -> str:
        """What `docker WORDS…` prints. Raises EngineError."""
        try:
            done = subprocess.run(
                [self.program, *words], capture_output=True, text=True, check=False, timeout=ASK_S, process_group=0
            )
        except subprocess.TimeoutExpired:
            raise EngineError(f"{self.program} {words[0]} has not answered for {ASK_S:.0f} s") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            raise EngineError(f"`{self.program} {' '.join(words[:2])}` failed: {lines[-1]}")
        return done.stdout

    def does(self, *words: str) -> bool:
        """Whether `docker WORDS…` could be done: false where there is nothing to do it to."""
        try:
            self.ask(*words)
        except EngineError:
            return False
        return True

    @functools.cached_property
    def is_podman(self) -> bool:
        return "podman" in self.ask("--version").lower()

    @functools.cached_property
    def is_rootless(self) -> bool:
        """Whether the engine runs as a user: its containers' root is that user then."""
        if self.is_podman:
            return os.geteuid() != 0
        return "rootless" in self.ask("info", "--format", "{{json .SecurityOptions}}")

    @property
    def user_words(self) -> tuple[str, ...]:
        """As whom a container runs so that files that it shares with us belong to one owner on both sides."""
        uid, gid = os.geteuid(), os.getegid()
        if self.is_podman and self.is_rootless:
            return ("--userns", "keep-id", "--user", f"{uid}:{gid}")
        if self.is_rootless:
            return ("--user", "0:0")
        return ("--user", f"{IMAGE_USER}:{IMAGE_USER}" if uid == 0 else f"{uid}:{gid}")

    @property
    def owner(self) -> int | None:
        """To which user files are given that a container shall own: the image's, where root runs us; else our own."""
        return IMAGE_USER if os.geteuid() == 0 else None

    def labelled(self, kind: str, label: str) -> list[tuple[str, Mapping[str, str]]]:
        """All containers (`container`), also those that ended, or networks (`network`) with this label: names, and the
        labels of each."""
        words = ("ls", "--filter", f"label={label}", "--format", "{{.Names}}" if kind == "container" else "{{.Name}}")
        names = self.ask(kind, *words, *(("--all",) if kind == "container" else ())).split()
        found: list[tuple[str, Mapping[str, str]]] = []
        for name in names:
            try:
                told: dict[str, Any] = json.loads(self.ask(kind, "inspect", name))[0]
            except EngineError:
                continue  # it is gone meanwhile
            found.append((name, dict((told.get("Config") or told).get("Labels") or told.get("labels") or {})))
        return found

    def remove(self, containers: Sequence[str], networks: Sequence[str]) -> None:
        """Kill and remove, whatever of it is there."""
        if containers:
            self.does("rm", "--force", *containers)
        for network in networks:
            self.does("network", "rm", network)


def find_engine() -> Engine:
    """The engine that CONSORTIUM_ENGINE names, else Docker, else Podman. Raises UserError with what to do."""
    named = os.environ.get(ENGINE_VARIABLE)
    found = next(filter(None, map(shutil.which, (named,) if named else PROGRAMS)), None)
    if found is None:
        raise UserError(
            f"there is no {named or 'docker or podman'} on this machine: install one (Debian: apt install docker.io)"
        )
    engine = Engine(found)
    try:
        engine.ask("ps", "--quiet", "--last", "1")
    except EngineError as error:
        raise UserError(
            f"the engine does not answer ({error}): start it (systemctl start docker), and be in its group `docker`"
        ) from None
    return engine


def find_compose(engine: Engine) -> Sequence[str]:
    """The command of Compose: the engine's own (version 2), else docker-compose. Raises UserError with what to do."""
    if engine.does("compose", "version"):
        return (engine.program, "compose")
    found = shutil.which("docker-compose")
    if engine.is_podman and not os.environ.get("DOCKER_HOST"):
        raise UserError(
            "Podman has no Compose here: install podman-compose, or start `podman system service` and name its socket "
            "in DOCKER_HOST, so that docker-compose speaks to it"
        )
    if found is None:
        raise UserError("Compose is not installed: install it (Debian: apt install docker-compose)")
    return (found,)


def find_image(engine: Engine, *, is_of_these_sources: bool = False) -> str:
    """The name of the image of all roles. Raises UserError where it is not there, or not built of the sources that run
    here, with how to build it."""
    name = os.environ.get(IMAGE_VARIABLE, IMAGE)
    try:
        labels = json.loads(engine.ask("image", "inspect", "--format", "{{json .Config.Labels}}", name)) or {}
    except EngineError:
        raise UserError(
            f"{engine.program} has no image {name!r}: build it with `make image` in the project's folder, see "
            "docs/containers.md"
        ) from None
    if is_of_these_sources and labels.get(LABEL) != digest_of_sources():
        raise UserError(f"the image {name!r} was built of other sources than those that run here: `make image` again")
    return name
