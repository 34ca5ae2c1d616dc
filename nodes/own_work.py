"""The input of one member of a run: what it was given to do and to know, as its own node has it."""

from __future__ import annotations

from pathlib import Path

from consortium.roles.work import Work
from consortium.scenario.assemble import prepare
from consortium.scenario.inputs import InputFault, decode_work
from consortium.scenario.load import load_scenario
from consortium.simulation.run import pseudonym_key_of
from nodes.errors import UserError
from nodes.process.keys import read_private
from nodes.process.settings import NodeFolder


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
    scenario = load_scenario(run / "scenario.json")
    return prepare(scenario, pseudonym_key_of(scenario)).work.get(member, Work(member))
