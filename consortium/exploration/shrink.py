"""From a failing scenario to a small one that fails likewise: what is not needed is left out, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from consortium.core.genesis import Parameters
from consortium.core.membership import NodeId
from consortium.scenario.faults import load_acts
from consortium.scenario.scenario import BehaviourSpec, Disk, Fault, Link, MemberSpec, Network, Scenario

CALM = Network(Link("constant", 1_000))


def shrink(scenario: Scenario, fails: Callable[[Scenario], bool], tries_max: int = 300) -> tuple[Scenario, int]:
    """The smallest that we found, and how many we tried. `fails` must hold of `scenario`, and holds of the result."""
    tries = 0
    is_smaller = True
    while is_smaller and tries < tries_max:
        is_smaller = False
        for candidate in _smaller(scenario):
            if tries >= tries_max:
                break
            tries += 1
            if fails(candidate):
                scenario, is_smaller = candidate, True
                break
    return scenario, tries


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Ever so slightly simpler scenarios; the biggest steps first."""
    for index in range(len(scenario.behaviours)):
        kept = (*scenario.behaviours[:index], *scenario.behaviours[index + 1 :])
        yield replace(scenario, behaviours=kept)
    acts = load_acts()
    for index, fault in enumerate(scenario.faults):
        if acts[fault.act].nature != "repair":
            yield replace(scenario, faults=_without(scenario.faults, index))
    yield from _fewer_changes(scenario)
    yield from _fewer_members(scenario)
    yield from _less_work(scenario)
    if scenario.network != CALM:
        yield replace(scenario, network=CALM)
        if scenario.network.links:
            yield replace(scenario, network=replace(scenario.network, links={}))
        for field, value in (("loss_ppm", 0), ("duplicate_ppm", 0), ("deviation_us", 0), ("distribution", "constant")):
            if getattr(scenario.network.default, field) != value:
                calmer = replace(scenario.network.default, **{field: value})
                yield replace(scenario, network=replace(scenario.network, default=calmer))
    if scenario.disk != Disk(0, 0):
        yield replace(scenario, disk=Disk(0, 0))
    yield from _plainer_parameters(scenario)
    for index, fault in enumerate(scenario.faults):
        if fault.at_height is not None and fault.at_height > 1:
            earlier = replace(fault, at_height=fault.at_height // 2)
            yield replace(scenario, faults=(*scenario.faults[:index], earlier, *scenario.faults[index + 1 :]))


def _without(faults: tuple[Fault, ...], index: int) -> tuple[Fault, ...]:
    """Leave a fault out together with what belongs to it, and give the next one its place in time."""
    dropped = {index}
    begun = faults[index]
    for mend in load_acts()[begun.act].followed_by:
        for later in range(index + 1, len(faults)):
            fault = faults[later]
            is_its = fault.act == mend and fault.target in (begun.target, "last", "")
            if is_its and later not in dropped:
                dropped.add(later)
                break
    return tuple(fault for place, fault in enumerate(faults) if place not in dropped)


def _fewer_changes(scenario: Scenario) -> Iterator[Scenario]:
    """One change of the members less; with the last one the stewards go."""
    deeds = scenario.workload.options.get("deeds", ())
    for index in range(len(deeds)):
        kept = [*deeds[:index], *deeds[index + 1 :]]
        options = {**scenario.workload.options, "deeds": kept}
        yield replace(scenario, workload=replace(scenario.workload, options=options))


def _is_loader(member: MemberSpec) -> bool:
    return "loader" in member.settings.get("hosts", ())


def _fewer_members(scenario: Scenario) -> Iterator[Scenario]:
    observers = [member for member in scenario.members if member.kind != "validator"]
    if observers:
        yield _without_member(scenario, observers[-1].name)
    validators = [member for member in scenario.members if member.kind == "validator"]
    if len(validators) > 4:
        for member in reversed(validators):
            others = [other for other in validators if other is not member]
            if any(_is_loader(other) for other in others):
                yield _without_member(scenario, member.name)


def _without_member(scenario: Scenario, name: NodeId) -> Scenario:
    """Everything that names it goes with it; its share of the work too."""
    gone = next(member for member in scenario.members if member.name == name)
    members = tuple(member for member in scenario.members if member is not gone)
    faults = tuple(_unnamed(fault, name) for fault in scenario.faults if fault.target != name)
    behaviours = tuple(_unnamed(spec, name) for spec in scenario.behaviours if spec.target != name)
    links = {pattern: link for pattern, link in scenario.network.links.items() if name not in pattern.split(">")}
    workload = scenario.workload
    if "deeds" in workload.options:
        deeds = [deed for deed in workload.options["deeds"] if name not in (deed["by"], deed.get("name"))]
        workload = replace(workload, options={**workload.options, "deeds": deeds})
    if _is_loader(gone):
        loaders = sum(map(_is_loader, scenario.members))
        transactions = workload.options["transactions"] * (loaders - 1) // loaders
        workload = replace(workload, options={**workload.options, "transactions": transactions})
    return replace(
        scenario,
        members=members,
        faults=faults,
        behaviours=behaviours,
        network=replace(scenario.network, links=links),
        workload=workload,
    )


def _unnamed(spec: Fault | BehaviourSpec, name: NodeId) -> Any:
    """Without this name in groups, links and options."""
    tree = msgspec.to_builtins(spec)

    def strip(value: Any) -> Any:
        if isinstance(value, list | tuple):
            kept = [strip(item) for item in value]
            return [item for item in kept if item != name and not (isinstance(item, str) and name in item.split(">"))]
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if item != name}
        return value

    return msgspec.convert(strip(tree), type(spec))


def _less_work(scenario: Scenario) -> Iterator[Scenario]:
    options = scenario.workload.options
    transactions = options.get("transactions", 0)
    loaders = sum(map(_is_loader, scenario.members))
    for divisor in (2, 4):
        fewer = transactions - transactions // divisor
        if loaders and fewer >= loaders * options.get("bundle", 1) and fewer < transactions:
            yield replace(scenario, workload=replace(scenario.workload, options={**options, "transactions": fewer}))


def _plainer_parameters(scenario: Scenario) -> Iterator[Scenario]:
    plain: dict[str, Any] = {
        "batch_delay_us": 0,
        "batches_in_flight": 1,
        "snapshot_gap": Parameters().snapshot_gap,
        "idle_seal_us": Parameters().idle_seal_us,
        "timer_base_us": 1_000_000,
    }
    for field, value in plain.items():
        if getattr(scenario.parameters, field) != value:
            yield replace(scenario, parameters=replace(scenario.parameters, **{field: value}))
