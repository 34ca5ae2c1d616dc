"""What one member of a run has of its own: the input that it was given, and the lines of bills in its private store."""

from __future__ import annotations

from pathlib import Path

import msgspec

from consortium.contracts.insurance.lines import Line, Lines
from consortium.contracts.insurance.private_lines import LINES
from consortium.core.codec import Malformed
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis
from consortium.core.membership import Purpose
from consortium.core.vault import BOX
from consortium.roles.work import Work
from consortium.runs.folder import PRIVATE_FILE
from consortium.scenario.assemble import prepare
from consortium.scenario.inputs import InputFault, decode_work
from consortium.scenario.load import load_scenario
from consortium.vault.locksmith import Locksmith
from nodes.errors import UserError
from nodes.process.keys import load_keys, read_private
from nodes.process.private_store import StoredBoxes
from nodes.process.settings import NodeFolder


def read_own_lines(run: Path, member: str, genesis: Genesis) -> dict[str, tuple[Line, ...]]:
    """The lines of bills that this member was given, out of its private store and under its own keys, by number.
    Nothing where it has no store, or keys that only its process can unlock."""
    folder = NodeFolder(run, member)
    path = run / "nodes" / member / PRIVATE_FILE
    try:
        secrets = load_keys(folder.keys) if folder.settings.is_file() else _simulated(run, member)
    except UserError:
        return {}
    if not path.is_file():
        return {}
    boxes, locksmith = StoredBoxes(path), Locksmith(SUITES[genesis.suite](), secrets, member)
    found: dict[str, tuple[Line, ...]] = {}
    for name in boxes.names():
        if name.startswith(f"{LINES}/") and (stored := boxes.get(name)) is not None:
            try:
                record = msgspec.msgpack.decode(locksmith.open(BOX.decode(stored)).record, type=Lines)
            except (Malformed, msgspec.MsgspecError):
                continue
            found[record.bill_no] = record.lines
    return found


def _simulated(run: Path, member: str) -> dict[Purpose, bytes]:
    from consortium.simulation.run import secrets_of  # needs the laboratory: a node's own image does without

    return secrets_of(load_scenario(run / "scenario.json"), member)


def read_own_work(run: Path, member: str) -> Work:
    """Out of the member's own folder; of a simulation, which has no such files, made again from the scenario. Nothing
    where the member was given nothing. Raises UserError, ScenarioError."""
    folder = NodeFolder(run, member)
    if folder.settings.is_file():
        if not folder.work.is_file():
            return Work(member)
        try:
            return decode_work(read_private(folder.work))
        except InputFault as error:
            raise UserError(f"{folder.work}: {error}") from None
    from consortium.simulation.run import pseudonym_key_of

    scenario = load_scenario(run / "scenario.json")
    return prepare(scenario, pseudonym_key_of(scenario)).work.get(member, Work(member))
