"""Points of groups by day, and the budget of each scheme for its year: both by vote alone."""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import (
    BASIS_POINTS,
    check_choice,
    check_identifier,
    check_positive_amount,
    check_range,
)
from consortium.contracts.insurance import enrolment
from consortium.contracts.insurance.versions import version_on, with_version
from consortium.core.contract import (
    GENESIS,
    VOTE,
    Context,
    Event,
    Operation,
    Refused,
    State,
    StateReader,
    Table,
)

GROUP_POINTS_MAX = 10**7  # hundredths
MEAN_COST_MIN_FEN = 10_000
FACTOR_MAX = 100 * BASIS_POINTS


class DipGroupVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a case of the group has as of `from_day`: points in hundredths, and the mean cost that they stand for."""

    from_day: int
    points_hundredths: int
    mean_cost_fen: int


class DipGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by the group's code: its versions by ascending day."""

    versions: tuple[DipGroupVersion, ...]


class DipRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "insutype/YYYY". `budget_fen`: what the pool pays for all cases of the year, at most; `value_max_fen`: what
    a point is worth at most. `low_bp`, `high_bp`: of the mean cost, where a case's own cost begins to count."""

    budget_fen: int
    value_max_fen: int
    low_bp: int
    high_bp: int


DIP_GROUPS: Table[DipGroup] = Table("dip_group", DipGroup, told_as="dip-group")
DIP_RULES: Table[DipRule] = Table("dip_rule", DipRule, told_as="dip-rule")


class SetGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of a group, for stays that end on `from_day` or later."""

    dip_group: str
    from_day: int
    points_hundredths: int
    mean_cost_fen: int


class SetRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The budget of a scheme for a year, and how far off a cost may lie. It is set once."""

    insutype: str
    year: int
    budget_fen: int
    value_max_fen: int
    low_bp: int
    high_bp: int


def group_on(state: StateReader, dip_group: str, day: int) -> DipGroupVersion:
    """Refuses `bad-identifier`, `unknown-dip-group`."""
    check_identifier(dip_group, "dip_group")
    group = state.get(DIP_GROUPS, dip_group)
    version = None if group is None else version_on(group.versions, day)
    if version is None:
        raise Refused("unknown-dip-group", f"there is no DIP group {dip_group} on {day}")
    return version


def get_rule(state: StateReader, insutype: str, year: int) -> DipRule:
    """Refuses `bad-choice`, `no-dip-rule`."""
    check_choice(insutype, enrolment.SCHEMES, "insutype")
    rule = state.get(DIP_RULES, f"{insutype}/{year}")
    if rule is None:
        raise Refused("no-dip-rule", f"no budget of {insutype} cases was voted for {year}")
    return rule


def _set_group(state: State, arguments: SetGroup, context: Context) -> list[Event]:
    code, points = arguments.dip_group, arguments.points_hundredths
    check_identifier(code, "dip_group")
    check_range(points, 1, GROUP_POINTS_MAX, "points_hundredths")
    check_positive_amount(arguments.mean_cost_fen, "mean_cost_fen")
    check_range(arguments.mean_cost_fen, MEAN_COST_MIN_FEN, arguments.mean_cost_fen, "mean_cost_fen")
    held = state.get(DIP_GROUPS, code)
    version = DipGroupVersion(arguments.from_day, points, arguments.mean_cost_fen)
    versions = with_version(() if held is None else held.versions, version, f"the group {code}", context)
    state.put(DIP_GROUPS, code, DipGroup(versions))
    fields: dict[str, int | str] = {"dip_group": code, "from_day": version.from_day, "points_hundredths": points}
    return [Event("dip-group-set", fields)]


def _set_rule(state: State, arguments: SetRule, context: Context) -> list[Event]:
    check_choice(arguments.insutype, enrolment.SCHEMES, "insutype")
    check_range(arguments.year, 1900, 2999, "year")
    check_positive_amount(arguments.budget_fen, "budget_fen")
    check_positive_amount(arguments.value_max_fen, "value_max_fen")
    check_range(arguments.low_bp, 0, BASIS_POINTS, "low_bp")
    check_range(arguments.high_bp, BASIS_POINTS, FACTOR_MAX, "high_bp")
    if context.role != GENESIS and arguments.year < context.day // 10_000:
        raise Refused("effective-in-the-past", f"{arguments.year} is over: its budget was what it was")
    key = f"{arguments.insutype}/{arguments.year}"
    if state.get(DIP_RULES, key) is not None:
        raise Refused("rule-exists", f"the budget of {key} was voted already")
    rule = DipRule(arguments.budget_fen, arguments.value_max_fen, arguments.low_bp, arguments.high_bp)
    state.put(DIP_RULES, key, rule)
    fields: dict[str, int | str] = {"insutype": arguments.insutype, "year": arguments.year}
    return [Event("dip-rule-set", fields | {"budget_fen": rule.budget_fen, "value_max_fen": rule.value_max_fen})]


_BY_VOTE = frozenset((VOTE, GENESIS))
OPERATIONS = (
    Operation("set_group", SetGroup, _BY_VOTE, _set_group),
    Operation("set_rule", SetRule, _BY_VOTE, _set_rule),
)
