"""The arithmetic of a settlement: pure, integers only, fen, half up.

Follows docs/domain.md, "Settlement of a claim", with the choices that the page states where the law is silent.
"""

from __future__ import annotations

from typing import NamedTuple

from consortium.contracts.checks import BASIS_POINTS
from consortium.contracts.insurance.accumulators import Used
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.drg import divide_half_up
from consortium.contracts.insurance.lines import Sums
from consortium.contracts.insurance.policy_pack import FILED, REFERRAL, Pack, Scheme, Step


class Terms(NamedTuple):
    """Under which circumstances a claim is adjudicated. `level` 1 to 3; `offsite` "" or of policy_pack.OFFSITE."""

    scheme: Scheme
    is_inpatient: bool
    level: int
    is_retired: bool
    is_assisted: bool
    offsite: str


def compute_deductible(terms: Terms, used: Used, pack: Pack) -> int:
    """The deductible still open: per stay (less from the year's second on), per visit or per year."""
    if terms.is_inpatient:
        deductible = terms.scheme.inpatient_deductible_fen[terms.level - 1]
        if used.stays:
            return divide_half_up(deductible * pack.repeat_stay_deductible_bp, BASIS_POINTS)
        return deductible
    deductible = terms.scheme.outpatient_deductible_fen[terms.level - 1]
    if pack.outpatient_deductible_is_yearly:
        return max(0, deductible - used.outpatient_dedc_fen)
    return deductible


def compute_ratio(terms: Terms, pack: Pack) -> int:
    """The pool's ratio in units of 10**-8, exact: (ratio + retiree's points) × factor, or − (1 − factor)."""
    scheme = terms.scheme
    if terms.is_inpatient:
        ratio_bp, retiree_bp = scheme.inpatient_ratio_bp[terms.level - 1], scheme.inpatient_retiree_bp
    else:
        ratio_bp, retiree_bp = scheme.outpatient_ratio_bp[terms.level - 1], scheme.outpatient_retiree_bp
    if terms.is_retired:
        ratio_bp = min(BASIS_POINTS, ratio_bp + retiree_bp)
    factor_bp = BASIS_POINTS
    if terms.offsite:
        if terms.offsite == FILED:
            factor_bp = scheme.offsite_filed_bp
        elif terms.offsite == REFERRAL:
            factor_bp = scheme.offsite_referral_bp
        else:
            factor_bp = scheme.offsite_unfiled_bp
    if pack.offsite_subtracts:
        return max(0, ratio_bp - (BASIS_POINTS - factor_bp)) * BASIS_POINTS
    return ratio_bp * factor_bp


_RATIO_UNIT = BASIS_POINTS * BASIS_POINTS


def compute_due(steps: tuple[Step, ...], burden_fen: int) -> int:
    """What the serious-illness scheme owes for a year's burden: each step's share, rounded once."""
    due = 0
    upper = burden_fen
    for step in reversed(steps):
        if upper > step.above_fen:
            due += (upper - step.above_fen) * step.ratio_bp
            upper = step.above_fen
    return divide_half_up(due, BASIS_POINTS)


def adjudicate(sums: Sums, terms: Terms, used: Used, pack: Pack, account_fen: int) -> Amounts:
    """Settle a bill: deductible → pool → large-amount or serious-illness → medical aid → personal account → cash.

    `account_fen` is what the personal account may pay (0 where the patient does not use it).
    """
    scheme = terms.scheme
    dedc = min(compute_deductible(terms, used, pack), sums.inscp_amt)
    base = sums.inscp_amt - dedc
    hifp, rest_of_base = _pool_payment(base, terms, used, pack)
    left = sums.inscp_amt - hifp
    hifob = hifmi = maf = 0
    if terms.is_inpatient:
        if scheme.hifob_ratio_bp and rest_of_base:
            room = scheme.pool_and_hifob_cap_fen - used.hifp_fen - hifp - used.hifob_fen
            hifob = min(divide_half_up(rest_of_base * scheme.hifob_ratio_bp, BASIS_POINTS), max(0, room))
        if scheme.hifmi_steps:
            due = min(compute_due(scheme.hifmi_steps, used.burden_fen + left), scheme.hifmi_cap_fen)
            hifmi = min(max(0, due - used.hifmi_fen), left - hifob)
    left -= hifob + hifmi
    if terms.is_assisted:
        wanted = divide_half_up(left * pack.maf_ratio_bp, BASIS_POINTS)
        maf = min(wanted, max(0, pack.maf_cap_fen - used.maf_fen))
    fund = hifp + hifob + hifmi + maf
    personal = sums.medfee_sumamt - fund
    account = min(account_fen, personal)
    return Amounts(*sums.by_class, dedc, hifp, hifob, hifmi, maf, fund, personal, account, personal - account)


def _pool_payment(base: int, terms: Terms, used: Used, pack: Pack) -> tuple[int, int]:
    """(hifp_pay, the part of the base that it did not consume, for want of room under a cap)."""
    scheme = terms.scheme
    ratio = compute_ratio(terms, pack)
    wanted = divide_half_up(base * ratio, _RATIO_UNIT)
    room = min(
        scheme.pool_cap_fen - used.hifp_fen,
        scheme.pool_and_hifob_cap_fen - used.hifp_fen - used.hifob_fen,
    )
    if not terms.is_inpatient:
        cap = scheme.outpatient_cap_retiree_fen if terms.is_retired else scheme.outpatient_cap_fen
        room = min(room, cap - used.outpatient_hifp_fen)
    room = max(0, room)
    if wanted <= room:
        return wanted, 0
    return room, base - divide_half_up(room * _RATIO_UNIT, ratio)
