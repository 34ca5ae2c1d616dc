"""What the ledger must hold after each operation, by docs/domain.md: accounts, covers, bills, the stack of each
person-year. Written from that page, not from the contracts; nothing of `consortium` is imported here.

An operation either changes the book or raises `No` and leaves it as it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

from tests.reference.accounts import OUTSIDE, Accounts, No, need
from tests.reference.arithmetic import (
    Circumstances,
    Item,
    Kind,
    LineOf,
    Policy,
    Scheme,
    Split,
    Sums,
    Used,
    case_payment,
    split_claim,
    sum_lines,
)

LARGE, ILLNESS, AID = "fund/large-amount", "fund/serious-illness", "fund/medical-aid"
CLAIMABLE = ("verified", "collected")  # by another than the issuer
POOLS: dict[Scheme, str] = {"employee": "fund/employee-pool", "resident": "fund/resident-pool"}


@dataclass(frozen=True)
class Cover:
    """On each day from `begin` until before `end`."""

    begin: int
    end: int
    scheme: Scheme
    is_retired: bool = False
    is_assisted: bool = False


@dataclass(frozen=True)
class Person:
    """By a pseudonym that is of one year: `was_covered`, on the last day of the year before."""

    covers: tuple[Cover, ...]
    died: int = 0
    was_covered: bool = False

    def on(self, day: int) -> Cover:
        need(not self.died or day <= self.died, "dead")
        found = [cover for cover in self.covers if cover.begin <= day < cover.end]
        need(found, "not covered")
        return found[0]

    def need_since(self, begin: int, end: int) -> None:
        """Covered when a stay began, perhaps in the year before."""
        if begin // 10_000 != end // 10_000 - 1 or not self.was_covered:
            self.on(begin)


@dataclass
class Institution:
    kind: str  # hospital or pharmacy
    level: int
    member: str
    coefficient: Fraction = Fraction(1)
    licence_to: int = 29991231
    status: str = "signed"

    def need_open(self, day: int) -> None:
        need(self.status == "signed", self.status)
        need(day <= self.licence_to, "licence")


@dataclass(frozen=True)
class Bill:
    institution: str
    person: str
    kind: Kind
    begin: int
    end: int
    lines: tuple[LineOf, ...]
    sums: Sums
    stage: str = "issued"
    is_paid: bool = False


@dataclass(frozen=True)
class Settled:
    """On the stack of its person-year."""

    number: int
    bill: str
    scheme: Scheme
    split: Split
    paid: tuple[tuple[str, int], ...]  # who paid the institution, and how much


@dataclass
class Year:
    """Of one person."""

    entries: int = 0
    stays: int = 0
    aid: int = 0
    used: dict[Scheme, Used] = field(default_factory=lambda: {"employee": Used(), "resident": Used()})
    stack: list[Settled] = field(default_factory=list)


@dataclass
class Pack:
    item: str
    units: int
    holder: str  # an institution
    taken: dict[str, int] = field(default_factory=dict)  # by bill, units

    @property
    def left(self) -> int:
        return self.units - sum(self.taken.values())


class Book(Accounts):
    """`is_joint`: the rule of before, by which the two schemes of a person share their rooms and burdens."""

    def __init__(self) -> None:
        super().__init__()
        self.today = 0
        self.is_joint = False
        self.policies: list[Policy] = []
        self.items: dict[str, list[Item]] = {}
        self.groups: dict[str, list[tuple[int, Fraction]]] = {}
        self.persons: dict[str, Person] = {}
        self.premiums: set[tuple[str, int]] = set()
        self.institutions: dict[str, Institution] = {}
        self.bills: dict[str, Bill] = {}
        self.years: dict[tuple[str, int], Year] = {}
        self.packs: dict[str, Pack] = {}
        self.closed_through = 0

    # --- money ----------------------------------------------------------------------------------------------------

    def contribute(self, target: str, fen: int) -> None:
        need(fen > 0 and target.partition("/")[0] in ("fund", "person"), "target")
        self.move([(OUTSIDE, target, fen)])

    def propose(self, source: str, target: str) -> None:
        """Money from fund to fund, which moves when another role endorses it."""
        need(source != target, "funds")

    def appropriate(self, source: str, target: str, fen: int) -> None:
        need(fen > 0 and source != target and source.startswith("fund/") and target.startswith("fund/"), "funds")
        self.move([(source, target, fen)])

    def disburse(self, code: str, fen: int) -> None:
        need(code in self.institutions and self.institutions[code].status != "suspended", "institution")
        need(0 < fen <= self.accounts[f"payable/{code}"], "owed less")
        self.move([(f"payable/{code}", f"paid/{code}", fen)])

    # --- persons and institutions -------------------------------------------------------------------------------------

    def enrol(self, name: str, person: Person) -> None:
        self.persons[name] = person
        if any(cover.scheme == "employee" for cover in person.covers):
            self.accounts.setdefault(f"person/{name}", 0)

    def premium(self, name: str, month: int, scheme: Scheme, pool: int, account: int) -> None:
        need(name in self.persons and pool + account > 0, "person")
        need(scheme == "employee" or not account, "residents have no account")
        need((name, month) not in self.premiums, "paid already")
        self.move([(OUTSIDE, POOLS[scheme], pool), (OUTSIDE, f"person/{name}", account)])
        self.premiums.add((name, month))

    def sign(self, code: str, institution: Institution) -> None:
        need(code not in self.institutions or self.institutions[code].status == "terminated", "signed already")
        self.institutions[code] = institution
        self.accounts.setdefault(f"payable/{code}", 0)
        self.accounts.setdefault(f"paid/{code}", 0)

    def set_status(self, code: str, before: Sequence[str], after: str) -> None:
        need(code in self.institutions and self.institutions[code].status in before, "status")
        self.institutions[code].status = after

    # --- policy -------------------------------------------------------------------------------------------------------

    def adopt(self, policy: Policy) -> None:
        need(all(policy.since != known.since for known in self.policies), "known")
        self.policies = sorted([*self.policies, policy], key=lambda each: each.since)

    def list_item(self, name: str, item: Item) -> None:
        versions = self.items.setdefault(name, [])
        need(all(item.since != known.since for known in versions), "known")
        versions.append(item)
        versions.sort(key=lambda each: each.since)

    def set_group(self, group: str, since: int, weight: Fraction) -> None:
        versions = self.groups.setdefault(group, [])
        need(all(since != known for known, _ in versions), "known")
        versions.append((since, weight))
        versions.sort()

    def item_on(self, name: str, day: int) -> Item | None:
        found = [item for item in self.items.get(name, ()) if item.since <= day]
        return found[-1] if found else None

    def close_year(self, year: int) -> None:
        need(year > self.closed_through and year < self.today // 10_000, "the year is not over, or closed")
        self.closed_through = year

    # --- bills --------------------------------------------------------------------------------------------------------

    def issue(self, number: str, bill: Bill) -> None:
        need(bill.institution in self.institutions, "institution")
        self.institutions[bill.institution].need_open(bill.end)
        need(bill.begin <= bill.end <= self.today, "days")
        need(number not in self.bills, "number")
        need(bill.sums.whole > 0, "empty")
        self.bills[number] = bill

    def step_bill(self, number: str, before: str, after: str) -> None:
        need(number in self.bills and self.bills[number].stage == before, "stage")
        self.bills[number] = replace(self.bills[number], stage=after)

    def cancel_bill(self, number: str, red_number: str) -> None:
        bill = self.bills.get(number)
        need(bill is not None and not bill.is_paid and bill.stage not in ("reversed", "red-letter"), "bill")
        assert bill is not None
        need(red_number not in self.bills, "number")
        self.bills[number] = replace(bill, stage="reversed")
        self.bills[red_number] = replace(bill, stage="red-letter", is_paid=False)

    def sums_of(self, lines: Sequence[LineOf], day: int) -> Sums:
        return sum_lines(lines, {line.item: self.item_on(line.item, day) for line in lines})

    # --- settlement ---------------------------------------------------------------------------------------------------

    def year_of(self, person: str, year: int) -> Year:
        return self.years.setdefault((person, year), Year())

    def claim(self, number: str, away: str, uses_account: bool, group: str) -> Settled:
        """Of a bill that another than its issuer has verified."""
        bill = self.bills.get(number)
        need(bill is not None and not bill.is_paid and bill.stage in CLAIMABLE, "bill")
        assert bill is not None
        return self.settle(number, bill, away, uses_account, group)

    def issue_and_claim(self, number: str, bill: Bill, away: str, uses_account: bool, group: str) -> Settled:
        known = dict(self.bills)
        self.issue(number, bill)
        try:
            return self.settle(number, bill, away, uses_account, group)
        except No:
            self.bills = known
            raise

    def settle(self, number: str, bill: Bill, away: str, uses_account: bool, group: str) -> Settled:
        institution, day = self.institutions[bill.institution], bill.end
        institution.need_open(day)
        self.need_in_time(day)
        need(away in ("", "unfiled"), "no filing on the ledger")
        need(day // 10_000 > self.closed_through, "closed")
        need(bill.person in self.persons, "person")
        cover = self.persons[bill.person].on(day)
        self.persons[bill.person].need_since(bill.begin, day)
        need(bill.kind == "outpatient" or institution.kind == "hospital", "no hospital")
        need(not group or bill.kind == "inpatient", "a case is a stay")
        sales = self.sales_of(number, bill)
        policy = self.policy_on(day)
        who = Circumstances(cover.scheme, bill.kind, institution.level, cover.is_retired, cover.is_assisted, away)
        year = self.year_of(bill.person, day // 10_000)
        account = f"person/{bill.person}"
        held = self.accounts.get(account, 0) if uses_account else 0
        split = split_claim(policy, who, bill.sums, self.used(year, who.scheme), year.stays, year.aid, held)
        pool = split.pool
        if group:
            value = case_payment(policy, self.weight_on(group, day), institution.coefficient, bill.sums.whole)
            pool = max(0, split.pool + value - bill.sums.whole)
        shares = (
            (POOLS[cover.scheme], pool),
            (LARGE, split.large),
            (ILLNESS, split.illness),
            (AID, split.aid),
            (account, split.account),
        )
        paid = tuple((source, fen) for source, fen in shares if fen)
        self.move([(source, f"payable/{bill.institution}", fen) for source, fen in paid])
        year.entries += 1
        settled = Settled(year.entries, number, cover.scheme, split, paid)
        self.count(year, settled, bill.kind, 1)
        year.stack.append(settled)
        for pack, units in sales:
            pack.taken[number] = pack.taken.get(number, 0) + units
        self.bills[number] = replace(bill, is_paid=True)
        return settled

    def policy_on(self, day: int) -> Policy:
        return self.policies[bisect_right([each.since for each in self.policies], day) - 1]

    def need_in_time(self, day: int) -> None:
        """A claim is not of a day to come, and comes within the days of that day's policy."""
        need(day <= self.today, "future")
        need(days_between(day, self.today) <= self.policy_on(day).claim_days, "late")

    def weight_on(self, group: str, day: int) -> Fraction:
        found = [weight for since, weight in self.groups.get(group, ()) if since <= day]
        need(found, "group")
        return found[-1]

    def used(self, year: Year, scheme: Scheme) -> Used:
        return year.used["employee"].plus(year.used["resident"]) if self.is_joint else year.used[scheme]

    def count(self, year: Year, settled: Settled, kind: Kind, sign: int) -> None:
        added = settled.split.used
        signed = Used(*(sign * getattr(added, name) for name in added.__dataclass_fields__))
        year.used[settled.scheme] = year.used[settled.scheme].plus(signed)
        year.stays += sign * (kind == "inpatient")
        year.aid += sign * settled.split.aid

    def sales_of(self, number: str, bill: Bill) -> list[tuple[Pack, int]]:
        """The packs that a bill takes units of. No code, no settlement."""
        taken = dict[str, int]()
        found = []
        for line in bill.lines:
            item = self.item_on(line.item, bill.end)
            need(line.codes or item is None or not item.needs_code, "a code is missing")
            for code in line.codes:
                pack = self.packs.get(code)
                need(pack is not None and pack.item == line.item and pack.holder == bill.institution, "pack")
                assert pack is not None
                units = line.count if line.pack_units else pack.units
                taken[code] = taken.get(code, 0) + units
                need(taken[code] <= pack.left, "sold")
                found.append((pack, units))
        return found

    def reverse(self, person: str, year_number: int, entry: int) -> None:
        """The newest of a person-year, as long as the year is open: everything is as it was before."""
        need(year_number > self.closed_through, "closed")
        year = self.years.get((person, year_number))
        need(year is not None and year.stack and year.stack[-1].number == entry, "not the newest")
        assert year is not None
        settled = year.stack[-1]
        bill = self.bills[settled.bill]
        self.move([(f"payable/{bill.institution}", source, fen) for source, fen in settled.paid], gives_back=True)
        year.stack.pop()
        year.entries += 1
        self.count(year, settled, bill.kind, -1)
        for pack in (self.packs[code] for line in bill.lines for code in line.codes):
            pack.taken.pop(settled.bill, None)
        self.bills[settled.bill] = replace(bill, is_paid=False)


def days_between(earlier: int, later: int) -> int:
    def of(day: int) -> date:
        return date(day // 10_000, day // 100 % 100, day % 100)

    return (of(later) - of(earlier)).days
