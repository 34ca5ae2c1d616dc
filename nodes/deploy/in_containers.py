"""A standing consortium in containers: Compose brings it up and down, and the engine keeps it up."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from consortium.core.genesis import decode_genesis
from consortium.runs.folder import write_whole
from nodes.containers.container import give
from nodes.containers.engine import Engine, EngineError, find_compose, find_engine, find_image
from nodes.deploy.compose import FILE, LABEL, programs, render
from nodes.deploy.deployment import Deployment
from nodes.deploy.local import check_ports
from nodes.deploy.running import ProgramState
from nodes.deploy.tail import tail_lines
from nodes.errors import UserError
from nodes.process.settings import NodeFolder
from nodes.process.socket_place import socket_place

STATES = {
    "created": "starting",
    "restarting": "backoff",
    "removing": "stopping",
    "exited": "stopped",  # by hand: one that ends by itself is started again at once
    "dead": "fatal",
}
STOP_S = 20
LINES_KEPT = 10_000  # of each log, when the containers go


def check_containers() -> None:
    """Raises UserError where there is no engine, no image of ours, or no Compose, with what to do."""
    engine = find_engine()
    find_image(engine)
    find_compose(engine)


class ContainersRunning:
    """See `Running`. The engine is looked for when it is first needed: reading a folder needs none."""

    def __init__(self, folder: Path, deployment: Deployment) -> None:
        self._folder = folder
        self._deployment = deployment
        chain = decode_genesis((folder / "genesis.json").read_bytes()).chain
        self._stem = f"consortium-{chain.hex()[:10]}"
        self._found: Engine | None = None

    @property
    def _engine(self) -> Engine:
        if self._found is None:
            self._found = find_engine()
        return self._found

    @property
    def is_up(self) -> bool:
        return any(state.state in ("running", "paused", "backoff") for state in self.states().values())

    def start(self) -> None:
        if self.is_up:
            return
        image, compose = find_image(self._engine), find_compose(self._engine)
        check_ports(self._deployment)
        self._hand_over()
        text = render(self._deployment, self._stem, image, self._user())
        write_whole(self._folder / FILE, text.encode())
        self._compose(compose, "up", "--detach", "--no-build", "--remove-orphans")

    def stop(self) -> bool:
        states = self.states()
        for state in states.values():
            if state.state == "paused":
                self.resume_program(state.name)  # one that stands still does not hear that it is to end
        self._save_logs(list(states))
        was_up = any(state.is_alive for state in states.values())
        self.remove()
        return was_up

    def remove(self) -> None:
        """All containers and networks: the data lies in the folder."""
        if (self._folder / FILE).is_file():
            with contextlib.suppress(UserError):  # what Compose does not know any more is removed below
                self._compose(find_compose(self._engine), "down", "--remove-orphans", "--timeout", str(STOP_S))
        found = {
            kind: [name for name, _ in self._engine.labelled(kind, self._label)] for kind in ("container", "network")
        }
        self._engine.remove(found["container"], found["network"])

    def states(self) -> Mapping[str, ProgramState]:
        names = self._engine.ask("ps", "--all", "--filter", f"label={self._label}", "--format", "{{.Names}}").split()
        if not names:
            return {}
        try:
            told: list[dict[str, Any]] = json.loads(self._engine.ask("container", "inspect", *names))
        except EngineError:
            return self.states()  # one of them went meanwhile
        found = [_state(each["Name"].strip("/").removeprefix(f"{self._stem}-"), each["State"]) for each in told]
        return {state.name: state for state in found}

    def start_program(self, name: str) -> None:
        self._hand_over()
        self._engine.ask("start", self._container(name))

    def stop_program(self, name: str) -> None:
        self.resume_program(name)
        self._engine.ask("stop", "--time", str(STOP_S), self._container(name))

    def kill_program(self, name: str) -> None:
        if self.states().get(name, ProgramState(name, "", 0, 0, 0)).is_alive:
            self._engine.ask("kill", self._container(name))

    def pause_program(self, name: str) -> None:
        if self.states()[name].state == "running":
            self._engine.ask("pause", self._container(name))

    def resume_program(self, name: str) -> None:
        if self.states()[name].state == "paused":
            self._engine.ask("unpause", self._container(name))

    def signal_program(self, name: str, signal: str) -> None:
        """`signal`: its name without SIG."""
        self._hand_over()
        self._engine.ask("kill", "--signal", signal, self._container(name))

    def log_lines(self, name: str, last: int, *, is_followed: bool) -> Iterator[str]:
        if name not in programs(self._deployment):
            raise UserError(f"there is no program {name!r}; there are {', '.join(programs(self._deployment))}")
        if name not in self.states():
            return tail_lines(self._log(name), last, is_followed=is_followed)
        return self._engine_lines(name, last, is_followed=is_followed)

    # --- how it is done ---------------------------------------------------------------------------------------------

    @property
    def _label(self) -> str:
        return f"{LABEL}={self._stem}"

    def _container(self, name: str) -> str:
        return f"{self._stem}-{name}"

    def _user(self) -> str:
        words = self._engine.user_words
        return words[words.index("--user") + 1]

    def _log(self, name: str) -> Path:
        if name in self._deployment.members:
            return NodeFolder(self._folder, name).log
        member = name.removeprefix("gateway.")
        return self._folder / ("nodes/" + member + "/gateway" if member != name else name) / "log.txt"

    def _hand_over(self) -> None:
        """What programs write and read belongs to those as whom they run; and their doors are found from outside, also
        where the folder lies too deep for the address of a socket."""
        owner = self._engine.owner
        for broker in self._deployment.brokers:
            give(self._folder / broker.name, owner)
        for name in self._deployment.members:
            folder = NodeFolder(self._folder, name).folder
            give(folder, owner)
            door = folder.absolute() / "door"
            place = socket_place(door)
            if place != door and not place.is_symlink():
                place.parent.mkdir(mode=0o700, exist_ok=True)
                place.unlink(missing_ok=True)
                place.symlink_to(door)

    def _compose(self, compose: Sequence[str], *words: str) -> None:
        command = [*compose, "--project-name", self._stem, "--file", str(self._folder / FILE), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
            raise UserError(
                f"`{' '.join(compose)} {words[0]}` failed: {lines[-1]}; {self._folder / FILE} is what it read"
            )

    def _save_logs(self, names: Sequence[str]) -> None:
        """The engine forgets what a container said when it goes."""
        for name in names:
            lines = list(self._engine_lines(name, LINES_KEPT, is_followed=False))
            log = self._log(name)
            with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in lines)

    def _engine_lines(self, name: str, last: int, *, is_followed: bool) -> Iterator[str]:
        words = ["logs", "--tail", str(last), *(["--follow"] if is_followed else []), self._container(name)]
        with subprocess.Popen(
            [self._engine.program, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    yield line.rstrip("\n")
            finally:
                process.terminate()


def _state(name: str, told: Mapping[str, Any]) -> ProgramState:
    state = STATES.get(told["Status"], told["Status"])
    since = told["StartedAt"] if state in ("running", "paused") else told["FinishedAt"]
    return ProgramState(name, state, int(told["Pid"]), int(told["ExitCode"]), _since_s(since))


def _since_s(text: str) -> int:
    """Of a time as engines tell it; 0 where there is none."""
    whole = text[:19]
    with contextlib.suppress(ValueError):
        then = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        if then.year > 1:
            return max(0, int(time.time() - then.timestamp()))
    return 0
