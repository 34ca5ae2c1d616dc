"""A year in which one hospital renders one service: what workloads begin with that need no more of a consortium."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from consortium.contracts.access import HOSPITAL
from consortium.contracts.insurance import enrolment, institution, policy
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO, OPENING_FEN, fund_calls, pack_from
from consortium.scenario.workloads.person_years import new_year

YEAR = 2026
SERVICE, CODE = "svc-bed-day", "H650100"
BEGAN, ENDED = 20260301, 20260310  # a stay


def employed(year: int) -> enrolment.Period:
    """All of a year as an employee."""
    return enrolment.Period(new_year(year), new_year(year + 1), enrolment.EMPLOYEE)


def hospital_calls(hospital: str, persons: Iterable[str]) -> Iterator[GenesisCall]:
    """`hospital`: the member that acts for it; `persons`: the settlement pseudonyms of its patients, employees all."""
    yield genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(new_year(YEAR))))
    item = policy.Item(SERVICE, new_year(YEAR), "A", "service", 0)
    yield genesis_call("policy", "list_items", policy.ListItems((item,)))
    yield from fund_calls(OPENING_FEN)
    sign = institution.Sign(CODE, HOSPITAL, 3, hospital, f"licence-{CODE}", LICENCE_TO)
    yield genesis_call("institution", "sign", sign)
    for person in sorted(persons):
        yield genesis_call("enrolment", "register", enrolment.Register(person, (employed(YEAR),)))
