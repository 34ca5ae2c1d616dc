"""The same consortium with another number of validators: what `members=N` means for a scenario.

The validators that sit in the genesis are counted; observers, clients and those who join later stay as they are.
Members whose names end in a number (`hospital-1`, `hospital-2`) form a family. Missing members are added to the
families in turn, in the order in which they appear, numbered on, each like the last of its family (role, kind,
settings). Members too many are taken away from the largest family, the last first (of equal ones from the later
family); one of each family stays. Without a family new members are like the last validator: `hospital`, `hospital-2`.
"""

from __future__ import annotations

from msgspec.structs import replace

from consortium.scenario.load import ScenarioError
from consortium.scenario.scenario import MemberSpec, Scenario

MEMBERS_MAX = 4_096


def with_members(scenario: Scenario, count: int) -> Scenario:
    """The scenario with `count` validators. Raises ScenarioError where it cannot be meant; what the rest of the
    scenario says of members that are gone is found by `check_scenario`."""
    members = list(scenario.members)
    if not 1 <= count <= MEMBERS_MAX:
        raise ScenarioError(f"members={count}: expected a number of validators from 1 to {MEMBERS_MAX}")
    surplus = sum(_counts(member) for member in members) - count
    if surplus == 0:
        return scenario
    return replace(scenario, members=tuple(_less(members, surplus) if surplus > 0 else _more(members, -surplus)))


def _counts(member: MemberSpec) -> bool:
    return member.kind == "validator" and not member.joins


def _split(name: str) -> tuple[str, int] | None:
    """`("hospital", 2)` of `hospital-2`."""
    stem, hyphen, number = name.rpartition("-")
    return (stem, int(number)) if hyphen and stem and number.isdecimal() else None


def _families(members: list[MemberSpec]) -> dict[str, list[MemberSpec]]:
    """By name, in order of first appearance; each in order of its numbers."""
    found: dict[str, list[tuple[int, MemberSpec]]] = {}
    for member in members:
        parts = _split(member.name) if _counts(member) else None
        if parts is not None:
            found.setdefault(parts[0], []).append((parts[1], member))
    return {stem: [member for _, member in sorted(held, key=lambda each: each[0])] for stem, held in found.items()}


def _more(members: list[MemberSpec], missing: int) -> list[MemberSpec]:
    families = _families(members)
    if not families:
        last = next((member for member in reversed(members) if _counts(member)), None)
        if last is None:
            raise ScenarioError("members: the scenario has no validator that new members could be like")
        families = {last.name: [last]}
    taken = {member.name for member in members}
    numbers = {stem: _number(held[-1]) for stem, held in families.items()}
    stems = list(families)
    added: dict[str, list[MemberSpec]] = {stem: [] for stem in stems}
    for place in range(missing):
        stem = stems[place % len(stems)]
        numbers[stem] += 1
        while f"{stem}-{numbers[stem]}" in taken:
            numbers[stem] += 1
        added[stem].append(replace(families[stem][-1], name=f"{stem}-{numbers[stem]}"))
    grown: list[MemberSpec] = []
    for member in members:
        grown.append(member)
        for stem, held in families.items():
            if member is held[-1]:
                grown += added[stem]
    return grown


def _number(member: MemberSpec) -> int:
    parts = _split(member.name)
    return 1 if parts is None else parts[1]


def _less(members: list[MemberSpec], surplus: int) -> list[MemberSpec]:
    families = _families(members)
    gone: set[str] = set()
    validators = sum(_counts(member) for member in members)
    for _ in range(surplus):
        stem = max(families, key=lambda each: (len(families[each]), list(families).index(each)), default="")
        if not stem or len(families[stem]) == 1:
            raise ScenarioError(
                f"members={validators - surplus}: of this scenario no fewer than {validators - len(gone)} validators "
                "make sense: one of each family (hospital-1, hospital-2, …), and all without a number"
            )
        gone.add(families[stem].pop().name)
    return [member for member in members if member.name not in gone]
