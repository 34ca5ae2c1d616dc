"""A small finished run in a folder, for commands that look into one: two hospitals settle, a bureau and a regulator
follow."""

from __future__ import annotations

from pathlib import Path

from consortium.commands.folders import save_ledger
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.simulation.run import simulate

LOADED = {"hosts": ["loader"]}
MEMBERS = (
    MemberSpec("bureau", "bureau"),
    MemberSpec("hospital-1", "hospital", settings=LOADED),
    MemberSpec("hospital-2", "hospital", settings=LOADED),
    MemberSpec("regulator", "regulator"),
)
INSTITUTIONS = {"hospital-1": "H65010200000", "hospital-2": "H65010200001"}


def bill_of(member: str, serial: int) -> str:
    return f"{INSTITUTIONS[member]}-{serial:08d}"


def finished_run(folder: Path, transactions: int = 8) -> Path:
    """The folder, with the ledgers of all members."""
    workload = Workload("settlement_load", {"transactions": transactions, "persons": 2, "outstanding": 1})
    scenario = Scenario("asked", MEMBERS, workload=workload)
    done = simulate(scenario)
    write_simulated(folder, Run(scenario, done.genesis, done.trace, done.ledgers), save_ledger)
    return folder
