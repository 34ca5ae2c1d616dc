"""One act against a standing consortium, carried out and told as fate does it in a run."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec

from consortium.scenario.faults import find_act
from consortium.scenario.faults.fate import Fate
from consortium.scenario.load import check_scenario
from consortium.scenario.scenario import Fault, Scenario
from nodes.deploy.hand_world import HandWorld
from nodes.deploy.standing import Standing
from nodes.errors import UserError

LEADER = "leader"
SEEDS = 1 << 62


def world_of(standing: Standing) -> HandWorld:
    """Raises UserError where the consortium is down: there is nothing to harm."""
    if not standing.running.is_up:
        raise UserError(f"the consortium in {standing.folder} is down: `consortium up` brings it up")
    return HandWorld(standing.folder, standing.deployment, standing.running)


def strike(
    standing: Standing,
    act: str,
    target: str = "",
    groups: Sequence[Sequence[str]] = (),
    links: Sequence[str] = (),
    options: dict[str, Any] | None = None,
) -> str:
    """Carry out this act, note it, and say who was hit. Raises UserError, ScenarioError."""
    world = world_of(standing)
    if (known := find_act(act)) is not None and known.steps is not None:
        raise UserError(f"{act} is many acts, which a run carries out in their time: by hand, do them one by one")
    brokers = [broker.name for broker in standing.deployment.brokers]
    if target in brokers and act in ("kill", "restart"):
        return _strike_broker(standing, world, act, target)
    hit = _find(standing, world, target)
    fault = Fault(act, hit, at_us=0, groups=tuple(map(tuple, groups)), links=tuple(links), options=options or {})
    scenario = msgspec.json.decode((standing.folder / "scenario.json").read_bytes(), type=Scenario)
    scenario = msgspec.structs.replace(scenario, faults=(fault,), seed=secrets.randbelow(SEEDS))
    check_scenario(scenario)
    Fate(scenario, world).carry_out(0, 0)
    return hit


def _find(standing: Standing, world: HandWorld, target: str) -> str:
    if target == LEADER:
        leader = world.leader
        if not leader:
            raise UserError("no node answers that could say who leads: name the node; `consortium status` shows them")
        return leader
    names = standing.deployment.members
    if target and target not in names:
        brokers = [broker.name for broker in standing.deployment.brokers]
        raise UserError(f"there is no node {target!r}; there are {', '.join([*names, *brokers])}, and {LEADER}")
    return target


def _strike_broker(standing: Standing, world: HandWorld, act: str, name: str) -> str:
    """The bus is down when no broker is left, and back with the first one."""
    running = standing.running
    world.hands.fault(act, name)
    before = _brokers_alive(standing)
    if act == "kill":
        running.kill_program(name)
    else:
        running.start_program(name)
    after = _brokers_alive(standing)
    if before and not after:
        world.hands.fault("broker_kill", "")
    elif after and not before:
        world.hands.fault("broker_restart", "")
    return name


def _brokers_alive(standing: Standing) -> bool:
    states = standing.running.states()
    return any(states[broker.name].is_alive for broker in standing.deployment.brokers if broker.name in states)
