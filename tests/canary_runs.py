"""A run over an input with canaries in it, and all bytes that it leaves anywhere: what several tests search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from consortium.commands.folders import finish, save_ledger
from consortium.core.crypto import SUITES
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import Simulation, secrets_of
from consortium.vault.locksmith import Locksmith
from tests.links import opened_records


class Left(NamedTuple):
    """`places`: bytes that nobody should find anything in, by where they lie; `opened`: what a member's keys open of
    its private store."""

    places: dict[str, bytes]
    opened: dict[str, bytes]


def run_and_gather(scenario: Scenario, folder: Path) -> Left:
    """Every check holds; every file of the run's folder, all frames of the bus, every disk."""
    frames: list[bytes] = []
    scenario = msgspec.structs.replace(scenario, suite="keyed-hash")
    simulation = Simulation(scenario, watch=lambda seen: frames.append(seen.payload))
    assert simulation.run().is_done
    ledgers = {name: node.disk.rows for name, node in simulation.nodes.items()}
    run = Run(scenario, simulation.genesis, simulation.trace, ledgers)
    write_simulated(folder, run, save_ledger)
    verdicts, _ = finish(folder, run)
    assert not [verdict.name for verdict in verdicts if verdict.failed]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"ledger.sqlite", "trace.jsonl", "report.html", "genesis.json"}
    places = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    places["the bus"] = b"\n".join(frames)
    places.update({f"the disk of {name}": b"\n".join(_of_disk(node.disk)) for name, node in simulation.nodes.items()})
    opened = {}
    for name, node in simulation.nodes.items():
        smith = Locksmith(SUITES[scenario.suite](), secrets_of(scenario, name), name)
        opened[name] = b"\n".join(opened_records(node.disk.boxes, smith))
    return Left(places, opened)


def _of_disk(disk: object) -> Iterator[bytes]:
    """Vote log and private store of a node."""
    for block in disk.votes:  # type: ignore[attr-defined]
        yield from (record for record, _ in block)
    boxes = disk.boxes  # type: ignore[attr-defined]
    yield from (value for name in boxes.names() if (value := boxes.get(name)) is not None)
