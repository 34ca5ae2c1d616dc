"""Version 3 of settlement, by docs/domain.md: off-site care by records, premiums that are asked for, months that are
counted. Nothing of `consortium` is imported here.

Nothing is added up as it happens: regions and filings are lists, and a month's sums are made anew from a log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from tests.reference.accounts import need
from tests.reference.arithmetic import Scheme
from tests.reference.book import Book
from tests.reference.registry import Bill, Settled, day_after, days_between

HOME = ""
FILINGS_MAX, REFERRAL_DAYS_MAX = 32, 180


@dataclass(frozen=True)
class Filing:
    """For stays that begin from `begin` until before `end`."""

    kind: str
    begin: int
    end: int


@dataclass(frozen=True)
class Happened:
    """What a month is counted from. `sign`: 1 settled, -1 reversed, 0 disputed."""

    month: int
    code: str
    sign: int
    settled: Settled
    whole: int


class TravelBook(Book):
    """Off site is what records say; a claim says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, str] = {}  # region by institution
        self.homes: dict[str, str] = {}  # and by person
        self.filings: defaultdict[tuple[str, str], list[Filing]] = defaultdict(list)
        self.rules: dict[str, list[tuple[int, int]]] = {}  # by scheme: since, how many months late
        self.paid_for: dict[tuple[str, int], str] = {}  # the scheme of a person's premium of a month
        self.log: list[Happened] = []

    # --- regions ----------------------------------------------------------------------------------------------------

    def place(self, code: str, region: str) -> None:
        need(code in self.institutions, "institution")
        self.places[code] = region

    def settle_at(self, name: str, region: str) -> None:
        need(name in self.persons, "person")
        self.homes[name] = region

    def file(self, name: str, region: str, begin: int, end: int) -> None:
        need(begin < end, "days")
        self._add(name, region, Filing("filed", begin, end))

    def refer(self, code: str, name: str, region: str, end: int) -> None:
        house = self.institutions[code]
        house.need_open(self.today)
        need(house.kind == "hospital", "no hospital")
        need(self.today < end and days_between(self.today, end) <= REFERRAL_DAYS_MAX, "days")
        need(name in self.persons and self.places.get(code, HOME) == self.homes.get(name, HOME), "not at home there")
        self._add(name, region, Filing("referral", self.today, end))

    def _add(self, name: str, region: str, filing: Filing) -> None:
        need(name in self.persons, "person")
        need(region != self.homes.get(name, HOME), "at home")
        need(len(self.filings[name, region]) < FILINGS_MAX, "too many")
        self.filings[name, region].append(filing)

    def withdraw(self, name: str, region: str) -> None:
        """What is in force ends with today; stays that began keep it."""
        tomorrow = day_after(self.today, 1)
        held = self.filings[name, region]
        cut = [one if one.end <= tomorrow else replace(one, end=max(tomorrow, one.begin)) for one in held]
        need(cut != held, "nothing is in force")
        self.filings[name, region] = cut

    def away_for(self, bill: Bill, away: str) -> str:
        need(not away, "records say it")
        region = self.places.get(bill.institution, HOME)
        if region == self.homes.get(bill.person, HOME):
            return ""
        kinds = [one.kind for one in self.filings[bill.person, region] if one.begin <= bill.begin < one.end]
        return "filed" if "filed" in kinds else "referral" if kinds else "unfiled"

    # --- premiums ---------------------------------------------------------------------------------------------------

    def set_premium_rule(self, scheme: str, since: int, months_late: int) -> None:
        self.rules.setdefault(scheme, []).append((since, months_late))

    def premium(self, name: str, month: int, scheme: Scheme, pool: int, account: int) -> None:
        super().premium(name, month, scheme, pool, account)
        self.paid_for[name, month] = scheme

    def need_premium(self, name: str, day: int) -> None:
        person = self.persons[name]
        covers = [cover for cover in person.covers if cover.begin <= day < cover.end]
        need(covers, "not covered")
        late = [months for since, months in sorted(self.rules.get(covers[0].scheme, ())) if since <= day]
        if not late or late[-1] < 0:
            return
        year, month = day // 10_000, day // 100 % 100
        window = range(month - late[-1], month + 1)
        is_paid = any(self.paid_for.get((name, year * 100 + each)) == covers[0].scheme for each in window if each > 0)
        need(is_paid or (window[0] < 1 and person.was_covered), "no premium came")

    # --- claims, and the months they are counted in -----------------------------------------------------------------

    def settle(
        self, number: str, bill: Bill, away: str, uses_account: bool, group: str, payee: str = "", came: int = 0
    ) -> Settled:
        need(bill.person in self.persons, "person")
        self.need_premium(bill.person, bill.end)
        settled = super().settle(number, bill, away, uses_account, group, payee, came)
        if not payee:
            self._note(1, settled)
        return settled

    def claim_in_person(self, number: str, patient: str, person: str, away: str) -> None:
        need(not away, "records say it")
        super().claim_in_person(number, patient, person, away)

    def reverse(self, person: str, year_number: int, entry: int) -> None:
        stack = self.years[person, year_number].stack if (person, year_number) in self.years else []
        settled = stack[-1] if stack else None
        super().reverse(person, year_number, entry)
        if settled is not None and not settled.payee:
            self._note(-1, settled)

    def dispute(self, person: str, year: int, entry: int, role: str) -> None:
        super().dispute(person, year, entry, role)
        self._note(0, self.standing(person, year, entry))

    def _note(self, sign: int, settled: Settled) -> None:
        bill = self.bills[settled.bill]
        self.log.append(Happened(self.today // 100, bill.institution, sign, settled, bill.sums.whole))

    def months(self) -> dict[str, tuple[int, ...]]:
        """By institution and month: settled, reversed, disputed, then the sums: all, funds, account, cash, owed."""
        found: dict[str, list[int]] = {}
        for one in self.log:
            row = found.setdefault(f"{one.code}/{one.month}", [0] * 8)
            row[{1: 0, -1: 1, 0: 2}[one.sign]] += 1
            split = one.settled.split
            for place, fen in enumerate((one.whole, split.fund, split.account, split.cash, one.settled.fen), 3):
                row[place] += one.sign * fen
        return {key: tuple(row) for key, row in found.items()}
