"""The scenario of a consortium that stands: its members, as a person counts them, and the day on which it begins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from consortium.contracts import load_contracts
from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY, REGULATOR, SUPPLIER
from consortium.core.genesis import Parameters
from consortium.core.quorum import faults_max
from consortium.scenario.load import SEED_MAX, ScenarioError, check_scenario
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload
from consortium.scenario.workloads.standing import NEEDED, PLAYED

DEFAULT = "bureau=1,hospital=2,pharmacy=2,regulator=1,supplier=1"
ALONE = (BUREAU, REGULATOR, SUPPLIER)  # of whom one plays the part; two would do the same work
VALIDATORS_MIN = 4
VALIDATORS_MAX = 64
_NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
EXAMPLE = "--members bureau=1,hospital=2,regulator=1"


def parse_members(text: str) -> tuple[MemberSpec, ...]:
    """`bureau=1,hospital=3`: the members, by role as they are told. One of a role is named after it, of several each
    has a number. Raises ScenarioError with a sentence."""
    counts: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, equals, number = part.partition("=")
        if not equals or not number.isdecimal():
            raise ScenarioError(f"--members: {part!r} is no ROLE=NUMBER, as in {EXAMPLE}")
        if role not in PLAYED:
            raise ScenarioError(f"--members: there is no role {role!r}; known are {', '.join(PLAYED)}")
        if role in counts:
            raise ScenarioError(f"--members: {role} stands there twice")
        counts[role] = int(number)
    _check_counts(counts)
    return tuple(MemberSpec(name, role) for role, count in counts.items() for name in _names(role, count))


def _names(role: str, count: int) -> list[str]:
    is_numbered = count > 1 or role in (HOSPITAL, PHARMACY)
    return [f"{role}-{number}" for number in range(1, count + 1)] if is_numbered else [role] * count


def _check_counts(counts: dict[str, int]) -> None:
    """Raises ScenarioError."""
    for role in NEEDED:
        if not counts.get(role):
            raise ScenarioError(f"--members: a consortium needs a {role}, as in {EXAMPLE}")
    for role in ALONE:
        if counts.get(role, 0) > 1:
            raise ScenarioError(f"--members: {role}={counts[role]}: there is one {role} at most")
    if counts.get(PHARMACY) and not counts.get(SUPPLIER):
        raise ScenarioError("--members: pharmacies sell what a supplier delivers: add supplier=1")
    validators = sum(counts.values())
    if validators < VALIDATORS_MIN:
        raise ScenarioError(
            f"--members: {validators} validators tolerate no failure, for one that is down stops the others: name "
            f"{VALIDATORS_MIN} or more (4 tolerate 1 failure, 7 tolerate 2, 10 tolerate 3), as in {EXAMPLE}"
        )
    if validators > VALIDATORS_MAX:
        raise ScenarioError(f"--members: {validators} validators are too many: {VALIDATORS_MAX} at most")


def standing_scenario(
    members: tuple[MemberSpec, ...], day: int, seed: int = 1, options: Mapping[str, Any] = _NO_OPTIONS
) -> Scenario:
    """One that ends when it is told to. `day`: YYYYMMDD of the chain's calendar. `options`: more of its workload's. Its
    chain begins with every contract in its newest version, since nobody knows what people will do with it. While a
    batch is under way the next one gathers: a block of five costs nearly as much as one of fifty. Raises
    ScenarioError."""
    scenario = Scenario(
        name="standing",
        members=members,
        question="A consortium that stands: what did people and applications do with it?",
        seed=seed,
        faults_tolerated=faults_max(len(members)),
        parameters=Parameters(timer_base_us=2_000_000, batches_in_flight=1),
        workload=Workload("standing", {"day": day, **options}),
        stop=Stop(when_done=False, limit_us=SEED_MAX),
        versions={name: contract.version for name, contract in load_contracts().items()},
    )
    check_scenario(scenario)
    return scenario
