"""Local runs: every member in a process of its own, a broker, faults carried out, the end recognised, traces joined."""

from __future__ import annotations

import contextlib
import logging
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from consortium import __version__
from consortium.core.genesis import Genesis
from consortium.core.membership import NodeId
from consortium.runs.folder import RunFolderError, write_unfinished
from consortium.runs.machine_words import machine_words
from consortium.scenario.adversary import Adversaries
from consortium.scenario.faults.fate import Fate, check_world
from consortium.scenario.load import check_runs_locally
from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Network, Scenario
from nodes.conduct import child
from nodes.conduct.deaths import Deaths, disk_sentence
from nodes.conduct.drill import Drill, is_level
from nodes.conduct.node_process import NodeProcess
from nodes.conduct.run_files import RunFiles, join_traces, make_run
from nodes.conduct.site import Local, Site
from nodes.conduct.stalls import StallClock, has_work
from nodes.conduct.turn_clock import TurnClock
from nodes.conduct.waiting import describe_waiting
from nodes.errors import EXIT_STORE, EXIT_USAGE, UserError
from nodes.process.clock import now
from nodes.process.settings import NodeFolder
from nodes.process.status import Origin

POLL_S = 0.05
READY_S = 60.0  # seven interpreters on two cores need about three seconds
STOP_S = 8.0
GONE = 0

Record = dict[str, Any]
_log = logging.getLogger("conductor")


class Outcome(NamedTuple):
    """How a local run ended. `verdict`: done, no progress, failed (a node died by itself), stopped (Ctrl-C).

    `sentence` tells a person what happened where it did not end well. `is_environment`: the machine did not let it be
    carried out (a full disk), which says nothing of the consortium."""

    folder: Path
    genesis: Genesis
    verdict: str
    sentence: str
    records: int
    is_environment: bool = False

    @property
    def is_done(self) -> bool:
        return self.verdict == "done"


def run_local(
    scenario: Scenario,
    out: Path,
    broker: str = "embedded",
    on_record: Callable[[Record], None] | None = None,
    drill: Drill | None = None,
    *,
    is_recorded: bool = False,
    site: Site | None = None,
) -> Outcome:
    """Run with one process per member, in folder `out`. `on_record` sees each trace record soon after it was made.
    `site`: where the processes are, if not on this machine.

    `broker`: `embedded`, `mosquitto` or `mqtt://user:password@host:port`. Raises UserError where the input is wrong,
    ScenarioError where only the simulator can run it, and then leaves nothing. Ctrl-C stops all and returns; a second
    one kills. No process outlives this one."""
    check_runs_locally(scenario)
    site = site or Local()
    check_world(scenario, site.world)
    try:
        files = make_run(scenario, out, broker, site, is_recorded=is_recorded)
        return _Conductor(scenario, files, on_record or (lambda _: None), site, drill, broker.partition(":")[0]).run()
    finally:
        site.close()


class _Conductor:
    def __init__(
        self,
        scenario: Scenario,
        files: RunFiles,
        on_record: Callable[[Record], None],
        site: Site,
        drill: Drill | None = None,
        broker_kind: str = "",
    ) -> None:
        self._scenario = scenario
        self._broker_kind = broker_kind
        self._files = files
        self._site = site
        self._on_record = on_record
        self._own: list[Record] = []
        self.nodes = {
            member.name: site.make_node(NodeFolder(files.folder, member.name), member.name)
            for member in sorted(scenario.members, key=lambda member: member.name)
        }
        adversaries = Adversaries.of(scenario)
        self._traitors = adversaries.names
        self._world = site.world(
            scenario, adversaries, files.genesis, self.nodes, files.broker, self._note_of, lambda: self.leader
        )
        self._fate = Fate(scenario, self._world, lambda: is_level(self))
        self._turns = TurnClock(adversaries.turns)
        self._network = NetworkModel(scenario.network if scenario.network.in_real_runs else Network(), scenario.seed)
        self._drills: list[Drill] = [] if drill is None else [drill]
        self._height_max = 0
        self._stalls = StallClock()
        self._deaths = Deaths(self.nodes, self._note_of)
        self._deaf: dict[NodeId, str] = {}  # what nodes say that hear nothing
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
                records, trouble = self._keep()
        is_environment = bool(trouble) or self._deaths.is_disk_refusing
        if trouble:
            verdict, sentence = "failed", sentence if self._deaths.is_disk_refusing else trouble
        if is_environment:
            with contextlib.suppress(RunFolderError):
                write_unfinished(self._files.folder, self._scenario.name, f"It failed: {sentence}")
        return Outcome(self._files.folder, self._files.genesis, verdict, sentence, records, is_environment)

    def _keep(self) -> tuple[int, str]:
        """Join the traces: how many records, and a sentence where the disk refuses."""
        folder = self._files.folder
        try:
            return join_traces(folder, self.nodes, self._own), ""
        except OSError as error:
            why = f"{folder / 'trace.jsonl'} cannot be written ({error.strerror}): make room there and run it again."
            return 0, f"{why} Each node's own trace lies in its folder."

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
            for node in self.nodes.values():
                node.kill()

    def _start(self) -> None:
        first = [node for node in self.nodes.values() if node.name not in self._world.joins]
        for node in first:
            node.start()
        deadline = time.monotonic() + READY_S
        while not all(node.is_ready for node in first) and not self._signals:
            self._listen()
            self._check_start(first)
            if time.monotonic() > deadline:
                late = next(node for node in first if not node.is_ready)
                raise UserError(f"node {late.name} did not reach the broker in {READY_S:.0f} s: see {late.folder.log}")
        here = now()
        self._origin = Origin(here.monotonic_us, here.wall_us)
        scenario = self._scenario
        fields = {"scenario": scenario.name, "seed": scenario.seed, "on": self._site.name, "version": __version__}
        self._note("run", {**fields, "broker": self._broker_kind, "machine": machine_words()})
        for node in first:
            node.tell({"go": self._origin})

    def _check_start(self, started: Sequence[NodeProcess]) -> None:
        for node in started:
            if not node.is_alive:
                code = node.process.wait() if node.process else GONE
                lines = node.folder.log.read_text(errors="replace").strip().splitlines()
                words = lines[-1] if lines else "it said nothing"
                if code == EXIT_STORE:
                    raise UserError(f"{disk_sentence([node.name])} It said: {words}")
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
            dead = self._deaths.look()
            if dead:
                return "failed", dead
            self._drills = [drill for drill in self._drills if not drill.tend(self)]
            now_us = self.now_us
            self._world.tend(now_us)
            for turn in self._turns.due(now_us):
                self._note("fault", {"act": f"behaviour:{turn.name}", "target": turn.member, "phase": turn.phase})
            if self._network.turn_to(now_us):
                self._note("fault", {"act": "network", "target": ""})
            self._fate.carry_out(now_us, self._height_max)
            if stop.when_done and self._is_done():
                return "done", self._deaths.words()
            if self._lacks_quorum():
                dead = self._deaths.look()  # another may have ended since
                return (
                    ("failed", dead)
                    if dead
                    else ("no progress", self._with_waiting("too few members run to decide anything"))
                )
            if now_us >= stop.limit_us:
                why = f"the run was not over after {stop.limit_us / 1e6:.0f} s (stop.limit_us)"
                return "no progress", self._with_waiting(why)
            is_work_waiting = has_work([node.status for node in self._honest_alive()])
            if self._stalls.look(now_us, is_work_waiting=is_work_waiting) >= stop.stall_us:
                why = f"no node executed anything for {stop.stall_us / 1e6:.0f} s while work waited (stop.stall_us)"
                return "no progress", self._with_waiting(why)

    def _honest_alive(self) -> list[NodeProcess]:
        return [node for node in self.nodes.values() if node.is_alive and node.name not in self._traitors]

    def _lacks_quorum(self) -> bool:
        """Whether kills from outside have left too few, and no fault to come brings one back. Who belongs to the quorum
        is known for sure only where nobody joins."""
        if not self._deaths.killed or not self._is_fate_over or self._world.joins:
            return False
        epoch = self._files.genesis.first_epoch
        return sum(self.nodes[name].is_alive for name in epoch.validators) < epoch.quorum

    def _with_waiting(self, why: str) -> str:
        honest = [node for node in self.nodes.values() if node.name not in self._traitors]
        living = {node.name: node.status for node in honest if node.is_alive}
        waiting = describe_waiting(living, {node.name: node for node in honest if node.name not in living})
        if not self._fate.is_over:
            waiting += ("; " if waiting else "") + "not all faults of the scenario have been carried out"
        if self._world.waits_for_proof:
            names = ", ".join(self._world.waits_for_proof)
            waiting += ("; " if waiting else "") + f"no ledger proves that {names} was admitted, so it is not started"
        for more in (self._deaths.words(), *(f"{name}: {words}" for name, words in self._deaf.items())):
            if more:
                waiting += ("; " if waiting else "") + more
        return f"{why}: {waiting}" if waiting else why

    def _stop_all(self) -> None:
        """SIGTERM to all at once, then wait for each; SIGKILL for those that do not go."""
        for node in self.nodes.values():
            if node.process is not None:
                child.ask_to_stop(node.process)
        deadline = time.monotonic() + STOP_S
        for node in self.nodes.values():
            if node.process is None:
                continue
            code = child.wait_for(node.process, max(0.1, deadline - time.monotonic()))
            node.close()
            if not node.is_killed:
                self._note_exit(node.name, code)
        self._files.broker.stop()

    # --- watching -----------------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        return 0 if self._origin is None else now().monotonic_us - self._origin.monotonic_us

    def _note(self, kind: str, fields: Record) -> None:
        self._note_of("", kind, fields)

    def _note_of(self, name: NodeId, kind: str, fields: Record) -> None:
        record = {"t_us": self.now_us, "node": name, "kind": kind, **fields}
        self._own.append(record)
        self._on_record(record)

    def _note_exit(self, name: NodeId, code: int) -> None:
        self._note_of(name, "exited", {"code": code})

    def _listen(self) -> None:
        """Wait a moment, or until a node says something."""
        with selectors.DefaultSelector() as selector:
            for node in self.nodes.values():
                if node.is_alive and node.process is not None and node.process.stdout is not None:
                    selector.register(node.process.stdout, selectors.EVENT_READ, node)
            if not selector.get_map():
                time.sleep(POLL_S)
            for key, _ in selector.select(POLL_S):
                key.data.hear()
        for node in self.nodes.values():
            if node.is_ready and node.status is None and self._origin is not None:
                self._welcome(node)

    def _welcome(self, node: NodeProcess) -> None:
        """A node that came back is told when the run began and whom it cannot hear."""
        node.is_ready = False
        node.tell({"go": self._origin, **self._world.welcome(node.name)})

    def _follow(self) -> None:
        """Hand on what the nodes have traced since, in order of time as far as it is known."""
        records: list[Record] = []
        for node in self.nodes.values():
            records += node.tail.read()
        records.sort(key=lambda record: int(record["t_us"]))
        for record in records:
            if record["kind"] == "executed" and record["height"] > self._height_max:
                self._height_max = record["height"]
                self._stalls.executed(record["t_us"])
            if record["kind"] == "bus":
                self._heard_of_bus(record)
            self._on_record(record)

    def _heard_of_bus(self, record: Record) -> None:
        """A node says that the broker does not deliver, in one sentence each time; or that it is back."""
        if record["state"] == "deaf":
            _log.warning("%s: %s", record["node"], record["why"])
            self._deaf[record["node"]] = record["why"]
        else:
            self._deaf.pop(record["node"], None)

    @property
    def _is_fate_over(self) -> bool:
        return self._fate.is_over and not self._world.waits_for_proof

    def _is_done(self) -> bool:
        """All faults met, all living nodes done, at one and the same sealed height. The dead are not waited for,
        nor those that misbehave, nor those that the members removed."""
        if not self._is_fate_over or self._drills or not self._turns.have_begun:
            return False
        living = [node.status for node in self._honest_alive()]
        living = [status for status in living if status is None or status.is_member]
        if not living or any(status is None or not status.is_done for status in living):
            return False
        heights = [(status.head_height, status.stable_height) for status in living if status is not None]
        return heights.count(heights[0]) == len(heights) and heights[0][0] == heights[0][1]

    # --- faults -------------------------------------------------------------------------------------------------

    @property
    def leader(self) -> NodeId:
        """Of the newest view that a living node speaks of."""
        known = [node.status for node in self.nodes.values() if node.is_alive and node.status is not None]
        if known:
            return max(known, key=lambda status: status.view).leader
        return self._files.genesis.first_epoch.leader(0)

    def note_fault(self, act: str, target: NodeId) -> None:
        self._note("fault", {"act": act, "target": target})
