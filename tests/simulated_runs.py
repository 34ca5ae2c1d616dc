"""Runs in the simulator as the checks read them, and what was executed and found in a run of any kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis
from consortium.core.machine import Outcome, Rows
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks.claims import judge
from consortium.lab.checks.ledgers import executed_in
from consortium.runs.run import Run, blocks
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import simulate


def simulated(scenario: Scenario) -> Run:
    """To its end; nothing is judged yet."""
    done = simulate(scenario)
    assert done.is_done
    return Run(scenario, done.genesis, done.trace, dict(done.ledgers), vaults=dict(done.vaults))


def sound(scenario: Scenario, **changes: Any) -> Run:
    """With these fields changed and keys that cost little; every check holds, those of the vaults, too."""
    run = simulated(msgspec.structs.replace(scenario, suite="keyed-hash", **changes))
    assert failures(run) == []
    return run


def failures(run: Run) -> list[str]:
    """The names of the checks that fail."""
    return [verdict.name for verdict in judge(run) if verdict.fails]


def outcomes(run: Run) -> list[Outcome]:
    assert run.fullest is not None
    return outcomes_of(run.fullest.rows, run.genesis)


def outcomes_of(rows: Rows, genesis: Genesis) -> list[Outcome]:
    """Of all executed transactions, in order."""
    bundles, found = Bundles(genesis.chain, SUITES[genesis.suite]()), []
    for block in blocks(rows):
        for executed in executed_in(block, bundles, is_trusted=True) if block.height else ():
            call = decode_call(executed.transaction)
            named = (executed.bundle.member, call.number, call.contract, call.operation)
            found.append(Outcome(*named, bytes(call.arguments), executed.receipt))
    return found


def findings(run: Run, rule: str) -> list[Mapping[str, Any]]:
    """What members noted in the trace under this rule."""
    return [note for note in run.trace if note["kind"] == "finding" and note["rule"] == rule]
