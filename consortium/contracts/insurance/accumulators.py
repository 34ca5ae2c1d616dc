"""What one person used in one year: caps and burdens of each scheme apart, stays and medical aid of both together."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.enrolment import EMPLOYEE
from consortium.core.contract import StateReader, Table


class OfScheme(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """What a person used of one scheme in one year, in fen."""

    hifp_fen: int = 0  # of the pool, in- and outpatient
    outpatient_hifp_fen: int = 0
    outpatient_dedc_fen: int = 0
    hifob_fen: int = 0
    hifmi_fen: int = 0
    burden_fen: int = 0  # inpatient, in scope, left by the pool


class Accumulator(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """What one person used in one year, keyed "psn_no/YYYY". `sequence` counts journal entries, `newest` is the
    sequence of the newest settlement that is not reversed (0 = none): a stack through Settlement.previous."""

    sequence: int = 0
    newest: int = 0
    stays: int = 0
    maf_fen: int = 0
    employee: OfScheme = OfScheme()
    resident: OfScheme = OfScheme()


ACCUMULATORS: Table[Accumulator] = Table("accumulator", Accumulator)


class Used(NamedTuple):
    """What a claim is adjudicated against: the year so far, in fen save the number of stays."""

    stays: int = 0
    maf_fen: int = 0
    hifp_fen: int = 0
    outpatient_hifp_fen: int = 0
    outpatient_dedc_fen: int = 0
    hifob_fen: int = 0
    hifmi_fen: int = 0
    burden_fen: int = 0


def get_accumulator(state: StateReader, psn_no: str, year: int) -> Accumulator:
    return state.get(ACCUMULATORS, f"{psn_no}/{year}") or Accumulator()


def compute_used(row: Accumulator, insutype: str, *, is_joint: bool) -> Used:
    """What a claim under this scheme meets: the scheme's own, and the stays and the medical aid of both.

    `is_joint`: what both schemes used, for every claim: the rule of version 1.
    """
    own = msgspec.structs.astuple(row.employee if insutype == EMPLOYEE else row.resident)
    if is_joint:
        other = msgspec.structs.astuple(row.resident if insutype == EMPLOYEE else row.employee)
        own = tuple(one + two for one, two in zip(own, other, strict=True))
    return Used(row.stays, row.maf_fen, *own)


def accumulate(row: Accumulator, insutype: str, amounts: Amounts, *, is_inpatient: bool, sign: int) -> Accumulator:
    """The accumulators after a settlement (`sign` 1), or as before it (`sign` −1, with the same stored amounts)."""
    own = row.employee if insutype == EMPLOYEE else row.resident
    hifp = sign * amounts.hifp_pay
    after = OfScheme(
        hifp_fen=own.hifp_fen + hifp,
        outpatient_hifp_fen=own.outpatient_hifp_fen + (0 if is_inpatient else hifp),
        outpatient_dedc_fen=own.outpatient_dedc_fen + (0 if is_inpatient else sign * amounts.act_pay_dedc),
        hifob_fen=own.hifob_fen + sign * amounts.hifob_pay,
        hifmi_fen=own.hifmi_fen + sign * amounts.hifmi_pay,
        burden_fen=own.burden_fen + (sign * (amounts.inscp_amt - amounts.hifp_pay) if is_inpatient else 0),
    )
    return Accumulator(
        sequence=row.sequence,
        newest=row.newest,
        stays=row.stays + (sign if is_inpatient else 0),
        maf_fen=row.maf_fen + sign * amounts.maf_pay,
        employee=after if insutype == EMPLOYEE else row.employee,
        resident=row.resident if insutype == EMPLOYEE else after,
    )
