"""Why a settlement pays what it pays: its person-year adjudicated once more, entry by entry, with every number at hand.

What is told is held against what stands on the ledger: where the two differ (a cover that was changed since, say), no
reason is told rather than a wrong one.
"""

from __future__ import annotations

from typing import NamedTuple

from consortium.contracts.insurance import enrolment, policy
from consortium.contracts.insurance.accumulators import Accumulator, Used, accumulate, compute_used
from consortium.contracts.insurance.amounts import negate
from consortium.contracts.insurance.bill import INPATIENT
from consortium.contracts.insurance.institution import get_institution
from consortium.contracts.insurance.journal import SETTLEMENTS, Settlement
from consortium.contracts.insurance.lines import Sums
from consortium.contracts.insurance.policy_pack import Pack
from consortium.contracts.insurance.settlement_rules import Terms, adjudicate, compute_deductible, compute_ratio
from consortium.core.contract import Refused, StateReader
from consortium.stories.lookup import rows_of


class Reason(NamedTuple):
    """`used`: what the year had used before. `deductible_fen`: what was open; `ratio`: the pool's, in units of
    10**-8; `base_fen`: what it is a ratio of."""

    terms: Terms
    pack: Pack
    used: Used
    deductible_fen: int
    ratio: int
    base_fen: int

    @property
    def is_capped(self) -> bool:
        """Whether the pool would have paid more but for a limit."""
        return self._wanted_fen > self._paid_room_fen

    @property
    def _wanted_fen(self) -> int:
        return (2 * self.base_fen * self.ratio + 10**8) // (2 * 10**8)

    @property
    def _paid_room_fen(self) -> int:
        scheme = self.terms.scheme
        room = min(
            scheme.pool_cap_fen - self.used.hifp_fen,
            scheme.pool_and_hifob_cap_fen - self.used.hifp_fen - self.used.hifob_fen,
        )
        if not self.terms.is_inpatient:
            cap = scheme.outpatient_cap_retiree_fen if self.terms.is_retired else scheme.outpatient_cap_fen
            room = min(room, cap - self.used.outpatient_hifp_fen)
        return max(0, room)


def reasons_of(state: StateReader, psn_no: str, year: int) -> dict[str, Reason]:
    """By the key of the settlement; those that cannot be told are not there."""
    found: dict[str, Reason] = {}
    row = Accumulator()
    for key, entry in rows_of(state, SETTLEMENTS, f"{psn_no}/{year}/"):
        is_inpatient = entry.med_type == INPATIENT
        if entry.reverses:
            row = accumulate(row, entry.insutype, negate(entry.amounts), is_inpatient=is_inpatient, sign=-1)
            continue
        reason = _judge(state, psn_no, entry, row)
        if reason is not None:
            found[key] = reason
        row = accumulate(row, entry.insutype, entry.amounts, is_inpatient=is_inpatient, sign=1)
    return found


def _judge(state: StateReader, psn_no: str, entry: Settlement, row: Accumulator) -> Reason | None:
    try:
        person = enrolment.get_person(state, psn_no)
        period = enrolment.cover(person, psn_no, entry.enddate)
        pack = policy.pack_on(state, entry.enddate)
        level = get_institution(state, entry.fixmedins_code).level
    except Refused:
        return None
    scheme = pack.employee if entry.insutype == enrolment.EMPLOYEE else pack.resident
    is_inpatient = entry.med_type == INPATIENT
    terms = Terms(scheme, is_inpatient, level, period.retired, period.assisted, entry.offsite)
    amounts = entry.amounts
    sums = Sums(*(getattr(amounts, name) for name in Sums.__struct_fields__[:5]))
    for is_joint in (False, True):  # the rule of today, and that of version 1
        used = compute_used(row, entry.insutype, is_joint=is_joint)
        if adjudicate(sums, terms, used, pack, amounts.acct_pay) == amounts:
            deductible_fen = compute_deductible(terms, used, pack)
            base_fen = amounts.inscp_amt - amounts.act_pay_dedc
            return Reason(terms, pack, used, deductible_fen, compute_ratio(terms, pack), base_fen)
    return None
