"""What every folder of nodes begins with, whoever starts them: scenario, genesis, and each member's keys, input and
settings. A folder is made whole under a temporary name, or not at all."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import Any, NamedTuple

from msgspec.structs import replace

from consortium.contracts.access import BUREAU
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, encode_genesis
from consortium.core.membership import NodeId, Purpose
from consortium.plugins.record import write_record
from consortium.runs.folder import RunFolderError, encode_scenario
from consortium.scenario.assemble import build_genesis, prepare
from consortium.scenario.fhir.records import ImportFault
from consortium.scenario.inputs import encode_work
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.workload import Prepared
from nodes.broker.address import BrokerAddress
from nodes.errors import UserError
from nodes.process.keys import create_keys, write_private
from nodes.process.private_store import create_store
from nodes.process.settings import FORMAT, NodeFolder, Settings, digest_of, write_settings
from nodes.process.vote_log import prepare_log


class Plan(NamedTuple):
    """What is to be made, worked out before anything is written."""

    scenario: Scenario
    prepared: Prepared
    pseudonym_key: bytes


class Making(NamedTuple):
    """A folder under its temporary name, with its members' keys and its genesis."""

    folder: Path
    plan: Plan
    genesis: Genesis
    keys: Mapping[NodeId, Mapping[Purpose, bytes]]  # public


def make_plan(scenario: Scenario) -> Plan:
    """Raises UserError where the scenario's data cannot be used."""
    pseudonym_key = token_bytes(32)
    try:
        return Plan(scenario, prepare(scenario, pseudonym_key), pseudonym_key)
    except ImportFault as error:
        raise UserError(str(error)) from None


@contextlib.contextmanager
def in_the_making(out: Path, option: str) -> Iterator[Path]:
    """A new folder beside `out`. Where what is done inside goes well it takes the place of `out`, if that is missing or
    empty; else nothing of it is left. `option`: by which a user names another. Raises UserError."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        making = out.with_name(f".{out.name}.{token_hex(4)}.making")
        making.mkdir()
    except OSError as error:
        raise UserError(f"cannot make {out}: {error.strerror}; name another folder with {option}") from None
    try:
        yield making
        making.rename(out)  # takes the place of an empty folder; fails where another was faster
    except (OSError, RunFolderError) as error:
        shutil.rmtree(making, ignore_errors=True)
        raise UserError(f"cannot make {out}: {error}; name another folder with {option}") from None
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def begin_members(folder: Path, plan: Plan, passphrase: bytes = b"") -> Making:
    """Make the members' keys (locked, where there is a passphrase), empty vote logs and private stores, and write
    scenario and genesis. Raises OSError."""
    scenario, suite = plan.scenario, SUITES[plan.scenario.suite]()
    names = sorted(member.name for member in scenario.members)
    secrets = {name: create_keys(NodeFolder(folder, name).keys, passphrase) for name in names}
    for name in names:
        prepare_log(NodeFolder(folder, name).votes)
        create_store(NodeFolder(folder, name).private)
    public = {name: {use: suite.public_key(key) for use, key in held.items()} for name, held in secrets.items()}
    genesis = build_genesis(scenario, plan.prepared, public, time.time_ns() // 1_000)
    (folder / "scenario.json").write_bytes(encode_scenario(scenario))
    (folder / "genesis.json").write_bytes(encode_genesis(genesis))
    write_record(folder)
    return Making(folder, plan, genesis, public)


def write_inputs(made: Making) -> None:
    """To each organisation its own work and samples, to the bureau the key of all pseudonyms as well; nothing else is
    kept of what was read to make the folder. Raises OSError."""
    prepared = made.plan.prepared
    for member in made.plan.scenario.members:
        folder = NodeFolder(made.folder, member.name)
        folder.input.mkdir(mode=0o700)
        work, samples = prepared.work.get(member.name), prepared.samples.get(member.name)
        if work is not None:
            write_private(folder.work, encode_work(work))
        if samples is not None:
            write_private(folder.samples, samples)
        if member.role == BUREAU:
            write_private(folder.pseudonym_key, made.plan.pseudonym_key)


def write_all_settings(
    made: Making, addresses: Mapping[str, Sequence[BrokerAddress]], *, is_recorded: bool = False
) -> None:
    """The settings of each node: its place on each broker, and the keys of those that join later. Raises OSError."""
    newcomers = {
        member.name: {purpose: key.hex() for purpose, key in made.keys[member.name].items()}
        for member in made.plan.scenario.members
        if member.joins
    }
    files = (made.folder / name for name in ("genesis.json", "scenario.json"))
    digests = {file.name: digest_of(file) for file in files}
    for name in made.keys:
        settings = Settings(FORMAT, name, start_wall_us=made.genesis.time_us, **_place(addresses[name]))
        folder = NodeFolder(made.folder, name)
        own = {folder.work.name: digest_of(folder.work)} if folder.work.exists() else {}
        settings = replace(settings, is_recorded=is_recorded, newcomers=newcomers, digests={**digests, **own})
        write_settings(folder.settings, settings)


def _place(addresses: Sequence[BrokerAddress]) -> dict[str, Any]:
    """As the settings say it: the one broker of a run, or several."""
    if len(addresses) > 1 or addresses[0].tls is not None:
        return {"brokers": tuple(addresses)}
    (only,) = addresses
    return {
        "broker_host": only.host,
        "broker_port": only.port,
        "broker_user": only.user,
        "broker_password": only.password,
    }
