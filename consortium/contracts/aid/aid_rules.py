"""How much aid is granted, and in which tranches: arithmetic of integers, rounded half up once."""

from __future__ import annotations

from consortium.contracts.aid.aid_records import DIAGNOSIS, FOLLOWED_UP, TREATED, AidRules, Tranche
from consortium.contracts.checks import BASIS_POINTS
from consortium.contracts.insurance.drg import divide_half_up


def compute_grant(left_fen: int, granted_before_fen: int, rules: AidRules) -> tuple[int, str]:
    """The grant, and the reason where it is nothing. `granted_before_fen`: to this person in the year."""
    if left_fen <= 0:
        return 0, "need-covered"
    above_fen = left_fen - rules.deductible_fen
    if above_fen <= 0:
        return 0, "below-deductible"
    room_fen = rules.cap_fen - granted_before_fen
    if room_fen <= 0:
        return 0, "cap-reached"
    return min(divide_half_up(above_fen * rules.ratio_bp, BASIS_POINTS), room_fen), ""


def cut(grant_fen: int, rules: AidRules) -> tuple[Tranche, ...]:
    """The tranches of a grant; what rounding leaves is paid when treated."""
    first_fen = divide_half_up(grant_fen * rules.first_bp, BASIS_POINTS)
    last_fen = divide_half_up(grant_fen * rules.last_bp, BASIS_POINTS)
    parts = ((DIAGNOSIS, first_fen), (TREATED, grant_fen - first_fen - last_fen), (FOLLOWED_UP, last_fen))
    return tuple(Tranche(step, amount_fen) for step, amount_fen in parts if amount_fen > 0)
