"""Several consortia at once: a scenario for each, and the bridge that is a member of all of them.

A file offers `CHAINS = Chains(...)` in the place of `SCENARIO`; its docstring is the question that it asks.
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from consortium.core.identity import name_fault
from consortium.core.membership import NodeId
from consortium.scenario.load import ScenarioError, check_scenario
from consortium.scenario.scenario import MemberSpec, Scenario

BRIDGE, STEWARD = "bridge", "steward"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the state of `chain` that its bridge carries to all others, whether it is there or not."""

    chain: str
    table: str
    key: str


class Chains(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`chains`: by the name under which all others know it. `bridge`: a member of each, of that role. `introducer`: a
    member of each that hosts a steward and, from `introduced_at_us` on, proposes to know the others. `bridge_down`:
    while the bridge carries nothing, from and to in microseconds of the run; by time, none overlapping."""

    name: str
    chains: dict[str, Scenario]
    question: str = ""
    bridge: NodeId = "bridge"
    introducer: NodeId = "bureau"
    introduced_at_us: int = 200_000
    records: tuple[Record, ...] = ()
    bridge_down: tuple[tuple[int, int], ...] = ()


def load_chains(path: Path, seed: int | None = None) -> Chains:
    """The chains of a .py file, each scenario with this seed where one is given. Raises ScenarioError."""
    if not path.is_file() or path.suffix != ".py":
        raise ScenarioError(f"{path}: expected a .py file that offers `CHAINS = Chains(...)`")
    try:
        module = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:  # whatever a user's file does wrong is told as theirs
        raise ScenarioError(f"{path}: {type(error).__name__}: {error}") from None
    found = module.get("CHAINS")
    if not isinstance(found, Chains):
        raise ScenarioError(
            f"{path}: expected a module-level `CHAINS = Chains(...)`; `consortium run` takes a SCENARIO"
        )
    return check_chains(_checked(path, found, module), seed)


def _checked(path: Path, found: Chains, module: Mapping[str, Any]) -> Chains:
    """Constructors check no types: going through builtins does, and names the path."""
    try:
        checked = msgspec.convert(msgspec.to_builtins(found), Chains)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{path}: {error}") from None
    return checked if checked.question else replace(checked, question=(module.get("__doc__") or "").strip())


def check_chains(chains: Chains, seed: int | None = None) -> Chains:
    """With the seed of each scenario, where one is given. Raises ScenarioError where they cannot be meant."""
    if len(chains.chains) < 2:
        raise ScenarioError("chains: two consortia or more; for one there is `consortium run`")
    if name_fault(chains.name.replace("_", "-")) is not None:
        raise ScenarioError(f"name {chains.name!r}: lower-case letters, digits, hyphens or underscores inside")
    seeded: dict[str, Scenario] = {}
    for place, (name, scenario) in enumerate(chains.chains.items()):
        if name_fault(name) is not None:
            raise ScenarioError(f"chains: {name!r} is no name of a chain: lower-case letters, digits, hyphens inside")
        one = scenario if seed is None else replace(scenario, seed=seed + place)
        check_scenario(one)
        _member(name, one, chains.bridge, BRIDGE, "")
        _member(name, one, chains.introducer, "", STEWARD)
        if not one.versions.get("foreign_chain"):
            raise ScenarioError(f'{name}: add versions={{"foreign_chain": 1}}: without it no other chain is known')
        seeded[name] = one
    seeds = {(one.seed, one.name) for one in seeded.values()}
    if len(seeds) < len(seeded):
        raise ScenarioError("chains: two of them have one name and one seed, and would be one chain: change the seeds")
    for record in chains.records:
        if record.chain not in seeded:
            raise ScenarioError(f"records: there is no chain {record.chain!r}")
    return replace(chains, chains=seeded)


def _member(chain: str, scenario: Scenario, name: str, role: str, host: str) -> MemberSpec:
    for member in scenario.members:
        hosts = member.settings.get("hosts", ())
        if member.name == name and role in ("", member.role) and (not host or host in hosts):
            return member
    wanted = f'of the role "{role}"' if role else f'with settings {{"hosts": ["{host}"]}}'
    raise ScenarioError(f"{chain}: it needs a member {name!r} {wanted}")
