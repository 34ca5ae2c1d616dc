"""A policy pack 政策: every number of a settlement as data, in basis points and fen, effective by service date.

The numbers of `ILLUSTRATIVE_PACK` are illustrative: quoted from a third party's copy of a regional policy, not
verified.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.checks import (
    BASIS_POINTS,
    check_amount,
    check_count,
    check_day,
    check_range,
    check_text,
)
from consortium.core.contract import Refused

FILED, REFERRAL, UNFILED = "filed", "referral", "unfiled"
OFFSITE = ("", FILED, REFERRAL, UNFILED)
STEPS_MAX = 10
DAYS_MAX = 36_525  # a hundred years
_YUAN = 100

ByLevel = tuple[int, int, int]  # of institutions of level 1, 2, 3


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Serious illness pays `ratio_bp` of the year's burden above `above_fen`, up to the next step."""

    above_fen: int
    ratio_bp: int


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of one scheme. Ratios and factors in basis points, the rest in fen. A cap is per person and year."""

    inpatient_deductible_fen: ByLevel
    inpatient_ratio_bp: ByLevel
    inpatient_retiree_bp: int  # added to a retiree's ratio
    outpatient_deductible_fen: ByLevel
    outpatient_ratio_bp: ByLevel
    outpatient_retiree_bp: int
    outpatient_cap_fen: int
    outpatient_cap_retiree_fen: int
    pool_cap_fen: int  # inpatient and outpatient together
    offsite_filed_bp: int
    offsite_referral_bp: int
    offsite_unfiled_bp: int
    hifob_ratio_bp: int  # large-amount scheme, inpatient, on what the pool's cap left; 0 = none
    pool_and_hifob_cap_fen: int
    hifmi_steps: tuple[Step, ...]  # serious-illness scheme, on the year's inpatient burden; empty = none
    hifmi_cap_fen: int


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the policy, effective for services from `from_day` (YYYYMMDD) until the next version."""

    label: str
    from_day: int
    employee: Scheme
    resident: Scheme
    repeat_stay_deductible_bp: int  # share of the inpatient deductible from the second stay of a year on
    outpatient_deductible_is_yearly: bool  # otherwise per visit
    offsite_subtracts: bool  # (ratio + retiree) − (1 − factor), instead of (ratio + retiree) × factor
    maf_ratio_bp: int  # medical aid, of what is left in scope, for persons on assistance
    maf_cap_fen: int
    drg_base_rate_fen: int
    drg_high_bp: int  # cost above this multiple of the DRG payment: the excess is paid too
    drg_low_bp: int  # cost below this multiple: the cost is paid
    claim_days: int  # after the last day of service: until then a claim comes
    lines_days: int  # after the claim: then what is owed becomes payable without a word on the lines; 0 = at once


ILLUSTRATIVE_PACK = Pack(
    label="illustrative",
    from_day=19900101,
    employee=Scheme(
        inpatient_deductible_fen=(200 * _YUAN, 400 * _YUAN, 800 * _YUAN),
        inpatient_ratio_bp=(9_000, 8_800, 8_500),
        inpatient_retiree_bp=300,
        outpatient_deductible_fen=(20 * _YUAN, 50 * _YUAN, 100 * _YUAN),
        outpatient_ratio_bp=(7_500, 6_500, 5_500),
        outpatient_retiree_bp=500,
        outpatient_cap_fen=2_500 * _YUAN,
        outpatient_cap_retiree_fen=3_000 * _YUAN,
        pool_cap_fen=120_000 * _YUAN,
        offsite_filed_bp=10_000,
        offsite_referral_bp=9_000,
        offsite_unfiled_bp=7_000,
        hifob_ratio_bp=9_000,
        pool_and_hifob_cap_fen=550_000 * _YUAN,
        hifmi_steps=(),
        hifmi_cap_fen=0,
    ),
    resident=Scheme(
        inpatient_deductible_fen=(200 * _YUAN, 400 * _YUAN, 800 * _YUAN),
        inpatient_ratio_bp=(8_500, 7_500, 6_000),
        inpatient_retiree_bp=0,
        outpatient_deductible_fen=(0, 0, 0),
        outpatient_ratio_bp=(0, 0, 0),
        outpatient_retiree_bp=0,
        outpatient_cap_fen=0,
        outpatient_cap_retiree_fen=0,
        pool_cap_fen=150_000 * _YUAN,
        offsite_filed_bp=10_000,
        offsite_referral_bp=8_500,
        offsite_unfiled_bp=6_000,
        hifob_ratio_bp=0,
        pool_and_hifob_cap_fen=150_000 * _YUAN,
        hifmi_steps=(
            Step(12_000 * _YUAN, 6_000),
            Step(50_000 * _YUAN, 6_500),
            Step(100_000 * _YUAN, 7_500),
        ),
        hifmi_cap_fen=350_000 * _YUAN,
    ),
    repeat_stay_deductible_bp=5_000,
    outpatient_deductible_is_yearly=False,
    offsite_subtracts=False,
    maf_ratio_bp=7_000,
    maf_cap_fen=30_000 * _YUAN,
    drg_base_rate_fen=10_000 * _YUAN,
    drg_high_bp=30_000,
    drg_low_bp=4_000,
    claim_days=365,
    lines_days=15,
)


def check_pack(pack: Pack) -> None:
    """Refuses a pack whose numbers are out of range: `bad-date`, `bad-number`, `bad-amount`, `bad-steps`."""
    check_text(pack.label, "label", 64)
    check_day(pack.from_day, "from_day")
    for scheme in (pack.employee, pack.resident):
        _check_scheme(scheme)
    check_range(pack.repeat_stay_deductible_bp, 0, BASIS_POINTS, "repeat_stay_deductible_bp")
    check_range(pack.maf_ratio_bp, 0, BASIS_POINTS, "maf_ratio_bp")
    check_amount(pack.maf_cap_fen, "maf_cap_fen")
    check_amount(pack.drg_base_rate_fen, "drg_base_rate_fen")
    check_range(pack.drg_high_bp, BASIS_POINTS, 100 * BASIS_POINTS, "drg_high_bp")
    check_range(pack.drg_low_bp, 0, BASIS_POINTS, "drg_low_bp")
    check_range(pack.claim_days, 0, DAYS_MAX, "claim_days")
    check_range(pack.lines_days, 0, DAYS_MAX, "lines_days")


def _check_scheme(scheme: Scheme) -> None:
    for ratio_bp in (
        *scheme.inpatient_ratio_bp,
        *scheme.outpatient_ratio_bp,
        scheme.inpatient_retiree_bp,
        scheme.outpatient_retiree_bp,
        scheme.offsite_filed_bp,
        scheme.offsite_referral_bp,
        scheme.offsite_unfiled_bp,
        scheme.hifob_ratio_bp,
    ):
        check_range(ratio_bp, 0, BASIS_POINTS, "a ratio")
    for amount_fen in (
        *scheme.inpatient_deductible_fen,
        *scheme.outpatient_deductible_fen,
        scheme.outpatient_cap_fen,
        scheme.outpatient_cap_retiree_fen,
        scheme.pool_cap_fen,
        scheme.pool_and_hifob_cap_fen,
        scheme.hifmi_cap_fen,
    ):
        check_amount(amount_fen, "a deductible or cap")
    check_count(len(scheme.hifmi_steps), STEPS_MAX, "hifmi_steps", 0)
    above_fen = -1
    for step in scheme.hifmi_steps:
        check_amount(step.above_fen, "a step's above_fen")
        check_range(step.ratio_bp, 0, BASIS_POINTS, "a step's ratio_bp")
        if step.above_fen <= above_fen:
            raise Refused("bad-steps", "the steps of the serious-illness scheme must ascend")
        above_fen = step.above_fen
