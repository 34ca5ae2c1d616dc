"""Who lives in a made-up region, and which institutions serve them: drawn from the scenario's seed.

Of ten persons six are employees and four residents, of these one on assistance; every fifth employee is retired. A
person is at home in the region of its place; the capital is the home region "" of the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from consortium.contracts.access import HOSPITAL, PHARMACY
from consortium.contracts.insurance import enrolment, institution, offsite, policy
from consortium.contracts.insurance.premium import SetRule
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.claim_day_genesis import ITEMS_A_CALL, LICENCE_TO, fund_calls, pack_from
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year

PLACES = ("", "east-town", "north-county", "south-county")  # regions: what is no town is country
PLACE_WEIGHTS = (4, 3, 2, 1)
OPENING_FEN = 20_000_000_000  # of each fund
BED, VISIT = "svc-bed-day", "svc-visit"
DRUGS = ("drug-metformin", "drug-insulin", "drug-amlodipine")
CHRONIC_SHARE = 25  # one in so many persons takes a drug all year
_ITEMS = ((BED, "A", "service", 0), (VISIT, "A", "service", 0), ("svc-scan", "B", "service", 1_000))


class Person(NamedTuple):
    """`psn_no`, `patient`: pseudonyms of the year; `heir`: that of settlements of the next."""

    number: int
    psn_no: str
    patient: str
    heir: str
    place: str
    scheme: str
    is_retired: bool
    is_assisted: bool

    def period(self, year: int) -> enrolment.Period:
        return enrolment.Period(new_year(year), new_year(year + 1), self.scheme, self.is_retired, self.is_assisted)


class Institution(NamedTuple):
    code: str
    kind: str
    member: str
    level: int
    place: str


class Region(NamedTuple):
    year: int
    persons: tuple[Person, ...]
    hospitals: tuple[Institution, ...]
    pharmacies: tuple[Institution, ...]

    @property
    def institutions(self) -> tuple[Institution, ...]:
        return (*self.hospitals, *self.pharmacies)


def draw_region(
    stream: Stream, year: int, count: int, pseudonyms: Pseudonyms, hospitals: Sequence[str], pharmacies: Sequence[str]
) -> Region:
    """`count` persons; an institution for each hospital and pharmacy, by turns in the places."""
    persons = tuple(_draw_person(stream, year, number, pseudonyms) for number in range(count))
    return Region(
        year,
        persons,
        tuple(_institution("H", HOSPITAL, at, name) for at, name in enumerate(hospitals)),
        tuple(_institution("P", PHARMACY, at, name) for at, name in enumerate(pharmacies)),
    )


def _draw_person(stream: Stream, year: int, number: int, pseudonyms: Pseudonyms) -> Person:
    is_employee = number % 10 < 6
    return Person(
        number,
        pseudonyms.of(SETTLEMENT, f"{year}/{number}"),
        pseudonyms.of(BILL, f"{year}/{number}"),
        pseudonyms.of(SETTLEMENT, f"{year + 1}/{number}"),
        PLACES[weighted(stream, PLACE_WEIGHTS)],
        enrolment.EMPLOYEE if is_employee else enrolment.RESIDENT,
        is_employee and stream.below(5) == 0,
        number % 10 == 9,
    )


def weighted(stream: Stream, weights: Sequence[int]) -> int:
    """A place, so often as its weight says."""
    left = stream.below(sum(weights))
    for place, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return place
    raise AssertionError("the weights add up to more than was drawn")


def _institution(letter: str, kind: str, at: int, member: str) -> Institution:
    """Three levels by turns; a pharmacy is of the first."""
    level = 1 if kind == PHARMACY else 1 + (at + 2) % 3
    return Institution(f"{letter}65{at:04d}", kind, member, level, PLACES[at % len(PLACES)])


def genesis_calls(region: Region) -> Iterator[GenesisCall]:
    """Funds, policy, catalogue, institutions and persons of the year; a premium is asked for before care is paid."""
    year = region.year
    yield genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(new_year(year))))
    drugs = [(drug, "A", "drug", 0) for drug in DRUGS]
    known = (*_ITEMS, *drugs)
    items = tuple(policy.Item(code, new_year(year), level, kind, share) for code, level, kind, share in known)
    for first in range(0, len(items), ITEMS_A_CALL):
        yield genesis_call("policy", "list_items", policy.ListItems(items[first : first + ITEMS_A_CALL]))
    yield from fund_calls(OPENING_FEN)
    for one in region.institutions:
        sign = institution.Sign(one.code, one.kind, one.level, one.member, f"licence-{one.code}", LICENCE_TO)
        yield genesis_call("institution", "sign", sign)
        if one.place:
            yield genesis_call("offsite", "place", offsite.Place(one.code, one.place))
    yield genesis_call("premium", "set_rule", SetRule(enrolment.EMPLOYEE, new_year(year), 11))
    for person in sorted(region.persons, key=lambda one: one.psn_no):  # an order that tells nothing
        yield genesis_call("enrolment", "register", enrolment.Register(person.psn_no, (person.period(year),)))
        if person.place:
            yield genesis_call("offsite", "settle", offsite.Settle(person.psn_no, person.place))
