"""Making the folder of a local run: whole under a temporary name, or not at all; and joining its traces at the end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any, NamedTuple

from msgspec.structs import replace

from consortium.contracts.access import BUREAU
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, encode_genesis
from consortium.core.membership import NodeId, Purpose
from consortium.plugins.record import write_record
from consortium.runs.folder import UNDER_WAY, RunFolderError, claim_folder, encode_scenario, write_unfinished
from consortium.runs.trace import merge_traces, write_trace
from consortium.scenario.assemble import build_genesis, prepare
from consortium.scenario.faults import touches
from consortium.scenario.fhir.records import ImportFault
from consortium.scenario.inputs import encode_work
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.workload import Prepared
from nodes.broker.broker import Broker, check_broker, make_broker
from nodes.errors import UserError
from nodes.process.keys import create_keys, write_private
from nodes.process.private_store import create_store
from nodes.process.settings import FORMAT, NodeFolder, Settings, digest_of, write_settings
from nodes.process.trace_file import TraceTail, cut_torn_line
from nodes.process.vote_log import prepare_log


class RunFiles:
    """A run folder that exists, with its broker running."""

    def __init__(self, folder: Path, genesis: Genesis, broker: Broker) -> None:
        self.folder = folder
        self.genesis = genesis
        self.broker = broker


class _Making(NamedTuple):
    """A run folder under its temporary name."""

    folder: Path
    scenario: Scenario
    genesis: Genesis
    keys: Mapping[NodeId, Mapping[Purpose, bytes]]  # public


def make_run(scenario: Scenario, out: Path, broker_text: str, *, is_recorded: bool = False) -> RunFiles:
    """Check everything, make keys, genesis and settings, start the broker. Raises UserError; then it leaves nothing."""
    try:
        claim_folder(out)
    except RunFolderError as error:
        raise UserError(str(error)) from None
    check_broker(broker_text)
    if broker_text.startswith("mqtt:") and touches(scenario, "broker"):
        raise UserError("this scenario kills the broker, and the one named is not ours: use --broker embedded")
    pseudonym_key = token_bytes(32)
    try:
        prepared = prepare(scenario, pseudonym_key)
    except ImportFault as error:
        raise UserError(str(error)) from None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        making = out.with_name(f".{out.name}.{token_hex(4)}.making")
        making.mkdir()
    except OSError as error:
        raise UserError(f"cannot make {out}: {error.strerror}; name another folder with --out") from None
    broker: Broker | None = None
    try:
        made = _begin(making, scenario, prepared)
        broker = make_broker(broker_text, making / "broker", made.genesis.chain, sorted(made.keys))
        _write_inputs(made, prepared, pseudonym_key)
        _write_settings(made, broker, is_recorded=is_recorded)
        broker.start()
        write_unfinished(making, scenario.name, UNDER_WAY, shown=out)
        making.rename(out)  # takes the place of an empty folder; fails where another run was faster
        broker.moved(out / "broker")
    except (OSError, RunFolderError) as error:
        _undo(making, broker)
        raise UserError(f"cannot make {out}: {error}; name another folder with --out") from None
    except BaseException:
        _undo(making, broker)
        raise
    return RunFiles(out, made.genesis, broker)


def _begin(folder: Path, scenario: Scenario, prepared: Prepared) -> _Making:
    """Make the members' keys, empty vote logs and private stores, and write scenario and genesis. Raises OSError."""
    suite = SUITES[scenario.suite]()
    names = sorted(member.name for member in scenario.members)
    secrets = {name: create_keys(NodeFolder(folder, name).keys) for name in names}
    for name in names:
        prepare_log(NodeFolder(folder, name).votes)
        create_store(NodeFolder(folder, name).private)
    public = {name: {use: suite.public_key(key) for use, key in held.items()} for name, held in secrets.items()}
    genesis = build_genesis(scenario, prepared, public, time.time_ns() // 1_000)
    (folder / "scenario.json").write_bytes(encode_scenario(scenario))
    (folder / "genesis.json").write_bytes(encode_genesis(genesis))
    write_record(folder)
    return _Making(folder, scenario, genesis, public)


def _write_inputs(made: _Making, prepared: Prepared, pseudonym_key: bytes) -> None:
    """To each organisation its own work, to the bureau the key of all pseudonyms as well; nothing else is kept of what
    was read to make the run. Raises OSError."""
    for member in made.scenario.members:
        folder = NodeFolder(made.folder, member.name)
        folder.input.mkdir(mode=0o700)
        work = prepared.work.get(member.name)
        if work is not None:
            write_private(folder.work, encode_work(work))
        if member.role == BUREAU:
            write_private(folder.pseudonym_key, pseudonym_key)


def _write_settings(made: _Making, broker: Broker, *, is_recorded: bool) -> None:
    """The settings of each node: its place on the broker, and the keys of those that join later. Raises OSError."""
    newcomers = {
        member.name: {purpose: key.hex() for purpose, key in made.keys[member.name].items()}
        for member in made.scenario.members
        if member.joins
    }
    files = (made.folder / name for name in ("genesis.json", "scenario.json"))
    digests = {file.name: digest_of(file) for file in files}
    for name in made.keys:
        address = broker.addresses[name]
        place = (address.host, address.port, address.user, address.password)
        settings = Settings(FORMAT, name, *place, made.genesis.time_us)
        folder = NodeFolder(made.folder, name)
        own = {folder.work.name: digest_of(folder.work)} if folder.work.exists() else {}
        settings = replace(settings, is_recorded=is_recorded, newcomers=newcomers, digests={**digests, **own})
        write_settings(folder.settings, settings)


def _undo(making: Path, broker: Broker | None) -> None:
    if broker is not None:
        broker.stop()
    shutil.rmtree(making, ignore_errors=True)


def join_traces(folder: Path, names: Iterable[str], own: Iterable[dict[str, Any]]) -> int:
    """Write trace.jsonl out of the nodes' traces and the conductor's own records; how many records."""
    traces: list[Iterable[dict[str, Any]]] = [own]
    for name in names:
        path = NodeFolder(folder, name).trace
        cut_torn_line(path)
        traces.append(_records(path))
    return write_trace(folder / "trace.jsonl", merge_traces(traces))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    tail = TraceTail(path)
    while records := tail.read(bytes_max=1_000_000):
        yield from records
