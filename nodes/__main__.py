"""`python -m nodes RUN_FOLDER NAME`: start one node from a run folder, in this process, until SIGTERM.

With `--conducted` a conductor speaks on stdin (`go`, `cut`; its end ends us) and hears of us on stdout.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any, NoReturn

import msgspec

from consortium.core.crypto import SUITES
from consortium.ledger.proofs import ProofError
from consortium.ledger.stored_members import registered_voting_key
from consortium.node.running import RunningNode
from consortium.plugins.load import load_folders
from consortium.runs.recording import EMPTY_MARK, ledger_mark
from consortium.runs.replay import Inputs
from consortium.scenario.assemble import RunPlan, Shared, build_host
from consortium.scenario.network.model import NetworkModel
from nodes.conduct.child import adopt_parent, parent_environment
from nodes.errors import EXIT_INTERNAL, EXIT_STORE, EXIT_USAGE, Damaged, StoreFailed, UserError
from nodes.process import failpoints
from nodes.process.clock import now
from nodes.process.costs import Costs, CountingSuite
from nodes.process.disk import open_ledger, open_votes, set_ledger_aside
from nodes.process.inputs import read_inputs, read_known
from nodes.process.process import Origin, Process, Status, origin_at
from nodes.process.recorder import RecordedHost, Recorder
from nodes.process.settings import NodeFolder, Settings, read_settings
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceWriter

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
ALONE_S = 10.0

_log = logging.getLogger("node")


def main() -> int:
    adopt_parent()
    parser = argparse.ArgumentParser(prog="python -m nodes", description="Start one node from a run folder.")
    parser.add_argument("run", type=Path, help="the folder of a run (it holds scenario.json and genesis.json)")
    parser.add_argument("name", help="the node's name, a folder under RUN/nodes")
    parser.add_argument(
        "--plugins", type=Path, action="append", default=[], metavar="FOLDER", help="a folder of plug-ins, see its run"
    )
    parser.add_argument("--conducted", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    try:
        load_folders(arguments.plugins)
        return _start(NodeFolder(arguments.run, arguments.name), arguments.name, arguments.conducted)
    except (Damaged, StoreFailed, OSError) as error:
        _log.error("%s", error)
        return EXIT_STORE
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except Exception:
        _log.exception("an internal error")
        return EXIT_INTERNAL


def _start(folder: NodeFolder, name: str, is_conducted: bool) -> int:
    if not folder.folder.is_dir():
        raise UserError(f"{folder.folder} does not exist: name the folder of a run and a node in it")
    lock = _lock(folder)
    if not is_conducted:
        _log_to_file_too(folder.log)
    settings = read_settings(folder.settings)
    inputs = read_inputs(folder, settings)
    scenario, genesis = inputs.scenario, inputs.genesis
    known = read_known(folder, genesis, name)
    failpoints.reach("boot.locked")
    costs = Costs()
    rows = open_ledger(folder)
    failpoints.reach("boot.ledger_opened")
    log = open_votes(folder, registered_voting_key(rows, genesis, name), settings.compact_bytes_min)
    failpoints.reach("boot.votes_opened")
    mark = ledger_mark(rows)
    try:
        host = _build(inputs, name, rows, known, costs)
    except Damaged as error:
        rows.close()
        set_ledger_aside(folder, error)
        rows, mark = SqliteRows(folder.ledger), EMPTY_MARK
        host = _build(inputs, name, rows, known, costs)
    failpoints.reach("boot.host_built")
    recorder = Recorder(folder.folder) if settings.is_recorded else None
    driven = host if recorder is None else RecordedHost(host, recorder, genesis.chain, known, mark)
    names = [member.name for member in scenario.members]
    model = NetworkModel(scenario.network, scenario.seed, names) if scenario.network.in_real_runs else None
    trace = TraceWriter(folder.trace, name)

    async def live() -> tuple[int, Exception | None]:
        conductor = ConductorLink() if is_conducted else None
        process = Process(
            name,
            genesis.chain,
            driven,
            settings.broker,
            log,
            rows,
            trace,
            costs,
            ledger_costs_ns=host.costs_ns,
            model=model,
            on_ready=conductor.ready if conductor else lambda: process.begin(origin_at(settings.start_wall_us)),
            on_status=conductor.status if conductor else lambda _: None,
            before_carrying=recorder.flush if recorder else lambda: None,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.stop)
        if conductor is not None:
            conductor.listen(process)
        else:
            loop.call_later(ALONE_S, lambda: None if process.bus.is_up else _log.warning(_alone(folder, settings)))
        return await process.run(), process.damage

    code, damage = _run(live)
    if recorder is not None:
        recorder.close(now(), code)
    if damage is not None:
        set_ledger_aside(folder, damage)
        _begin_anew(lock)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would only spoil the exit code
    lock.close()
    return code


def _build(inputs: Inputs, name: str, rows: SqliteRows, known: bytes, costs: Costs) -> RunningNode:
    """Raises Damaged, and UserError where the proof of the members does not hold."""
    genesis = inputs.genesis
    shared = Shared.of(genesis, CountingSuite(SUITES[genesis.suite](), costs))
    plan = RunPlan.of(inputs.scenario, genesis, inputs.prepared)
    try:
        return build_host(plan, name, inputs.secrets, rows, shared, clock=costs.clock, known=known)
    except ProofError as error:
        raise UserError(f"members.proof of {name} is of no use: {error}") from None


def _log_to_file_too(path: Path) -> None:
    """Whoever starts a node by hand reads stderr; who looks into the run's folder later reads the same there."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    logging.getLogger().addHandler(handler)


def _alone(folder: NodeFolder, settings: Settings) -> str:
    """What to do where no broker answers a node that a person started."""
    own = folder.run / "broker" / "settings.json"
    words = f"`{sys.executable} -m nodes.broker.broker_process {own}` starts that of this run again"
    return (
        f"no broker has answered at {settings.broker_host}:{settings.broker_port} for {ALONE_S:.0f} s. The broker of a "
        f"run ends with the run: start one there{f' ({words})' if own.is_file() else ''}, or name another in "
        f"{folder.settings}. This node goes on trying; Ctrl-C ends it"
    )


def _run(live: Any) -> tuple[int, Exception | None]:
    try:
        import uvloop
    except ImportError:
        ended: tuple[int, Exception | None] = asyncio.run(live())
    else:
        ended = uvloop.run(live())
    return ended


def _begin_anew(lock: IO[bytes]) -> NoReturn:
    """This process becomes a fresh one of the same node; a conductor at the other end hears that it is ready again."""
    lock.close()
    for descriptor in (0, 1):
        os.set_blocking(descriptor, True)
    os.environ.update(parent_environment())
    os.environ.pop(failpoints.VARIABLE, None)
    os.execv(sys.executable, [sys.executable, "-m", "nodes", *sys.argv[1:]])


def _lock(folder: NodeFolder) -> IO[bytes]:
    """Two processes with the same keys could vote twice: only one may run."""
    file = folder.lock.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UserError(f"a process for {folder.folder} is running already: stop it first") from None
    return file


class ConductorLink:
    """The one who started us, at the other end of stdin and stdout. Lines of JSON both ways."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._input = b""
        os.set_blocking(0, False)
        os.set_blocking(1, False)

    def listen(self, process: Process) -> None:
        self._process = process
        asyncio.get_running_loop().add_reader(0, self._hear)

    def ready(self) -> None:
        self._say({"ready": True})

    def status(self, status: Status) -> None:
        self._say(status._asdict())

    def _say(self, line: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            os.write(1, msgspec.json.encode(line) + b"\n")

    def _hear(self) -> None:
        assert self._process is not None
        try:
            data = os.read(0, 65_536)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(0)
            self._process.stop()  # it is gone
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            order = msgspec.json.decode(line, type=dict[str, Any])
            self._obey(self._process, order)

    def _obey(self, process: Process, order: dict[str, Any]) -> None:
        """What the world of this node is like comes before its first step in it."""
        if "cut" in order:
            process.delay_line.cut = frozenset(order["cut"])
        if "links" in order:
            process.delay_line.change(order["links"])
        if "clock" in order:
            process.clock.bend(order["clock"])
        if "full" in order:
            process.set_disk_full(is_full=order["full"])
        if "die_after" in order:
            process.carrier.outputs_left = order["die_after"]
        if "go" in order:
            process.begin(Origin(*order["go"]))


if __name__ == "__main__":
    sys.exit(main())
