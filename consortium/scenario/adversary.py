"""Who misbehaves in a scenario, how and when: behaviours by member, wrapped around its node."""

from __future__ import annotations

from typing import NamedTuple

from consortium.behaviours import load_behaviours, read_options
from consortium.behaviours.behaviour import Bent, RunStart, Surroundings
from consortium.behaviours.twin import SUFFIX
from consortium.core.genesis import Parameters
from consortium.core.machine import Machine
from consortium.core.membership import Epochs, NodeId
from consortium.core.message_forge import MessageForge
from consortium.core.messages import MessageCodec
from consortium.core.quorum import faults_max, quorum_size
from consortium.protocols import load_protocols
from consortium.scenario.scenario import BehaviourSpec, Scenario
from consortium.scenario.streams import Stream


class Turn(NamedTuple):
    """One behaviour of one member begins or ends."""

    at_us: int
    name: str
    member: NodeId
    phase: str  # begin, end


def targets(scenario: Scenario, target: str) -> tuple[NodeId, ...]:
    """The members that a behaviour's `target` means. Raises ValueError with a sentence."""
    names = sorted(member.name for member in scenario.members)
    validators = sorted(member.name for member in scenario.members if member.kind == "validator")
    counts = {"leader": 1, "f": faults_max(len(validators)), "f+1": faults_max(len(validators)) + 1}
    found: dict[NodeId, None] = {}
    for part in (part.strip() for part in target.split(",")):
        if part in counts:
            found.update(dict.fromkeys(validators[: counts[part]]))
        elif part in names:
            found[part] = None
        else:
            raise ValueError(f"{part!r} is no member; expected one of {', '.join(names)}, leader, f, f+1")
    return tuple(found)


def behaviours_of(scenario: Scenario) -> dict[NodeId, tuple[BehaviourSpec, ...]]:
    """Each member that misbehaves at any time, and how."""
    found: dict[NodeId, tuple[BehaviourSpec, ...]] = {}
    for spec in scenario.behaviours:
        for name in targets(scenario, spec.target):
            found[name] = (*found.get(name, ()), spec)
    return dict(sorted(found.items()))


def twins_of(scenario: Scenario) -> dict[str, NodeId]:
    """The second hosts that the simulator runs: their name, and whose identity they have."""
    kinds = load_behaviours()
    return {
        member + SUFFIX: member
        for member, specs in behaviours_of(scenario).items()
        if any(kinds[spec.name].is_twin for spec in specs)
    }


def twin_groups(scenario: Scenario, member: NodeId) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
    """Whom a member's own host and whom its twin hears and is heard by."""
    others = sorted(each.name for each in scenario.members if each.name != member)
    fewest = quorum_size(sum(each.kind == "validator" for each in scenario.members)) - 1
    groups = (tuple(others[:fewest]), tuple(others[-fewest:] if fewest else ()))
    kinds = load_behaviours()
    for spec in behaviours_of(scenario)[member]:
        if kinds[spec.name].is_twin:
            given = read_options(spec.name, spec.options).groups
            groups = given or groups
    return groups


def traitors(scenario: Scenario) -> frozenset[str]:
    """Names, as traces have them, of all that checks do not expect to keep to the protocol."""
    if not scenario.behaviours:
        return frozenset()
    return frozenset((*behaviours_of(scenario), *twins_of(scenario)))


def turns(scenario: Scenario) -> tuple[Turn, ...]:
    """Beginnings and ends, by time: what a run notes as faults."""
    found = []
    for spec in scenario.behaviours:
        for member in targets(scenario, spec.target):
            found.append(Turn(spec.from_us, spec.name, member, "begin"))
            if spec.to_us is not None:
                found.append(Turn(spec.to_us, spec.name, member, "end"))
    return tuple(sorted(found, key=lambda turn: turn.at_us))


def bend(
    scenario: Scenario,
    member: NodeId,
    machine: Machine,
    start: RunStart,
    epochs: Epochs,
    parameters: Parameters,
    codec: MessageCodec,
    forge: MessageForge,
) -> Machine:
    """The machine inside all behaviours of this member, the first innermost."""
    if not scenario.behaviours:
        return machine
    kinds = load_behaviours()
    for index, spec in enumerate(behaviours_of(scenario).get(member, ())):
        stream = Stream(scenario.seed, "behaviour", member, str(index), spec.name)
        around = Surroundings(member, epochs, parameters, codec, stream.below, forge)
        behaviour = kinds[spec.name].build(around, read_options(spec.name, spec.options))
        machine = Bent(machine, behaviour, f"{index} {spec.name}", start, spec.from_us, spec.to_us)
    return machine


def check_behaviours(scenario: Scenario) -> None:
    """Raises ValueError, with the place, where a behaviour cannot be meant."""
    names = [member.name for member in scenario.members]
    for index, spec in enumerate(scenario.behaviours):
        try:
            targets(scenario, spec.target)
            options = read_options(spec.name, spec.options)
        except ValueError as error:
            raise ValueError(f"behaviours.{index}: {error}") from None
        why = load_protocols()[scenario.protocol].forge.lack(spec.name, options)
        if why:
            raise ValueError(f"behaviours.{index}: {spec.name} cannot be had under {scenario.protocol}: {why}")
        if spec.from_us < 0 or (spec.to_us is not None and spec.to_us <= spec.from_us):
            raise ValueError(f"behaviours.{index}: it must begin at 0 or later, and end after its beginning")
        groups: tuple[tuple[str, ...], ...] = getattr(options, "groups", ())
        named = [*getattr(options, "to", ()), *(name for group in groups for name in group)]
        named += [name for name in (getattr(options, "client", ""),) if name]
        for name in named:
            if name not in names:
                raise ValueError(f"behaviours.{index}: {name!r} is no member; expected one of {', '.join(names)}")
        if load_behaviours()[spec.name].is_twin and len(groups) not in (0, 2):
            raise ValueError(f"behaviours.{index}: a twin needs two groups, or none")
