"""What rules look at: accepted claims and what is known around them, as plain values.

`gather.py` makes them from the state of a ledger; lines, links and diagnoses come from whoever holds them, and are
empty for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

import msgspec

from consortium.contracts.insurance.bill import INPATIENT
from consortium.contracts.insurance.enrolment import Person
from consortium.contracts.insurance.lines import Line, Sold
from consortium.contracts.medicines.sales import SecondSales
from consortium.core.calendar import ordinal_of_day

DRUG = "drug"


class Claim(NamedTuple):
    """A settlement that stands: accepted, and not reversed. Days YYYYMMDD; `fund_fen`: what the funds paid for it."""

    key: str
    psn_no: str
    bill_no: str
    fixmedins_code: str
    med_type: str
    begndate: int
    enddate: int
    medfee_fen: int
    fund_fen: int
    drg_group: str = ""
    drg_payment_fen: int = 0
    sold: tuple[Sold, ...] = ()

    @property
    def is_stay(self) -> bool:
        return self.med_type == INPATIENT

    @property
    def first(self) -> int:
        """Days since 1970 of the first day of service."""
        return ordinal_of_day(self.begndate)

    @property
    def last(self) -> int:
        """The same of the last, of discharge."""
        return ordinal_of_day(self.enddate)

    @property
    def days(self) -> int:
        """Of service, first and last counted."""
        return self.last - self.first + 1


class Insured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bureau alone knows of a settlement pseudonym: whose it is (a word of its own register), sex (F | M |
    ""), day of birth, telephone (a keyed hash) and region of enrolment; "" and 0 where it does not know."""

    person: str
    sex: str = ""
    born_on: int = 0
    phone: str = ""
    region: str = ""


class Place(NamedTuple):
    """An institution: kind (hospital | pharmacy) and region, "" of the home region."""

    kind: str
    region: str = ""


class Facts(msgspec.Struct, frozen=True, dict=True):
    """`claims` in order of their last day and number. `covers`: what the ledger says of each pseudonym today. `items`:
    the kind (drug | consumable | service) of each listed one, and `code_free` which drugs settle without codes.
    `received`: packs by institution and item, of goods that were ordered under the tenders of `tendered`.
    `second_sales` by trace code, `pack_units` of packs that were sold in parts. `weights`: of DRG groups, in
    ten-thousandths."""

    claims: tuple[Claim, ...] = ()
    covers: Mapping[str, Person] = {}
    places: Mapping[str, Place] = {}
    items: Mapping[str, str] = {}
    code_free: frozenset[str] = frozenset()
    received: Mapping[tuple[str, str], int] = {}
    tendered: frozenset[str] = frozenset()
    second_sales: Mapping[str, SecondSales] = {}
    pack_units: Mapping[str, int] = {}
    weights: Mapping[str, int] = {}
    lines: Mapping[str, tuple[Line, ...]] = {}
    insured: Mapping[str, Insured] = {}
    diagnoses: Mapping[str, str] = {}

    def person_of(self, claim: Claim) -> str:
        """Whose claim it is: the person where links are known, else the pseudonym of the year."""
        known = self.insured.get(claim.psn_no)
        return claim.psn_no if known is None else known.person

    @cached_property
    def by_person(self) -> Mapping[str, tuple[Claim, ...]]:
        """The claims of each person, in the order of `claims`."""
        return _grouped((self.person_of(claim), claim) for claim in self.claims)

    @cached_property
    def stays(self) -> Mapping[str, tuple[Claim, ...]]:
        """The stays of each person, in order of admission."""
        found = _grouped((self.person_of(claim), claim) for claim in self.claims if claim.is_stay)
        return {person: tuple(sorted(all_, key=lambda one: (one.first, one.last))) for person, all_ in found.items()}

    @cached_property
    def by_bill(self) -> Mapping[str, Claim]:
        return {claim.bill_no: claim for claim in self.claims}

    def lines_of(self, claim: Claim) -> tuple[Line, ...]:
        """Empty where they are not known."""
        return self.lines.get(claim.bill_no, ())

    def dispensed(self, claim: Claim) -> Iterator[tuple[str, int]]:
        """Drugs of a claim and how many: by its lines, or, where they are not known, by what it sold by code."""
        known: Iterable[Line | Sold] = self.lines_of(claim) or claim.sold
        for each in known:
            if self.items.get(each.med_list_codg) == DRUG:
                yield each.med_list_codg, each.cnt

    def is_drug(self, item: str) -> bool:
        return self.items.get(item) == DRUG


def _grouped(pairs: Iterable[tuple[str, Claim]]) -> dict[str, tuple[Claim, ...]]:
    found: dict[str, list[Claim]] = {}
    for name, claim in pairs:
        found.setdefault(name, []).append(claim)
    return {name: tuple(claims) for name, claims in sorted(found.items())}
