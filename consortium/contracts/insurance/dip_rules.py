"""Points of a case and what points are worth (DIP 按病种分值付费): integers alone, rounded where a rule says so.

Points of a group are hundredths, coefficients basis points: their product, millionths of a point, is exact.
"""

from __future__ import annotations

from collections.abc import Mapping

from consortium.contracts.checks import BASIS_POINTS
from consortium.contracts.insurance.drg import divide_half_up

MILLION = 1_000_000  # millionths of a point in a point
MONTHS = 12


def compute_case_points(
    points_hundredths: int, coefficient_bp: int, mean_cost_fen: int, cost_fen: int, low_bp: int, high_bp: int
) -> int:
    """Of one case, in millionths of a point: the group's points × the institution's coefficient, unless its cost lies
    far off the group's mean.

    Below `low_bp` of the mean it has points as its cost has of the mean. Above `high_bp` of it, it has in addition the
    points of the excess. A part of a millionth is rounded half up.
    """
    whole = points_hundredths * coefficient_bp
    cost, mean = cost_fen * BASIS_POINTS, mean_cost_fen * BASIS_POINTS
    if cost < mean_cost_fen * low_bp:
        return divide_half_up(whole * cost_fen, mean_cost_fen)
    return whole + divide_half_up(whole * max(0, cost - mean_cost_fen * high_bp), mean)


def compute_month_budget(year_fen: int, month: int) -> int:
    """What of a year's budget is of its month 1 to 12: twelve parts, alike but for a fen, that add up to the year's."""
    return year_fen * month // MONTHS - year_fen * (month - 1) // MONTHS


def compute_dues(points: Mapping[str, int], budget_fen: int, value_max_fen: int) -> dict[str, int]:
    """What each institution is due of a budget for its points (millionths), to the fen.

    A point is worth the budget divided by all points, at most `value_max_fen`; all of them together are due so many
    whole fen. Each has what its share holds in whole fen; the fen that are left go to the largest remainders, and of
    equal ones to the first by code. Who has no points above zero is due nothing.
    """
    held = {code: count for code, count in sorted(points.items()) if count > 0}
    total = sum(held.values())
    paid_fen = min(budget_fen, total * value_max_fen // MILLION)
    dues = dict.fromkeys(sorted(points), 0)
    for code, count in held.items():
        dues[code] = paid_fen * count // total
    left = paid_fen - sum(dues.values())
    by_remainder = sorted(held, key=lambda code: (-(paid_fen * held[code] % total), code))
    for code in by_remainder[:left]:
        dues[code] += 1
    return dues
