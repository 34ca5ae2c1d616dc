"""Who misbehaves in a scenario, how and when: behaviours by member, wrapped around its node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from consortium.behaviours import load_behaviours, read_options
from consortium.behaviours.behaviour import Bent, Surroundings
from consortium.behaviours.twin import SUFFIX
from consortium.core.machine import Machine
from consortium.core.membership import NodeId
from consortium.core.quorum import faults_max, quorum_size
from consortium.node.run_start import RunStart
from consortium.protocols import load_protocols
from consortium.scenario.scenario import BehaviourSpec, Scenario
from consortium.scenario.streams import Stream

Draw = Callable[[int], int]  # `draw(limit)`: a random number from 0 up to, and without, `limit`


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


class Adversaries(NamedTuple):
    """Who misbehaves in a run. It is made once from a checked scenario, and handed to all that need to know.

    `behaviours` holds each member that misbehaves at any time. `twins` holds the second hosts that the simulator runs:
    each by its name, with the member whose identity it has. `twin_groups` says for each member with a twin whom its own
    host hears (and is heard by), and whom its twin. `turns` holds beginnings and ends, by time."""

    behaviours: Mapping[NodeId, tuple[BehaviourSpec, ...]]
    twins: Mapping[str, NodeId]
    twin_groups: Mapping[NodeId, tuple[tuple[NodeId, ...], tuple[NodeId, ...]]]
    turns: tuple[Turn, ...]

    @classmethod
    def of(cls, scenario: Scenario) -> Adversaries:
        """Raises ValueError with a sentence where a target or an option cannot be meant: check the scenario first."""
        if not scenario.behaviours:
            return HONEST
        behaviours: dict[NodeId, tuple[BehaviourSpec, ...]] = {}
        for spec in scenario.behaviours:
            for name in targets(scenario, spec.target):
                behaviours[name] = (*behaviours.get(name, ()), spec)
        behaviours = dict(sorted(behaviours.items()))
        kinds = load_behaviours()
        twins = {
            member + SUFFIX: member
            for member, specs in behaviours.items()
            if any(kinds[spec.name].is_twin for spec in specs)
        }
        groups = {member: _twin_groups(scenario, member, behaviours[member]) for member in twins.values()}
        return cls(behaviours, twins, groups, _turns(scenario))

    @property
    def names(self) -> frozenset[str]:
        """The names, as traces have them, of all nodes that checks do not expect to keep to the protocol."""
        return frozenset((*self.behaviours, *self.twins))

    def bend(
        self, member: NodeId, seed: int, machine: Machine, start: RunStart, around: Callable[[Draw], Surroundings]
    ) -> Machine:
        """The machine inside all behaviours of this member, the first innermost. Their time counts from `start`.
        `around` tells one of them its place; each draws from a random stream of its own."""
        kinds = load_behaviours()
        for index, spec in enumerate(self.behaviours.get(member, ())):
            stream = Stream(seed, "behaviour", member, str(index), spec.name)
            behaviour = kinds[spec.name].build(around(stream.below), read_options(spec.name, spec.options))
            machine = Bent(machine, behaviour, f"{index} {spec.name}", start, spec.from_us, spec.to_us)
        return machine


HONEST = Adversaries({}, {}, {}, ())


def _twin_groups(
    scenario: Scenario, member: NodeId, specs: Sequence[BehaviourSpec]
) -> tuple[tuple[NodeId, ...], tuple[NodeId, ...]]:
    """The groups that the scenario names; otherwise each host has as many others as a quorum needs beside it."""
    others = sorted(each.name for each in scenario.members if each.name != member)
    fewest = quorum_size(sum(each.kind == "validator" for each in scenario.members)) - 1
    groups = (tuple(others[:fewest]), tuple(others[-fewest:] if fewest else ()))
    kinds = load_behaviours()
    for spec in specs:
        if kinds[spec.name].is_twin:
            groups = read_options(spec.name, spec.options).groups or groups
    return groups


def _turns(scenario: Scenario) -> tuple[Turn, ...]:
    """What the trace tells of behaviours. A twin never ends: its second host runs on."""
    kinds = load_behaviours()
    found = []
    for spec in scenario.behaviours:
        for member in targets(scenario, spec.target):
            found.append(Turn(spec.from_us, spec.name, member, "begin"))
            if spec.to_us is not None and not kinds[spec.name].is_twin:
                found.append(Turn(spec.to_us, spec.name, member, "end"))
    return tuple(sorted(found, key=lambda turn: turn.at_us))


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
