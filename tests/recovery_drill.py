"""What the tests of recovery share: a small consortium of processes, drills on it, a witness on the bus, the checks."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from consortium.core.genesis import Genesis, Parameters, decode_genesis
from consortium.core.header import header_bytes_digest
from consortium.core.membership import Epochs
from consortium.lab.checks.claims import judge
from consortium.lab.checks.evidence import find_evidence
from consortium.lab.checks.statements import Statement, Watcher
from consortium.ledger.rows import height_key
from consortium.protocols.pbft.records import AcceptedRecord, PreparedRecord, decode_record
from consortium.runs.folder import load_run
from consortium.runs.run import Run
from consortium.scenario.assemble import Shared
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload
from nodes.conduct.conductor import Outcome, run_local
from nodes.conduct.drill import Drill, LocalRun, is_level
from nodes.conduct.node_process import NodeProcess
from nodes.process.bus import Bus
from nodes.process.settings import read_settings, write_settings
from nodes.process.vote_log import BEGUN, salvage
from tests import optional

NAMES = ("node-1", "node-2", "node-3", "node-4")
Step = Callable[[LocalRun], bool]


def small(
    transactions: int, *faults: Fault, interval_us: int = 40_000, persons: int = 5, **parameters: int
) -> Scenario:
    """Four validators, each with a load at a pace. Of many `persons` a node has to read each from its disk."""
    chosen = {"idle_seal_us": 200_000, "timer_base_us": 500_000, "checkpoint_interval": 8, **parameters}
    options = {"transactions": transactions, "bundle": 2, "interval_us": interval_us, "persons": persons}
    return Scenario(
        name="recovery",
        members=tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in NAMES),
        parameters=Parameters(**chosen),
        workload=Workload("settlement_load", options),
        faults=faults,
        stop=Stop(limit_us=85_000_000, stall_us=15_000_000),
    )


def run_drill(tmp_path: Path, scenario: Scenario, drill: Drill | None = None) -> Outcome:
    broker = "mosquitto" if optional.has("mosquitto") else "embedded"
    return run_local(scenario, tmp_path / "run", broker, drill=drill)


def words_of(outcome: Outcome, name: str) -> str:
    """The node's log.txt."""
    return (outcome.folder / "nodes" / name / "log.txt").read_text()


def soften(folder: Path, **changes: Any) -> None:
    """Other settings for every node, before it starts again."""
    for path in folder.glob("nodes/*/settings.json"):
        settings = msgspec.structs.replace(read_settings(path), **changes)
        path.unlink()
        write_settings(path, settings)


class Steps:
    """A drill out of steps, each called until it says that it is over; a step may take so long and no longer."""

    def __init__(self, steps: Iterable[tuple[str, Step]], step_us: int = 20_000_000) -> None:
        self._steps = list(steps)
        self._step_us = step_us
        self._since_us: int | None = None
        self.done: list[str] = []
        self.took_us: list[int] = []

    def tend(self, run: LocalRun) -> bool:
        while self._steps:
            name, step = self._steps[0]
            if self._since_us is None:
                self._since_us = run.now_us
            if not step(run):
                assert run.now_us - self._since_us < self._step_us, f"this took too long: {name}"
                return False
            self.done.append(name)
            self.took_us.append(run.now_us - self._since_us)
            self._since_us = None
            del self._steps[0]
        return True


def level(run: LocalRun) -> bool:
    return is_level(run)


def at_height(height: int) -> Step:
    return lambda run: any(node.status is not None and node.status.head_height >= height for node in run.nodes.values())


def do(act: Callable[[NodeProcess], object], *names: str) -> Step:
    """Do this once to these nodes. That it kills one is told to the trace: to the checks it is a fault."""

    def step(run: LocalRun) -> bool:
        for name in names:
            node = run.nodes[name]
            living = node.process if node.is_alive else None
            act(node)
            if living is not None and living.poll() is not None:
                run.note_fault("kill", name)
        return True

    return step


def is_dead(name: str) -> Step:
    return lambda run: not run.nodes[name].is_alive


# --- who voted what --------------------------------------------------------------------------------------------------


class Witness:
    """Keeps every statement that is broadcast: it listens with the passwords of two members, each beside its own."""

    def __init__(self) -> None:
        self._watcher = Watcher()
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def begin(self, folder: Path) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen(folder)), daemon=True)
        self._thread.start()

    async def _listen(self, folder: Path) -> None:
        chain = decode_genesis((folder / "genesis.json").read_bytes()).chain

        def heard(sender: str, frames: list[bytes]) -> None:
            for frame in frames:
                self._watcher.hear(sender, frame)

        buses = []
        for name in NAMES[:2]:  # a bus is deaf for what its own name says
            (address,) = read_settings(folder / "nodes" / name / "settings.json").addresses(folder)
            buses.append(asyncio.create_task(Bus(address, chain, name, NAMES, heard, lambda _: None).run()))
        while not self._is_over.is_set():
            await asyncio.sleep(0.05)
        for bus in buses:
            bus.cancel()
        await asyncio.gather(*buses, return_exceptions=True)

    def end(self, outcome: Outcome) -> list[Statement]:
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
        verifier = Shared.of(outcome.genesis).verifier
        return self._watcher.statements(verifier, Epochs((outcome.genesis.first_epoch,)))


def double_votes(statements: Sequence[Statement], genesis: Genesis) -> list[str]:
    """Of whom the bus heard two things where an honest member says one."""
    codec = Shared.of(genesis).verifier.codec
    return [f"{piece.culprit}: {piece.rule}" for piece in find_evidence(statements, codec)]


def keep_votes(node: NodeProcess, *, is_torn: bool = False) -> None:
    """A copy of its vote log, as a crash left it. `is_torn`: in the place of the last copy, for the crash tore the last
    write: a vote that was never durable, and that nobody heard, may be cast otherwise (the witness tells who heard)."""
    if node.folder.votes.exists():
        copies = node.folder.folder / "votes"
        copies.mkdir(exist_ok=True)
        number = len(list(copies.iterdir())) - is_torn
        shutil.copy(node.folder.votes, copies / f"{number}.log")


def contradictions(paths: Iterable[Path]) -> list[str]:
    """Votes of one view and height for different batches, in the copies of one node's log."""
    said: dict[tuple[int, int, int, str], bytes] = {}
    found = []
    for path in paths:
        for kept in salvage(path):
            if kept == BEGUN:
                continue
            sibling, data = msgspec.msgpack.decode(kept.record, type=tuple[str, bytes])
            if sibling != "consensus":
                continue
            record = decode_record(data)
            if isinstance(record, AcceptedRecord | PreparedRecord):
                place = (record.epoch, record.view, record.height, type(record).__name__)
                if said.setdefault(place, record.digest) != record.digest:
                    found.append(f"{path.parent.parent.name}: two votes at {place}")
    return found


# --- what must hold --------------------------------------------------------------------------------------------------


def open_run(outcome: Outcome) -> Run:
    from nodes.process.store import SqliteRows

    return load_run(outcome.folder, lambda path: SqliteRows(path, read_only=True))


def forgotten(run: Run) -> list[str]:
    """What some node once noted as executed, and a ledger at the end does not hold."""
    found = []
    for record in run.trace:
        if record["kind"] != "executed":
            continue
        for name, rows in run.ledgers.items():
            block = rows.get("block", height_key(record["height"]))
            base = int.from_bytes(rows.get("base", b"height") or b"", "big")
            if block is None and record["height"] < base:
                continue
            if block is None or header_bytes_digest(block).hex()[:16] != record["header"]:
                found.append(f"{name}: height {record['height']}, executed by {record['node']}")
    return found


def assert_recovered(outcome: Outcome) -> Run:
    """The run came to its end, every check holds, nothing that was acknowledged is lost."""
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    run = open_run(outcome)
    failed = [verdict for verdict in judge(run) if verdict.fails]
    assert failed == []
    assert forgotten(run) == []
    for name in NAMES:
        folder = outcome.folder / "nodes" / name
        paths = [*sorted((folder / "votes").glob("*.log")), folder / "votes.log"]
        assert contradictions(paths) == []
        assert "Traceback" not in words_of(outcome, name)
    return run
