"""Who is covered, who has signed, what is listed and billed, by docs/domain.md. Written from that page, not from the
contracts; nothing of `consortium` is imported here.


An operation either changes the book or raises `No` and leaves it as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction

from tests.reference.accounts import OUTSIDE, Accounts, No, need
from tests.reference.arithmetic import (
    Item,
    Kind,
    LineOf,
    Policy,
    Scheme,
    Split,
    Sums,
    Used,
    sum_lines,
)

LARGE, ILLNESS, AID = "fund/large-amount", "fund/serious-illness", "fund/medical-aid"
CLAIMABLE = ("verified", "collected")
CARRY_ALIKE = 5  # how often each amount occurs in a batch that fills accounts
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

    @property
    def year(self) -> int:
        return self.covers[0].begin // 10_000

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
    patient: str = ""  # the pseudonym of its own purpose, where it is not settled as it is issued


@dataclass
class Settled:
    """On the stack of its person-year. `waits`: until which day for a word on its lines, 0 = it does not. `word`: what
    was said, and by whom: confirmed or disputed."""

    number: int
    bill: str
    scheme: Scheme
    split: Split
    paid: tuple[tuple[str, int], ...]  # who paid the institution, and how much
    waits: int = 0
    word: str = ""
    said_by: str = ""
    payee: str = ""  # the account of a person who had paid in cash; else the institution's

    @property
    def fen(self) -> int:
        return sum(fen for _, fen in self.paid)


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


class Registry(Accounts):
    """`is_joint`: the rule of before, by which the two schemes of a person share their rooms and burdens."""

    def __init__(self) -> None:
        super().__init__()
        self.today = 0
        self.is_joint = False
        self.transfers: dict[str, tuple[str, str, int, str]] = {}  # from, to, how much, proposed by which role
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

    def propose_transfer(self, name: str, source: str, target: str, fen: int, role: str) -> None:
        """Money from fund to fund, or the rest of a year to the outside: it moves when another role endorses it."""
        need(fen > 0 and source != target and name not in self.transfers, "funds")
        need(source in self.accounts and target in self.accounts, "no such account")
        kinds = source.partition("/")[0], target.partition("/")[0]
        need(kinds in (("fund", "fund"), ("carry", OUTSIDE)), "neither from fund to fund nor a rest")
        self.transfers[name] = (source, target, fen, role)

    def endorse_transfer(self, name: str, role: str) -> None:
        need(name in self.transfers, "unknown, or over")
        source, target, fen, proposer = self.transfers[name]
        need(role != proposer, "another role")
        self.move([(source, target, fen)])
        del self.transfers[name]

    def carry_out(self, year: int, names: Sequence[str]) -> None:
        """All that these persons of a year that is over have, on its way into the next."""
        self._need_batch(year, names, year)
        account = f"carry/{year}"
        is_new = account not in self.accounts
        self.accounts.setdefault(account, 0)
        try:
            self.move([(f"person/{name}", account, self.accounts.get(f"person/{name}", 0)) for name in names])
        except No:
            if is_new:
                del self.accounts[account]
            raise

    def carry_in(self, year: int, shares: Sequence[tuple[str, int]]) -> None:
        """To persons of the year after, each amount as often as hides whose it is."""
        self._need_batch(year, [name for name, _ in shares], year + 1)
        amounts = Counter(fen for _, fen in shares)
        need(all(count >= CARRY_ALIKE for count in amounts.values()), "an amount stands out")
        self.move([(f"carry/{year}", f"person/{name}", fen) for name, fen in shares])

    def _need_batch(self, year: int, names: Sequence[str], of: int) -> None:
        need(year < self.today // 10_000, "the year is not over")
        need(names and list(names) == sorted(set(names)), "not sorted, or nobody")
        need(all(name in self.persons and self.persons[name].year == of for name in names), "of another year")

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


def day_after(day: int, days: int) -> int:
    found = date(day // 10_000, day // 100 % 100, day % 100) + timedelta(days)
    return found.year * 10_000 + found.month * 100 + found.day


def days_between(earlier: int, later: int) -> int:
    def of(day: int) -> date:
        return date(day // 10_000, day // 100 % 100, day % 100)

    return (of(later) - of(earlier)).days
