"""Every claim that an exploration judges by itself is seen to fail; their names are read off the judge's source."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.exploration import judge
from consortium.exploration.draw import draw
from consortium.exploration.judge import Examined, examine
from consortium.lab.checks.statements import said_claims
from consortium.scenario.scenario import BehaviourSpec, Fault, Network, Scenario

DRAWN = draw(11)  # four members; what it drew against them is taken out


def _calm(**changes: Any) -> Scenario:
    quick = replace(DRAWN.parameters, timer_base_us=250_000, timer_cap_us=2_000_000)
    return replace(DRAWN, name="control", faults=(), behaviours=(), network=Network(), parameters=quick, **changes)


@cache
def _double_voter() -> Examined:
    """It lies, and is held to the rules all the same."""
    lies = (BehaviourSpec("double_votes", "m1"),)
    return examine(replace(_calm(), behaviours=lies), frozenset(("m1",)))


def _raising() -> Examined:
    def raises(*_: Any) -> Any:
        raise ZeroDivisionError("a node's own mistake")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consortium.protocols.pbft.ordering.Ordering.on_prepare", raises)
        return examine(_calm())


def _damaged() -> Examined:
    """A member dies with a flipped bit on its disk, and its ledger is the one that is looked at."""
    faults = (Fault("disk_flip", "m1", at_height=20, options={"table": "receipt"}), Fault("kill", "m1"))
    return examine(replace(_calm(seed=1), faults=faults), frozenset(("m1",)))


@cache
def _late() -> Examined:
    """Every message takes longer than T may grow: no view is entered before it is left."""
    faults = (Fault("delay", at_height=2, options={"mean_us": 300_000}),)
    quick = replace(DRAWN.parameters, timer_base_us=20_000, timer_cap_us=160_000)
    stop = replace(DRAWN.stop, stall_us=judge.BOUND_TIMERS * 20_000 + 4_000_000)
    load = replace(DRAWN.workload, options={**DRAWN.workload.options, "transactions": 8})
    return examine(replace(_calm(stop=stop, workload=load), faults=faults, parameters=quick))


def _few_batches() -> Examined:
    options = {**DRAWN.workload.options, "transactions": 1}
    drawn = replace(_calm(), name=DRAWN.name, faults=(Fault("pause", "m3"), Fault("resume", "m3")))
    return examine(replace(drawn, workload=replace(DRAWN.workload, options=options)))


CONTROLS: dict[str, Callable[[], Examined]] = {
    "nothing raises": _raising,
    "honest votes": _double_voter,
    "nobody honest is blamed": _double_voter,
    "a sound ledger": _damaged,
    "endless view change": _late,
    "bounded progress": _late,
    "enough batches": _few_batches,
    "enough faults": lambda: examine(replace(_calm(), name=DRAWN.name)),
}


def _names() -> set[str]:
    """Of the claims that the judge makes itself, and of those about what was said."""
    tree = ast.parse(Path(judge.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    firsts = [call.args[0] for call in calls if getattr(call.func, "id", "") in ("Failure", "_safety") and call.args]
    return {str(each.value) for each in firsts if isinstance(each, ast.Constant)} | {c.name for c in said_claims()}


def test_every_claim_of_the_judge_has_a_control() -> None:
    assert _names() == set(CONTROLS)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_claim_of_the_judge_fails_on_its_control(name: str) -> None:
    assert name in [failure.claim for failure in CONTROLS[name]().failures]


def test_the_controls_fail_for_what_is_wrong_in_them_alone() -> None:
    assert examine(_calm()).failures == ()
