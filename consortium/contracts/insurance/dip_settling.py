"""Points are settled: of a month when it is over, and once more of the year, each by its budget and all its points."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from consortium.contracts.access import BY_BUREAU
from consortium.contracts.checks import check_range
from consortium.contracts.insurance import enrolment, funds
from consortium.contracts.insurance.dip_cases import (
    DIP_COUNTS,
    DIP_PERIODS,
    PERIOD_LIFE,
    SETTLED,
    DipCount,
    DipPeriod,
    count_key,
    get_counts,
    period_key,
)
from consortium.contracts.insurance.dip_groups import get_rule
from consortium.contracts.insurance.dip_rules import MILLION, MONTHS, compute_dues, compute_month_budget
from consortium.contracts.insurance.drg import divide_half_up
from consortium.core.contract import Context, Event, Operation, Refused, State, StateReader


class OfPeriod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settle, or ask for, a month (YYYYMM) or a year (YYYY) of a scheme."""

    insutype: str
    period: int


def _settle_month(state: State, arguments: OfPeriod, context: Context) -> list[Event]:
    """What cases of a month are due instead of what the fee made of them. Refuses `month-open`, `month-settled`."""
    month = arguments.period
    check_range(month, 190001, 299912, "a month YYYYMM")
    check_range(month % 100, 1, MONTHS, "the month's number")
    if month >= context.day // 100:
        raise Refused("month-open", f"the month {month} is not over")
    rule = get_rule(state, arguments.insutype, month // 100)
    stage = _check_unsettled(state, "settle_month", arguments)
    budget_fen = compute_month_budget(rule.budget_fen, month % 100)
    counts = get_counts(state, arguments.insutype, month)
    owed = {code: count.pool_fen for code, count in counts.items()}
    dues, events = _settle(state, arguments, stage, counts, owed, budget_fen, rule.value_max_fen)
    for code, due_fen in dues.items():
        key = count_key(arguments.insutype, month // 100, code)
        year = state.get(DIP_COUNTS, key)
        assert year is not None, "what counts in a month counts in its year"
        state.put(DIP_COUNTS, key, replace(year, due_fen=year.due_fen + due_fen))
    return events


def _settle_year(state: State, arguments: OfPeriod, context: Context) -> list[Event]:
    """All months of a year once more, by the points and the budget of the whole. Refuses `year-open`, `month-open` of a
    month that has cases and is not settled, `month-settled` of a year that is."""
    year = arguments.period
    check_range(year, 1900, 2999, "a year YYYY")
    if year >= context.day // 10_000:
        raise Refused("year-open", f"the year {year} is not over")
    rule = get_rule(state, arguments.insutype, year)
    stage = _check_unsettled(state, "settle_year", arguments)
    for month in range(year * 100 + 1, year * 100 + MONTHS + 1):
        held = state.get(DIP_PERIODS, period_key(arguments.insutype, month))
        if held is not None and held.stage != SETTLED:
            raise Refused("month-open", f"the month {month} of {arguments.insutype} has cases and is not settled")
    counts = get_counts(state, arguments.insutype, year)
    owed = {code: count.due_fen for code, count in counts.items()}
    return _settle(state, arguments, stage, counts, owed, rule.budget_fen, rule.value_max_fen)[1]


def _check_unsettled(state: StateReader, operation: str, asked: OfPeriod) -> str:
    key = period_key(asked.insutype, asked.period)
    return PERIOD_LIFE.move(operation, PERIOD_LIFE.stage_of(state.get(DIP_PERIODS, key)), f"the period {key}")


def _settle(
    state: State,
    period: OfPeriod,
    stage: str,
    counts: dict[str, DipCount],
    owed: dict[str, int],
    budget_fen: int,
    value_max_fen: int,
) -> tuple[dict[str, int], list[Event]]:
    """Move what each institution is due above `owed` from the pool, and what it is due below it back."""
    insutype, key = period.insutype, period_key(period.insutype, period.period)
    points = {code: count.points for code, count in counts.items()}
    dues = compute_dues(points, budget_fen, value_max_fen)
    events: list[Event] = []
    pool, cause = enrolment.POOLS[insutype], f"dip/{key}"
    more = {code: due_fen - owed[code] for code, due_fen in dues.items()}
    back = [(f"payable/{code}", pool, -fen) for code, fen in more.items() if fen < 0]
    funds.move_all(state, back, cause, events, is_return=True)
    funds.move_all(state, [(pool, f"payable/{code}", fen) for code, fen in more.items() if fen > 0], cause, events)
    for code, due_fen in dues.items():
        state.put(DIP_COUNTS, count_key(insutype, period.period, code), replace(counts[code], due_fen=due_fen))
        events.append(_due_event(period, code, counts[code], due_fen, more[code]))
    total, all_fen = sum(count for count in points.values() if count > 0), sum(dues.values())
    state.put(DIP_PERIODS, key, DipPeriod(stage, len(dues), total, budget_fen, all_fen))
    point_fen = divide_half_up(all_fen * MILLION, total) if total else 0
    fields: dict[str, int | str] = {"insutype": insutype, "period": period.period, "institutions": len(dues)}
    fields |= {"points_millionths": total, "budget_fen": budget_fen, "due_fen": all_fen, "point_fen": point_fen}
    events.append(Event("dip-settled", fields))
    return dues, events


def _due_event(period: OfPeriod, code: str, count: DipCount, due_fen: int, more_fen: int) -> Event:
    fields: dict[str, int | str] = {"insutype": period.insutype, "period": period.period, "fixmedins_code": code}
    fields |= {"cases": count.cases, "points_millionths": count.points, "due_fen": due_fen, "more_fen": more_fen}
    return Event("dip-due", fields)


OPERATIONS = (
    Operation("settle_month", OfPeriod, BY_BUREAU, _settle_month),
    Operation("settle_year", OfPeriod, BY_BUREAU, _settle_year),
)
