"""Local runs: every member in a process of its own, a broker, faults carried out, the end recognised, traces joined."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium import __version__
from consortium.core.genesis import Genesis
from consortium.core.membership import NodeId
from consortium.scenario.scenario import Fault, Scenario
from nodes import child
from nodes.errors import EXIT_USAGE, UserError
from nodes.faults import FaultClock, cuts
from nodes.process import Origin, Status, now
from nodes.run_files import RunFiles, join_traces, make_run
from nodes.settings import NodeFolder
from nodes.trace_file import TraceTail

POLL_S = 0.05
READY_S = 60.0  # seven interpreters on two cores need about three seconds
STOP_S = 8.0
GONE = 0

Record = dict[str, Any]
_log = logging.getLogger("conductor")
_STATUS = msgspec.json.Decoder(dict[str, Any])


class Outcome(NamedTuple):
    """How a local run ended. `verdict`: done, no progress, failed (a node died by itself), stopped (Ctrl-C).

    `sentence` tells a person what happened where it did not end well."""

    folder: Path
    genesis: Genesis
    verdict: str
    sentence: str
    records: int

    @property
    def is_done(self) -> bool:
        return self.verdict == "done"


class _Node:
    """One member's process, as its conductor sees it."""

    def __init__(self, folder: NodeFolder, name: NodeId) -> None:
        self.name = name
        self.folder = folder
        self.tail = TraceTail(folder.trace)
        self.process: subprocess.Popen[bytes] | None = None
        self.status: Status | None = None
        self.is_ready = False
        self.is_killed = False
        self._said = b""

    def start(self) -> None:
        self.status, self.is_ready, self.is_killed, self._said = None, False, False, b""
        self.process = child.spawn(
            ["-m", "nodes", str(self.folder.run), self.name, "--conducted"],
            log=self.folder.log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    def tell(self, order: Record) -> None:
        if self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):
                self.process.stdin.write(msgspec.json.encode(order) + b"\n")
                self.process.stdin.flush()

    def hear(self) -> None:
        """Take in what it has said since."""
        if self.process is None or self.process.stdout is None:
            return
        with contextlib.suppress(OSError, ValueError):
            while data := self.process.stdout.read(65_536):
                *lines, self._said = (self._said + data).split(b"\n")
                for line in lines:
                    self._heard(_STATUS.decode(line))

    def _heard(self, word: Record) -> None:
        if "ready" in word:
            self.is_ready = True
        else:
            self.status = Status(**word)

    def kill(self) -> None:
        self.is_killed = True
        if self.process is not None:
            child.kill(self.process)
            self.close()

    def close(self) -> None:
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def run_local(
    scenario: Scenario,
    out: Path,
    broker: str = "embedded",
    on_record: Callable[[Record], None] | None = None,
) -> Outcome:
    """Run with one process per member, in folder `out`. `on_record` sees each trace record soon after it was made.

    `broker`: `embedded`, `mosquitto` or `mqtt://user:password@host:port`. Raises UserError where the input is wrong,
    and then leaves nothing. Ctrl-C stops all and returns; a second one kills. No process outlives this one."""
    files = make_run(scenario, out, broker)
    return _Conductor(scenario, files, on_record or (lambda _: None)).run()


class _Conductor:
    def __init__(self, scenario: Scenario, files: RunFiles, on_record: Callable[[Record], None]) -> None:
        self._scenario = scenario
        self._files = files
        self._on_record = on_record
        self._own: list[Record] = []
        self._nodes = {
            member.name: _Node(NodeFolder(files.folder, member.name), member.name)
            for member in sorted(scenario.members, key=lambda member: member.name)
        }
        self._faults = FaultClock(scenario.faults)
        self._last_target = ""
        self._cut: dict[NodeId, list[NodeId]] = {}
        self._height_max = 0
        self._progress_us = 0
        self._origin: Origin | None = None
        self._signals = 0

    # --- life ---------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        verdict, sentence = "failed", "the conductor itself failed; this is a mistake of ours"
        with self._watch_signals():
            try:
                self._start()
                verdict, sentence = self._conduct()
            finally:
                self._stop_all()
                if verdict != "stopped":
                    self._note("ended", {"verdict": verdict})
                self._follow()
                records = join_traces(self._files.folder, self._nodes, self._own)
        return Outcome(self._files.folder, self._files.genesis, verdict, sentence, records)

    @contextlib.contextmanager
    def _watch_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM are counted: the first stops the run, the second kills (only in the main thread)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        older = {number: signal.signal(number, self._signalled) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in older.items():
                signal.signal(number, handler)

    def _signalled(self, number: int, frame: object) -> None:
        self._signals += 1
        if self._signals > 1:
            for node in self._nodes.values():
                node.kill()

    def _start(self) -> None:
        for node in self._nodes.values():
            node.start()
        deadline = time.monotonic() + READY_S
        while not all(node.is_ready for node in self._nodes.values()) and not self._signals:
            self._listen()
            self._check_start()
            if time.monotonic() > deadline:
                late = next(node for node in self._nodes.values() if not node.is_ready)
                raise UserError(f"node {late.name} did not reach the broker in {READY_S:.0f} s: see {late.folder.log}")
        here = now()
        self._origin = Origin(here.monotonic_us, here.wall_us)
        scenario = self._scenario
        fields = {"scenario": scenario.name, "seed": scenario.seed, "on": "local", "version": __version__}
        self._note("run", fields)
        for node in self._nodes.values():
            node.tell({"go": self._origin})

    def _check_start(self) -> None:
        for node in self._nodes.values():
            if not node.is_alive:
                code = node.process.wait() if node.process else GONE
                lines = node.folder.log.read_text(errors="replace").strip().splitlines()
                words = lines[-1] if lines else "it said nothing"
                if code == EXIT_USAGE:
                    raise UserError(f"node {node.name} cannot start: {words}")
                raise UserError(f"node {node.name} ended at its start (code {code}): {words}; see {node.folder.log}")

    def _conduct(self) -> tuple[str, str]:
        """Until the run is over: its verdict, and a sentence where it is not "done"."""
        stop = self._scenario.stop
        while True:
            self._listen()
            self._follow()
            if self._signals:
                return "stopped", f"stopped by hand; what there is of the run lies in {self._files.folder}"
            dead = self._dead_by_itself()
            if dead:
                return "failed", dead
            now_us = self._now_us()
            for fault in self._faults.due(now_us, self._height_max):
                self._carry_out(fault)
            if stop.when_done and self._is_done():
                return "done", ""
            if now_us >= stop.limit_us:
                return "no progress", f"the run was not over after {stop.limit_us / 1e6:.0f} s (stop.limit_us)"
            if now_us - self._progress_us >= stop.stall_us:
                return "no progress", f"no node executed anything for {stop.stall_us / 1e6:.0f} s (stop.stall_us)"

    def _stop_all(self) -> None:
        """SIGTERM to all at once, then wait for each; SIGKILL for those that do not go."""
        for node in self._nodes.values():
            if node.process is not None:
                child.ask_to_stop(node.process)
        deadline = time.monotonic() + STOP_S
        for node in self._nodes.values():
            if node.process is None:
                continue
            code = child.wait_for(node.process, max(0.1, deadline - time.monotonic()))
            node.close()
            if not node.is_killed:
                self._note_exit(node.name, code)
        self._files.broker.stop()

    # --- watching -----------------------------------------------------------------------------------------------

    def _now_us(self) -> int:
        return 0 if self._origin is None else now().monotonic_us - self._origin.monotonic_us

    def _note(self, kind: str, fields: Record) -> None:
        record = {"t_us": self._now_us(), "node": "", "kind": kind, **fields}
        self._own.append(record)
        self._on_record(record)

    def _note_exit(self, name: NodeId, code: int) -> None:
        record = {"t_us": self._now_us(), "node": name, "kind": "exited", "code": code}
        self._own.append(record)
        self._on_record(record)

    def _listen(self) -> None:
        """Wait a moment, or until a node says something."""
        with selectors.DefaultSelector() as selector:
            for node in self._nodes.values():
                if node.is_alive and node.process is not None and node.process.stdout is not None:
                    selector.register(node.process.stdout, selectors.EVENT_READ, node)
            if not selector.get_map():
                time.sleep(POLL_S)
            for key, _ in selector.select(POLL_S):
                key.data.hear()
        for node in self._nodes.values():
            if node.is_ready and node.status is None and self._origin is not None:
                self._welcome(node)

    def _welcome(self, node: _Node) -> None:
        """A node that came back is told when the run began and whom it cannot hear."""
        node.is_ready = False
        node.tell({"go": self._origin, "cut": self._cut.get(node.name, [])})

    def _follow(self) -> None:
        """Hand on what the nodes have traced since, in order of time as far as it is known."""
        records: list[Record] = []
        for node in self._nodes.values():
            records += node.tail.read()
        records.sort(key=lambda record: int(record["t_us"]))
        for record in records:
            if record["kind"] == "executed" and record["height"] > self._height_max:
                self._height_max = record["height"]
                self._progress_us = record["t_us"]
            self._on_record(record)

    def _dead_by_itself(self) -> str:
        for node in self._nodes.values():
            if not node.is_alive and not node.is_killed and node.process is not None:
                code = node.process.wait()
                self._note_exit(node.name, code)
                node.is_killed = True
                return f"node {node.name} ended by itself (code {code}): its log is {node.folder.log}"
        return ""

    def _is_done(self) -> bool:
        """All faults met, all living nodes done, at one and the same sealed height. The dead are not waited for."""
        if not self._faults.is_over:
            return False
        living = [node.status for node in self._nodes.values() if node.is_alive]
        if not living or any(status is None or not status.is_done for status in living):
            return False
        heights = [(status.head_height, status.stable_height) for status in living if status is not None]
        return heights.count(heights[0]) == len(heights) and heights[0][0] == heights[0][1]

    # --- faults -------------------------------------------------------------------------------------------------

    def _target(self, fault: Fault) -> NodeId:
        if fault.target == "last":
            return self._last_target
        if fault.target != "leader":
            return fault.target
        known = [node.status for node in self._nodes.values() if node.is_alive and node.status is not None]
        if known:
            return max(known, key=lambda status: status.view).leader
        return self._files.genesis.first_epoch.leader(0)

    def _carry_out(self, fault: Fault) -> None:
        target = self._target(fault)
        self._note("fault", {"act": fault.act, "target": target})
        if target:
            self._last_target = target
        node = self._nodes.get(target)
        if node is not None:
            self._act_on(node, fault.act)
        elif fault.act in ("partition", "heal"):
            self._cut = cuts(fault.groups if fault.act == "partition" else (), list(self._nodes))
            for each in self._nodes.values():
                each.tell({"cut": self._cut[each.name]})
        elif fault.act == "broker_kill":
            self._files.broker.kill()
        elif fault.act == "broker_restart":
            self._files.broker.start()

    def _act_on(self, node: _Node, act: str) -> None:
        if act in ("kill", "restart") and node.is_alive:
            node.kill()
        if act == "restart":
            node.start()
        elif act in ("pause", "resume") and node.process is not None and node.is_alive:
            node.process.send_signal(signal.SIGSTOP if act == "pause" else signal.SIGCONT)
