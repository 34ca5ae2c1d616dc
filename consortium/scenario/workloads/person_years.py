"""The bureau's register of person-years: under which pseudonyms a person is known in one insurance year, by purpose.

A pseudonym is a keyed hash of purpose, year and person, so that nobody without the key tells a person's years, or its
bills and its settlements, from those of others (docs/privacy.md). What the ledger is told of a person-year is cut to
the year: its periods, and one bit of the year before, for a stay that crosses the New Year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance import enrolment
from consortium.scenario.fhir.records import Coverage, Person, Pseudonyms

SETTLEMENT, BILL = "s", "b"  # purposes; each begins its pseudonyms


def new_year(year: int) -> int:
    """The first day of a year."""
    return year * 10_000 + 101


class PersonYears:
    """`covers`: of each person, in order of days; `assisted`: persons on medical assistance; `sources`: what stood in
    the source of a person, as the bureau knows it."""

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        persons: Mapping[str, Person],
        covers: Mapping[str, tuple[Coverage, ...]],
        assisted: frozenset[str],
        sources: Mapping[str, bytes],
    ) -> None:
        self._sources = sources
        self.pseudonyms = pseudonyms
        self._persons = persons
        self._covers = covers
        self._assisted = assisted

    def settlement(self, person: str, day: int) -> str:
        """`psn_no`: under which the services of the year of this day are settled."""
        return self.pseudonyms.of(SETTLEMENT, f"{day // 10_000}/{person}")

    def bill(self, person: str, day: int) -> str:
        """Under which the bills of the year of this day are issued, and the person speaks of them."""
        return self.pseudonyms.of(BILL, f"{day // 10_000}/{person}")

    def links(self, first_year: int, last_year: int) -> dict[str, str]:
        """The settlement pseudonym of each person-year, by its bill pseudonym: the bureau's alone."""
        days = [new_year(year) for year in range(first_year, last_year + 1)]
        found = {self.bill(person, day): self.settlement(person, day) for person in self._persons for day in days}
        return dict(sorted(found.items()))

    def source(self, name: str) -> bytes:
        """What stood in the source under this name of a person, a claim or a prescription."""
        return self._sources[name]

    def commitment(self, person: str, psn_no: str) -> bytes:
        """To what the bureau knows of the person, under another salt each year."""
        return self.pseudonyms.commitment(psn_no, self._sources.get(person, b""))

    def periods(self, person: str, year: int, until: int) -> tuple[enrolment.Period, ...]:
        """What of a person's cover lies in the year, and before the day `until`."""
        first, end = new_year(year), min(new_year(year + 1), until)
        return tuple(
            enrolment.Period(
                max(first, cover.from_day),
                min(cover.to_day, end),
                cover.scheme,
                cover.is_retired,
                cover.is_assisted or (person in self._assisted and cover.scheme == enrolment.RESIDENT),
            )
            for cover in self._covers[person]
            if cover.from_day < end and max(first, cover.from_day) < cover.to_day
        )

    def was_covered(self, person: str, year: int) -> bool:
        """On the last day of the year before."""
        day = (year - 1) * 10_000 + 1231
        return any(cover.from_day <= day < cover.to_day for cover in self._covers[person])

    def is_alive(self, person: str, year: int) -> bool:
        """When the year begins: the dead have no pseudonyms of later years."""
        return not 0 < self._persons[person].died_on < new_year(year)

    def died_in(self, person: str, year: int) -> int:
        """The day of death where it lies in the year, else 0."""
        died_on = self._persons[person].died_on
        return died_on if died_on // 10_000 == year else 0

    def registers(self, first_year: int, last_year: int, until: Mapping[str, int]) -> Iterator[enrolment.Register]:
        """One for each person-year that has cover, year by year, in order of its pseudonym: an order that tells
        nothing. `until`: days before which the cover of some persons ends."""
        for year in range(first_year, last_year + 1):
            found: list[enrolment.Register] = []
            for person in self._persons:
                periods = self.periods(person, year, until.get(person, FOREVER))
                if not periods or not self.is_alive(person, year):
                    continue
                psn_no = self.settlement(person, new_year(year))
                before = self.was_covered(person, year)
                died_on, commitment = self.died_in(person, year), self.commitment(person, psn_no)
                found.append(enrolment.Register(psn_no, periods, died_on, commitment, before))
            yield from sorted(found, key=lambda register: register.psn_no)
