"""Cases that are paid by points, and the points that institutions came to have: counted as cases come and go.

A case counts in the month of the chain's day on which it is grouped. When its settlement is reversed it counts with a
minus in the month of that day. So the points of a month that is over never change.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from consortium.contracts.checks import check_range
from consortium.contracts.insurance.journal import spelt_key
from consortium.core.contract import Context, Event, Life, Move, Refused, State, StateReader, Table

COUNTED, TAKEN_BACK = "counted", "taken-back"
OPEN, SETTLED = "open", "settled"
INSTITUTIONS_MAX = 2_000  # that have cases of a scheme in one period
CASE_POINTS_MAX = 10**15  # millionths of a point
POINTS_MAX = 10**18


class DipCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed like the settlement that is paid by points. `points`: millionths of one. `pool_fen`: what the pool came to
    owe for it by the fee, which its points replace when the month is settled."""

    stage: str
    dip_group: str
    fixmedins_code: str
    insutype: str
    points: int
    pool_fen: int


class DipCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "insutype/period/fixmedins_code". What an institution's cases of a period add up to, those that were taken
    back with a minus. `due_fen`: of a month that is settled what it is due; of a year the sum of its months."""

    cases: int = 0
    points: int = 0
    pool_fen: int = 0
    due_fen: int = 0


class DipPeriod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed "insutype/period": a month YYYYMM or a year YYYY. `points`: of all institutions, those below zero left out;
    `due_fen`: what they are due together. Both when it is settled."""

    stage: str
    institutions: int = 0
    points: int = 0
    budget_fen: int = 0
    due_fen: int = 0


DIP_CASES: Table[DipCase] = Table("dip_case", DipCase, told_as="dip-case", key_of=spelt_key)
DIP_COUNTS: Table[DipCount] = Table("dip_count", DipCount, told_as="dip-count")
DIP_PERIODS: Table[DipPeriod] = Table("dip_period", DipPeriod, told_as="dip-period")
CASE_LIFE = Life(
    DIP_CASES,
    (Move("", "group_case", COUNTED), Move(COUNTED, "settlement.reverse", TAKEN_BACK)),
    code="case-grouped",
)
PERIOD_LIFE = Life(
    DIP_PERIODS,
    (
        Move("", "group_case", OPEN),
        Move("", "regroup_case", OPEN),
        Move("", "settlement.reverse", OPEN),
        Move("", "settle_month", SETTLED),
        Move(OPEN, "settle_month", SETTLED),
        Move("", "settle_year", SETTLED),
        Move(OPEN, "settle_year", SETTLED),
    ),
    code="month-settled",
)


def period_key(insutype: str, period: int) -> str:
    return f"{insutype}/{period}"


def count_key(insutype: str, period: int, fixmedins_code: str) -> str:
    return f"{insutype}/{period}/{fixmedins_code}"


def get_counts(state: StateReader, insutype: str, period: int) -> dict[str, DipCount]:
    """Of each institution that has cases of the period, by its code."""
    begin = f"{insutype}/{period}/"
    rows = state.range(DIP_COUNTS, begin, f"{begin}~", limit=INSTITUTIONS_MAX)
    return {key.removeprefix(begin): count for key, count in rows}


def count_case(state: State, case: DipCase, cases: int, points: int, pool_fen: int, context: Context) -> None:
    """Add to the month and the year of today. Refuses `too-many-institutions`, `bad-number`."""
    month = context.day // 100
    for period in (month, month // 100):
        _count_in(state, case, period, DipCount(cases, points, pool_fen))


def _count_in(state: State, case: DipCase, period: int, added: DipCount) -> None:
    key = count_key(case.insutype, period, case.fixmedins_code)
    held = state.get(DIP_COUNTS, key)
    if held is None:
        name = period_key(case.insutype, period)
        known = state.get(DIP_PERIODS, name) or DipPeriod(OPEN)
        if known.institutions >= INSTITUTIONS_MAX:
            raise Refused("too-many-institutions", f"{known.institutions} institutions have cases in {name}")
        state.put(DIP_PERIODS, name, replace(known, institutions=known.institutions + 1))
        held = DipCount()
    points = held.points + added.points
    check_range(points, -POINTS_MAX, POINTS_MAX, "millionths of points")
    counted = replace(held, cases=held.cases + added.cases, points=points, pool_fen=held.pool_fen + added.pool_fen)
    state.put(DIP_COUNTS, key, counted)


def take_case_back(state: State, key: str, context: Context, events: list[Event]) -> None:
    """The settlement under this key is reversed: the pool has what it paid by the fee, and the points count no more."""
    case = state.get(DIP_CASES, key)
    if case is None or not CASE_LIFE.allows("settlement.reverse", case.stage):
        return
    stage = CASE_LIFE.move("settlement.reverse", case.stage, f"the case {key}")
    count_case(state, case, -1, -case.points, -case.pool_fen, context)
    state.put(DIP_CASES, key, replace(case, stage=stage))
    events.append(case_event("dip-case-taken-back", key, case))


def case_event(kind: str, key: str, case: DipCase) -> Event:
    psn_no, year, sequence = key.split("/")
    return Event(
        kind,
        {
            "psn_no": psn_no,
            "year": int(year),
            "sequence": int(sequence),
            "fixmedins_code": case.fixmedins_code,
            "insutype": case.insutype,
            "dip_group": case.dip_group,
            "points_millionths": case.points,
            "pool_fen": case.pool_fen,
        },
    )
