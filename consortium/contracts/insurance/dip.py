"""Payment by points of diagnoses (DIP 按病种分值付费), beside DRG: what a case is paid is known when the month is over.

Each group of cases has points by day, each scheme a budget for its year; both change by vote alone. A settled stay is
put into its group by its institution: it has the group's points times the institution's coefficient, more or fewer
where its cost lies far off. Until the month is over the pool owes by the fee. Then a point is worth the month's part of
the budget divided by the points of all institutions, and the bureau settles: what the fee was short of is owed in
addition, what it was above is owed back. When the year is over all of it is settled once more, by the points and the
budget of the whole year. No patient pays another fen.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from consortium.contracts.access import BUREAU, BY_ALL, BY_BUREAU, BY_PROVIDERS, REGULATOR, SUPERVISORS
from consortium.contracts.checks import check_choice, check_range, check_reason
from consortium.contracts.insurance import bill as bills
from consortium.contracts.insurance import dip_groups, dip_settling, enrolment
from consortium.contracts.insurance.bill import INPATIENT
from consortium.contracts.insurance.dip_cases import (
    CASE_LIFE,
    CASE_POINTS_MAX,
    COUNTED,
    DIP_CASES,
    DIP_COUNTS,
    DIP_PERIODS,
    PERIOD_LIFE,
    DipCase,
    DipCount,
    DipPeriod,
    case_event,
    count_case,
    count_key,
    period_key,
)
from consortium.contracts.insurance.dip_groups import SetGroup, SetRule, get_rule, group_on
from consortium.contracts.insurance.dip_rules import compute_case_points
from consortium.contracts.insurance.dip_settling import OfPeriod
from consortium.contracts.insurance.institution import OF_INSTITUTION, get_institution
from consortium.contracts.insurance.journal import Settlement, get_settlement, settlement_key
from consortium.contracts.insurance.payable import DISPUTED, WORDS
from consortium.contracts.insurance.payout import get_payout_account
from consortium.contracts.insurance.reversal import OF_PAID
from consortium.core.contract import (
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    RowOf,
    State,
    StateReader,
)

__all__ = ["CONTRACT", "GroupCase", "OfPeriod", "RegroupCase", "SetGroup", "SetRule"]
REASONS = ("wrong-code", "upcoding", "second-diagnosis")


class GroupCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A settled stay is a case of this group."""

    psn_no: str
    year: int
    sequence: int
    dip_group: str


class RegroupCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case is of another group than its institution said. `reason`: wrong-code | upcoding | second-diagnosis."""

    psn_no: str
    year: int
    sequence: int
    dip_group: str
    reason: str


class OfCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the case of a settlement."""

    psn_no: str
    year: int
    sequence: int


class OfGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the version of a group that is effective on a day of discharge."""

    dip_group: str
    day: int


class OfCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for an institution's cases and points of a period."""

    fixmedins_code: str
    insutype: str
    period: int


def _find_stay(state: StateReader, asked: GroupCase | RegroupCase) -> tuple[str, Settlement]:
    """A stay that stands and is paid to its institution by the fee. Refuses `settlement-reversed`, `not-a-stay`,
    `paid-by-case`, `paid-to-patient`, `lines-disputed`."""
    settlement = get_settlement(state, asked.psn_no, asked.year, asked.sequence)
    key = settlement_key(asked.psn_no, asked.year, asked.sequence)
    if bills.get_bill(state, settlement.bill_no).settlement != key:
        raise Refused("settlement-reversed", f"settlement {key} was reversed")
    if settlement.med_type != INPATIENT:
        raise Refused("not-a-stay", "only inpatient care is paid by points")
    if settlement.drg_group:
        raise Refused("paid-by-case", f"settlement {key} is paid by the DRG group {settlement.drg_group}")
    if get_payout_account(state, key):
        raise Refused("paid-to-patient", f"settlement {key} was paid to the patient: no institution is owed for it")
    word = state.get(WORDS, key)
    if word is not None and word.stage == DISPUTED:
        raise Refused("lines-disputed", f"the lines of settlement {key} are disputed")
    return key, settlement


def _points_of(state: StateReader, settlement: Settlement, dip_group: str, context: Context) -> int:
    """By the group of the day of discharge and the rule of this year. Refuses `unknown-dip-group`, `no-dip-rule`,
    `bad-number`."""
    group = group_on(state, dip_group, settlement.enddate)
    rule = get_rule(state, settlement.insutype, context.day // 10_000)
    institution = get_institution(state, settlement.fixmedins_code)
    cost_fen = settlement.amounts.medfee_sumamt
    points = compute_case_points(
        group.points_hundredths,
        institution.drg_coefficient_bp,
        group.mean_cost_fen,
        cost_fen,
        rule.low_bp,
        rule.high_bp,
    )
    check_range(points, 0, CASE_POINTS_MAX, "millionths of points of a case")
    return points


def _group_case(state: State, arguments: GroupCase, context: Context) -> list[Event]:
    key, settlement = _find_stay(state, arguments)
    stage = CASE_LIFE.move("group_case", CASE_LIFE.stage_of(state.get(DIP_CASES, key)), f"the case {key}")
    points = _points_of(state, settlement, arguments.dip_group, context)
    pool_fen = settlement.pool_paid_fen
    case = DipCase(stage, arguments.dip_group, settlement.fixmedins_code, settlement.insutype, points, pool_fen)
    count_case(state, case, 1, points, pool_fen, context)
    state.put(DIP_CASES, key, case)
    return [case_event("dip-case-grouped", key, case)]


def _regroup_case(state: State, arguments: RegroupCase, context: Context) -> list[Event]:
    """What the points differ by counts in the month of today. Refuses `unknown-case`, `same-group`."""
    check_reason(arguments.reason, REASONS)
    key, settlement = _find_stay(state, arguments)
    case = state.get(DIP_CASES, key)
    if case is None or case.stage != COUNTED:
        raise Refused("unknown-case", f"settlement {key} is in no group")
    if case.dip_group == arguments.dip_group:
        raise Refused("same-group", f"the case {key} is of {case.dip_group} already")
    points = _points_of(state, settlement, arguments.dip_group, context)
    count_case(state, case, 0, points - case.points, 0, context)
    moved = replace(case, dip_group=arguments.dip_group, points=points)
    state.put(DIP_CASES, key, moved)
    return [case_event("dip-case-regrouped", key, moved)]


def _case(state: StateReader, asked: OfCase, reader: Reader) -> DipCase:
    get_settlement(state, asked.psn_no, asked.year, asked.sequence)
    case = state.get(DIP_CASES, settlement_key(asked.psn_no, asked.year, asked.sequence))
    if case is None:
        raise Refused("unknown-case", "the settlement is in no group")
    return case


def _period(state: StateReader, asked: OfPeriod, reader: Reader) -> DipPeriod:
    check_choice(asked.insutype, enrolment.SCHEMES, "insutype")
    held = state.get(DIP_PERIODS, period_key(asked.insutype, asked.period))
    if held is None:
        raise Refused("unknown-period", f"no case counted in {asked.period}")
    return held


def _count(state: StateReader, asked: OfCount, reader: Reader) -> DipCount:
    check_choice(asked.insutype, enrolment.SCHEMES, "insutype")
    return state.get(DIP_COUNTS, count_key(asked.insutype, asked.period, asked.fixmedins_code)) or DipCount()


def _period_of(key: str) -> OfPeriod:
    insutype, _, period = key.partition("/")
    return OfPeriod(insutype, int(period))


_READERS = BY_PROVIDERS | SUPERVISORS

CONTRACT = Contract(
    "dip",
    1,
    (
        *dip_groups.OPERATIONS,
        Operation("group_case", GroupCase, BY_PROVIDERS | BY_BUREAU, _group_case, OF_PAID),
        Operation("regroup_case", RegroupCase, BY_BUREAU, _regroup_case),
        *dip_settling.OPERATIONS,
    ),
    (
        Query("case", OfCase, _READERS, _case, OF_PAID.or_of(BUREAU, REGULATOR)),
        Query("count", OfCount, _READERS, _count, OF_INSTITUTION.or_of(BUREAU, REGULATOR)),
        Query(
            "period",
            OfPeriod,
            _READERS,
            _period,
            row=RowOf(DIP_PERIODS, lambda asked: period_key(asked.insutype, asked.period), _period_of),
        ),
        Query("group_on", OfGroup, BY_ALL, lambda state, asked, _: group_on(state, asked.dip_group, asked.day)),
    ),
    (CASE_LIFE, PERIOD_LIFE),
    founding=0,
)
