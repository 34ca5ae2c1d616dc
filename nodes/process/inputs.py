"""What a node's host is built from, read out of a run's folder: for its own process, and for `consortium replay`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from consortium.core.crypto import SUITES
from consortium.core.format import format_fault
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.membership import NodeId, Purpose
from consortium.plugins.record import check_record
from consortium.roles.work import Work
from consortium.runs.replay import Inputs
from consortium.scenario.inputs import InputFault, decode_work
from consortium.scenario.load import load_scenario
from consortium.scenario.workloads.membership import introduce
from consortium.scenario.workloads.workload import Prepared
from nodes.errors import UserError
from nodes.process.key_lock import Passphrase, no_passphrase
from nodes.process.keys import check_private, load_keys, read_private
from nodes.process.settings import FROM_A_COPY, NodeFolder, Settings, check_digest, read_settings


def read_inputs(folder: NodeFolder, settings: Settings, passphrase: Passphrase = no_passphrase) -> Inputs:
    """Raises UserError, ScenarioError with a sentence; PluginError where the run had other plug-ins than are in use."""
    check_record(folder.run)
    for name in ("genesis.json", "scenario.json"):
        check_digest(settings, folder.run / name)
    genesis = _read_genesis(folder.run / "genesis.json")
    secrets = load_keys(folder.keys, passphrase)
    scenario = load_scenario(folder.run / "scenario.json")
    _check_keys(folder, settings, genesis, secrets)
    prepared = introduce(Prepared((), _read_work(folder, settings)), settings.newcomer_keys)
    return Inputs(scenario, genesis, secrets, prepared)


def _read_work(folder: NodeFolder, settings: Settings) -> dict[NodeId, Work]:
    """This member's own work, by its name; none where it was given none. Raises UserError."""
    if folder.work.name not in settings.digests:
        return {}
    check_private(folder.input)
    check_digest(settings, folder.work, FROM_A_COPY)
    try:
        return {settings.name: decode_work(read_private(folder.work))}
    except InputFault as error:
        raise UserError(f"{folder.work}: {error}") from None


def _check_keys(folder: NodeFolder, settings: Settings, genesis: Genesis, secrets: Mapping[Purpose, bytes]) -> None:
    """Each secret must be that of the public key with which this member began: with another nobody would hear it.
    Raises UserError."""
    member = genesis.first_epoch.by_name.get(settings.name)
    public = settings.newcomer_keys.get(settings.name, {}) if member is None else member.keys
    suite = SUITES[genesis.suite]()
    for purpose, secret in secrets.items():
        if public.get(purpose, suite.public_key(secret)) != suite.public_key(secret):
            raise UserError(
                f"{folder.keys / purpose}.key is not the key with which {settings.name} began: it is damaged, or that "
                "of another run; bring back a copy of it"
            )


def _read_genesis(path: Path) -> Genesis:
    """One that this version executes. Raises UserError."""
    try:
        genesis = decode_genesis(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    if (fault := format_fault("genesis", genesis.format)) is not None:
        raise UserError(f"{path} is a {fault}")
    return genesis


def read_known(folder: NodeFolder, genesis: Genesis, name: str) -> bytes:
    """For a member that is not in the genesis: the proof of today's members that it was given; empty for the others.
    Raises UserError where there is none."""
    if name in genesis.first_epoch.by_name:
        return b""
    try:
        return folder.members.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{name} is not in the genesis, so it needs {folder.members}: a proof of today's members, which the "
            "conductor of a run takes from another node's ledger when the scenario starts it"
        ) from None


def load_inputs(run: Path, name: str) -> Inputs:
    """Of a node of a run that is over. Raises UserError, ScenarioError."""
    folder = NodeFolder(run, name)
    return read_inputs(folder, read_settings(folder.settings))
