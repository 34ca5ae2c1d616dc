"""Under which terms a bill is adjudicated: insurance, policy pack, level, kind of care.

Coverage is asked on the first and on the last day of service; scheme, policy and year are those of the last, the day
of discharge.
"""

from __future__ import annotations

from typing import NamedTuple

from consortium.contracts.access import HOSPITAL
from consortium.contracts.insurance import enrolment, policy
from consortium.contracts.insurance.bill import INPATIENT, Bill
from consortium.contracts.insurance.institution import Institution
from consortium.contracts.insurance.policy_pack import Pack
from consortium.contracts.insurance.settlement_rules import Terms
from consortium.core.contract import Refused, StateReader


class Judged(NamedTuple):
    """What a bill is adjudicated under."""

    insutype: str
    pack: Pack
    terms: Terms


def check_year_open(state: StateReader, year: int) -> policy.Calendar:
    """Refuses `year-closed`; returns the calendar that says so."""
    calendar = policy.get_calendar(state)
    if year <= calendar.closed_through:
        raise Refused("year-closed", f"the books are closed through {calendar.closed_through}")
    return calendar


def judge_terms(state: StateReader, bill: Bill, psn_no: str, offsite: str, institution: Institution) -> Judged:
    """Refuses what is under no terms: `year-closed`, `no-policy`, `not-a-hospital`, and what enrolment refuses."""
    day = bill.enddate
    calendar = check_year_open(state, day // 10_000)
    person = enrolment.get_person(state, psn_no)
    period = enrolment.cover(person, psn_no, day)
    if bill.begndate != day:
        enrolment.check_cover_began(person, psn_no, bill.begndate, day)
    pack = policy.pack_of(state, calendar, day)
    scheme = pack.employee if period.insutype == enrolment.EMPLOYEE else pack.resident
    is_inpatient = bill.med_type == INPATIENT
    if is_inpatient and institution.kind != HOSPITAL:
        raise Refused("not-a-hospital", f"{bill.fixmedins_code} is a {institution.kind}: it has no inpatients")
    terms = Terms(scheme, is_inpatient, institution.level, period.retired, period.assisted, offsite)
    return Judged(period.insutype, pack, terms)
