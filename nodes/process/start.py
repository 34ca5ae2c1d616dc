"""One node out of its folder: its files opened, its host built, its process run until it ends."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import sys
from functools import partial
from typing import IO, NamedTuple, NoReturn

from consortium.core.crypto import SUITES
from consortium.core.proven import ProofError
from consortium.ledger.proofs import take_state_evidence
from consortium.ledger.stored_members import registered_voting_key
from consortium.node.running import RunningNode
from consortium.runs.folder import lock_refused
from consortium.runs.recording import EMPTY_MARK, boxes_mark, ledger_mark
from consortium.runs.replay import Inputs
from consortium.scenario.assemble import RunPlan, Shared, build_host
from consortium.scenario.network.model import NetworkModel
from nodes.conduct.child import parent_environment, python_command
from nodes.errors import Damaged, UserError, VotesDamaged
from nodes.process import failpoints
from nodes.process.clock import now
from nodes.process.conductor_link import ConductorLink
from nodes.process.costs import Costs, CountingSuite
from nodes.process.disk import open_ledger, open_votes, set_ledger_aside
from nodes.process.door import Door
from nodes.process.door_desk import NodeDesk
from nodes.process.door_frames import door_path
from nodes.process.inputs import read_inputs, read_known
from nodes.process.key_lock import Passphrase, no_passphrase
from nodes.process.log import log_to_file_too
from nodes.process.orders import obey_stranger
from nodes.process.private_store import PrivateStore, open_store
from nodes.process.process import Hooks, NodeFiles, Process
from nodes.process.recorder import RecordedHost, Recorder
from nodes.process.settings import NodeFolder, Settings, read_settings
from nodes.process.standing_orders import read_orders
from nodes.process.status import origin_at
from nodes.process.store import SqliteRows
from nodes.process.trace_file import PartPlan, TraceWriter

ALONE_S = 10.0

_log = logging.getLogger("node")


def start_node(
    folder: NodeFolder,
    name: str,
    *,
    is_conducted: bool,
    is_supervised: bool = False,
    trace: PartPlan = PartPlan(),  # noqa: B008 - a value
    passphrase: Passphrase = no_passphrase,
) -> int:
    """Run node `name` in this process until it ends; its exit code. `is_supervised`: what it says on stderr is kept in
    its log by whoever started it. `trace`: into which parts its trace is cut, unless it is conducted. `passphrase`: of
    its keys, if they are locked. Raises UserError, ScenarioError, Damaged, StoreFailed and OSError where it cannot
    start. A node that finds its ledger damaged while it runs becomes a fresh process, which fetches the ledger from the
    others."""
    if not folder.folder.is_dir():
        raise UserError(f"{folder.folder} does not exist: name the folder of a run and a node in it")
    lock = _lock(folder)
    if not is_conducted and not is_supervised:
        log_to_file_too(folder.log)
    born = _build(folder, name, read_settings(folder.settings), PartPlan() if is_conducted else trace, passphrase)
    code, damage = _run(born, is_conducted)
    if born.recorder is not None:
        born.recorder.close(now(), code)
    if damage is not None:
        if not isinstance(damage, VotesDamaged):  # the vote log is set aside by the next boot, and its ledger may stay
            set_ledger_aside(folder, damage)
        _begin_anew(lock)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would only spoil the exit code
    lock.close()
    return code


class _Born(NamedTuple):
    """A node that is built and does not run yet. `mark`, `private_mark`: of ledger and private store at its boot, see
    `recording.Boot`."""

    folder: NodeFolder
    name: str
    settings: Settings
    inputs: Inputs
    known: bytes
    mark: bytes
    private_mark: bytes
    node: RunningNode
    files: NodeFiles
    costs: Costs
    recorder: Recorder | None


def _build(
    folder: NodeFolder,
    name: str,
    settings: Settings,
    trace: PartPlan = PartPlan(),  # noqa: B008 - a value
    passphrase: Passphrase = no_passphrase,
) -> _Born:
    """Its files open, and its node over them. A ledger that cannot be right is set aside, and an empty one begun."""
    inputs = read_inputs(folder, settings, passphrase)
    known = read_known(folder, inputs.genesis, name)
    failpoints.reach("boot.locked")
    costs = Costs()
    private = open_store(folder.private)
    rows = open_ledger(folder)
    failpoints.reach("boot.ledger_opened")
    voting_key = registered_voting_key(rows, inputs.genesis, name)
    try:
        mark = ledger_mark(rows)
        node = _build_node(inputs, name, rows, private, known, costs)
    except Damaged as error:
        rows.close()
        set_ledger_aside(folder, error)
        rows, mark = SqliteRows(folder.ledger), EMPTY_MARK
        node = _build_node(inputs, name, rows, private, known, costs)
    failpoints.reach("boot.host_built")
    log = open_votes(folder, voting_key, settings.compact_bytes_min)
    failpoints.reach("boot.votes_opened")
    recorder = Recorder(folder.folder) if settings.is_recorded else None
    files = NodeFiles(log, rows, private, TraceWriter(folder.trace, name, trace))
    private_mark = boxes_mark(private) if settings.is_recorded else b""
    return _Born(folder, name, settings, inputs, known, mark, private_mark, node, files, costs, recorder)


def _build_node(
    inputs: Inputs, name: str, rows: SqliteRows, private: PrivateStore, known: bytes, costs: Costs
) -> RunningNode:
    """Raises Damaged, and UserError where the proof of the members does not hold."""
    genesis = inputs.genesis
    shared = Shared.of(genesis, CountingSuite(SUITES[genesis.suite](), costs))
    plan = RunPlan.of(inputs.scenario, genesis, inputs.prepared)
    try:
        return build_host(plan, name, inputs.secrets, rows, shared, clock=costs.clock, known=known, boxes=private)
    except ProofError as error:
        raise UserError(f"members.proof of {name} is of no use: {error}") from None


def _run(born: _Born, is_conducted: bool) -> tuple[int, Exception | None]:
    """The exit code, and the damage of the ledger where that ended it."""
    try:
        import uvloop
    except ImportError:
        ended: tuple[int, Exception | None] = asyncio.run(_live(born, is_conducted))
    else:
        ended = uvloop.run(_live(born, is_conducted))
    return ended


async def _live(born: _Born, is_conducted: bool) -> tuple[int, Exception | None]:
    settings, recorder = born.settings, born.recorder
    conductor = ConductorLink() if is_conducted else None
    before_carrying = recorder.flush if recorder else lambda: None
    if conductor is not None:
        hooks = Hooks(conductor.ready, conductor.status, before_carrying)
    else:
        hooks = Hooks(lambda: process.begin(origin_at(settings.start_wall_us)), before_carrying=before_carrying)
    host = _hosted(born)
    process = _process(born, host, hooks)
    door = None if is_conducted else await _open_door(born, process, host)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop)
    if conductor is not None:
        conductor.listen(process)
    else:
        obey_stranger(process, read_orders(born.folder))
        words = _alone(born.folder, settings)
        loop.call_later(ALONE_S, lambda: None if process.bus.is_up else _log.warning(words))
    try:
        return await process.run(), process.damage
    finally:
        if door is not None:
            door.close()


async def _open_door(born: _Born, process: Process, host: RunningNode | RecordedHost) -> Door | None:
    """A node that nobody can speak to is a node all the same."""
    evidence = partial(take_state_evidence, born.node.parts.ledger, process.rows)
    desk = NodeDesk(process, born.node, host.hand_in, evidence, is_recorded=born.recorder is not None)
    door = Door(door_path(born.folder), desk)
    try:
        await door.open()
    except OSError as error:
        _log.warning("this node has no door for gateways and commands: %s", error)
        return None
    return door


def _hosted(born: _Born) -> RunningNode | RecordedHost:
    """The host that the process drives."""
    if born.recorder is None:
        return born.node
    chain = born.inputs.genesis.chain
    return RecordedHost(born.node, born.recorder, chain, born.known, born.mark, born.private_mark)


def _process(born: _Born, host: RunningNode | RecordedHost, hooks: Hooks) -> Process:
    scenario, chain = born.inputs.scenario, born.inputs.genesis.chain
    names = [member.name for member in scenario.members]
    return Process(
        born.name,
        chain,
        host,
        names,
        born.settings.addresses(born.folder.folder),
        born.files,
        born.costs,
        hooks,
        ledger_costs_ns=host.costs_ns,
        model=NetworkModel(scenario.network, scenario.seed, names) if scenario.network.in_real_runs else None,
    )


def _lock(folder: NodeFolder) -> IO[bytes]:
    """Two processes with the same keys could vote twice: only one may run. Raises UserError."""
    file = folder.lock.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        taken = f"a process for {folder.folder} is running already: stop it first"
        raise UserError(lock_refused(folder.folder, error, taken)) from None
    return file


def _alone(folder: NodeFolder, settings: Settings) -> str:
    """What to do where no broker answers a node that a person started."""
    own = folder.run / "broker" / "settings.json"
    words = f"`{sys.executable} -m nodes.broker.broker_process {own}` starts that of this run again"
    places = " or ".join(map(str, settings.addresses(folder.folder)))
    return (
        f"no broker has answered at {places} for {ALONE_S:.0f} s. The broker of a "
        f"run ends with the run: start one there{f' ({words})' if own.is_file() else ''}, or name another in "
        f"{folder.settings} (and take its line with the checksum out). This node goes on trying; Ctrl-C ends it"
    )


def _begin_anew(lock: IO[bytes]) -> NoReturn:
    """This process becomes a fresh one of the same node; a conductor at the other end hears that it is ready again."""
    lock.close()
    for descriptor in (0, 1):
        os.set_blocking(descriptor, True)
    os.environ.update(parent_environment())
    os.environ.pop(failpoints.VARIABLE, None)
    os.execv(sys.executable, python_command("-m", "nodes", *sys.argv[1:]))
