"""A year of random cases, paid by points: after each settling the funds are what a reference in fractions says."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from msgspec.structs import replace

from consortium.contracts.insurance import dip, dip_rules, dip_settling, enrolment, funds, journal, settlement
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.contracts.insurance.lines import Line
from consortium.core import versions
from consortium.core.calendar import compute_day_after
from consortium.core.contract import Refused
from tests.contracts_state import founded
from tests.reference.accounts import No
from tests.reference.points import Budget, Happening, Points, worth_of

HOUSES = {"H1": "h1", "H2": "h1", "H3": "h1", "K3": "h2"}
GROUPS = {"G1": (Fraction("853.24"), 1_204_567), "G2": (Fraction("97.5"), 230_001), "G3": (Fraction(1), 10_000)}
BUDGETS = {
    "employee": Budget(123_456_789, 100_000, Fraction(1, 2), Fraction(2)),
    "resident": Budget(9_999_999, 31, Fraction(2, 5), Fraction(5, 2)),  # where a point is worth at most 31 fen
}
COEFFICIENTS = {"H1": Fraction(1), "H2": Fraction("1.05"), "H3": Fraction("0.9877"), "K3": Fraction("1.3333")}


SETTLED = (("dip", "settle_month"), ("dip", "settle_year"))


class Wrong(AssertionError):
    """Contract and reference differ."""


class Year:
    """Persons who stay in hospitals, now and then wrongly, and the two accounts of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.house, self.book = founded(), Points()
        versions.found(self.house.state, {"settlement": 3, "dip": 1})
        for code, coefficient in COEFFICIENTS.items():
            held = self.house.state.get(INSTITUTIONS, code)
            assert held is not None
            bp = int(coefficient * 10_000)
            self.house.state.put(INSTITUTIONS, code, replace(held, drg_coefficient_bp=bp))
        for name, (points, mean) in GROUPS.items():
            self._set_group(name, 20200101, points, mean)
        self._set_group("G1", 20260601, Fraction("901.07"), 1_300_001)
        for scheme, budget in BUDGETS.items():
            self._set_budget(scheme, 2026, budget)
            self._set_budget(scheme, 2027, budget)
        self.persons = [self._person(number) for number in range(12)]
        self.cases: dict[str, tuple[str, str, str, Fraction, int]] = {}  # by key: scheme, code, group, points, fee
        self.serial = 0
        self.met: dict[str, int] = {}

    def _person(self, number: int) -> str:
        name, scheme = f"P{number}", "resident" if number % 3 == 2 else "employee"
        self.house.enrol(name, scheme)
        return name

    def _set_group(self, name: str, since: int, points: Fraction, mean: int) -> None:
        self.house.genesis("dip", "set_group", dip.SetGroup(name, since, int(points * 100), mean))
        self.book.groups.setdefault(name, []).append((since, points, mean))

    def _set_budget(self, scheme: str, year: int, budget: Budget) -> None:
        low, high = int(budget.low * 10_000), int(budget.high * 10_000)
        rule = dip.SetRule(scheme, year, budget.fen, budget.dearest, low, high)
        self.house.genesis("dip", "set_rule", rule)
        self.book.budgets[scheme, year] = budget

    def run(self) -> None:
        day = 20260105
        while day < 20270301:
            self.house.today(day)
            for _ in range(self.random.randrange(2)):
                self._stay(day)
            if self.random.random() < 0.1:
                self._reverse(day)
            if self.random.random() < 0.06:
                self._regroup(day)
            if self.random.random() < 0.2:
                self._settle(
                    "settle_month",
                    self.random.choice([day // 100, compute_day_after(day, -31) // 100, 202605, 202612]),
                    day,
                )
            if day // 100 > 202701 or self.random.random() < 0.06:
                for month in range(202601, 202613):
                    self._settle("settle_month", month, day)
                self._settle("settle_year", 2026, day)
            day = compute_day_after(day, self.random.randrange(1, 4))

    def _stay(self, day: int) -> None:
        person, code = self.random.choice(self.persons), self.random.choice(list(HOUSES))
        cost = int(10 ** self.random.uniform(4, 6.6))
        began = max(day // 10_000 * 10_000 + 101, compute_day_after(day, -self.random.randrange(9)))
        self.serial += 1
        stay = {"begndate": began, "enddate": day, "fixmedins_code": code, "member": HOUSES[code]}
        settled = self.house.claim(person, (Line("A", 1, cost),), serial=str(self.serial), **stay)
        keys = [
            key
            for key, one in self.house.state.range(journal.SETTLEMENTS, f"{person}/", f"{person}0")
            if one == settled
        ]
        if self.random.random() < 0.9:
            self._group(keys[-1], settled, day)

    def _group(self, key: str, settled: journal.Settlement, day: int) -> None:
        group, scheme, code = self.random.choice([*GROUPS, "none"]), settled.insutype, settled.fixmedins_code
        asked = dip.GroupCase(*_asked(key), group)
        cost = settled.amounts.medfee_sumamt
        try:
            points = self.book.case(day, scheme, code, group, COEFFICIENTS[code], settled.enddate, cost)
        except No:
            assert self._done(HOUSES[code], "group_case", asked) == "unknown-dip-group"
            return
        assert self._done(HOUSES[code], "group_case", asked) == "ok"
        self.cases[key] = (scheme, code, group, points, settled.pool_paid_fen)
        self.book.happened.append(Happening(day, scheme, code, points, settled.pool_paid_fen))

    def _reverse(self, day: int) -> None:
        newest: dict[str, str] = {}
        for key, one in self.house.state.range(journal.SETTLEMENTS, "", "~"):
            if not one.reverses:
                newest[key.rpartition("/")[0]] = key
        key = self.random.choice(list(newest.values()) or ["P0/2026/000001"])
        reverse = settlement.Reverse(*_asked(key), "wrong-amount")
        if self.house.refusal("bureau", "settlement", "reverse", reverse) == "ok" and key in self.cases:
            scheme, code, _, points, fee = self.cases.pop(key)
            self.book.happened.append(Happening(day, scheme, code, -points, -fee))
            self.met["reversed"] = self.met.get("reversed", 0) + 1

    def _regroup(self, day: int) -> None:
        if not self.cases:
            return
        key = self.random.choice(list(self.cases))
        scheme, code, before, points, fee = self.cases[key]
        settled = self.house.state.get(journal.SETTLEMENTS, key)
        assert settled is not None
        group = self.random.choice([name for name in GROUPS if name != before])
        cost = settled.amounts.medfee_sumamt
        found = self.book.case(day, scheme, code, group, COEFFICIENTS[code], settled.enddate, cost)
        assert self._done("bureau", "regroup_case", dip.RegroupCase(*_asked(key), group, "upcoding")) == "ok"
        self.cases[key] = (scheme, code, group, found, fee)
        self.book.happened.append(Happening(day, scheme, code, found - points, 0))

    def _settle(self, operation: str, period: int, day: int) -> None:
        for scheme in BUDGETS:
            pool = enrolment.POOLS[scheme]
            before = {name: self._balance(name) for name in (pool, *(f"payable/{code}" for code in HOUSES))}
            settle = self.book.settle_month if operation == "settle_month" else self.book.settle_year
            try:
                more: dict[str, int] | None = settle(scheme, period, day)
            except No:
                more = None
            assert ("dip", operation) in SETTLED
            outcome = self._done("bureau", operation, dip.OfPeriod(scheme, period))
            self.met[f"{operation} {outcome}"] = self.met.get(f"{operation} {outcome}", 0) + 1
            if (more is None) == (outcome == "ok"):
                raise Wrong(f"{operation} {scheme} {period}: the ledger {outcome}, the reference {more}")
            expected = {f"payable/{code}": fen for code, fen in (more or {}).items()}
            expected[pool] = -sum(expected.values())
            moved = {name: self._balance(name) - fen for name, fen in before.items()}
            if any(moved[name] != expected.get(name, 0) for name in moved):
                raise Wrong(f"{operation} {scheme} {period}: the ledger {moved}, the reference {expected}")

    def _balance(self, name: str) -> int:
        return funds.get_balance(self.house.state, name)

    def _done(self, member: str, operation: str, arguments: object) -> str:
        return self.house.refusal(member, "dip", operation, arguments)


def _asked(key: str) -> tuple[str, int, int]:
    psn_no, year, sequence = key.split("/")
    return psn_no, int(year), int(sequence)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_of_cases_is_paid_to_the_fen_what_the_reference_says(seed: int) -> None:
    year = Year(seed)
    year.run()
    assert year.met["settle_month ok"] >= 24 and year.met["settle_year ok"] == 2
    assert year.met["settle_month month-open"] and year.met["settle_month month-settled"]
    assert year.met["settle_year year-open"] and year.met["reversed"] > 3
    assert year.house.sum_of_balances() == 0


def test_a_fen_that_goes_to_another_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: the fen that are left go to the first by code, whatever its remainder."""

    def to_the_first(points: dict[str, int], budget_fen: int, value_max_fen: int) -> dict[str, int]:
        dues = compute_dues(points, budget_fen, value_max_fen)
        fen, total = sum(dues.values()), max(1, sum(max(0, count) for count in points.values()))
        down = {code: fen * max(0, count) // total for code, count in points.items()}
        left = fen - sum(down.values())
        return {code: share + left * (code == min(down)) for code, share in down.items()}

    compute_dues = dip_rules.compute_dues
    monkeypatch.setattr(dip_settling, "compute_dues", to_the_first)
    with pytest.raises(Wrong, match="the reference"):
        Year(1).run()


def test_points_of_a_dear_and_of_a_cheap_case() -> None:
    budget = BUDGETS["employee"]
    assert worth_of(Fraction(800), Fraction(1), 1_000_000, 400_000, budget) == 320
    assert worth_of(Fraction(800), Fraction(1), 1_000_000, 500_000, budget) == 800
    assert worth_of(Fraction(800), Fraction(1), 1_000_000, 2_600_000, budget) == 1_280
    for cost, points in ((400_000, 320), (500_000, 800), (2_600_000, 1_280)):
        found = dip_rules.compute_case_points(80_000, 10_000, 1_000_000, cost, 5_000, 20_000)
        assert found == points * dip_rules.MILLION


def test_the_budgets_of_the_months_add_up_to_the_year() -> None:
    for fen in (0, 1, 11, 123_456_789):
        assert sum(dip_rules.compute_month_budget(fen, month) for month in range(1, 13)) == fen


def test_a_case_that_was_paid_by_another_way_is_refused() -> None:
    house = founded()
    versions.found(house.state, {"settlement": 3, "dip": 1})
    house.genesis("dip", "set_group", dip.SetGroup("G1", 20200101, 100, 10_000))
    for scheme in BUDGETS:
        house.genesis("dip", "set_rule", dip.SetRule(scheme, 2026, 10**9, 10**6, 5_000, 20_000))
    visit = {"med_type": "outpatient", "begndate": 20260310}
    house.claim("E", (Line("A", 1, 100_000),), serial="1", **visit)
    house.claim("E", (Line("A", 1, 100_000),), serial="2")
    visited, stayed = dip.GroupCase("E", 2026, 1, "G1"), dip.GroupCase("E", 2026, 2, "G1")
    assert house.refusal("h1", "dip", "group_case", visited) == "not-a-stay"
    assert house.refusal("h2", "dip", "group_case", stayed) == "not-yours"
    assert house.refusal("h1", "dip", "group_case", stayed) == "ok"
    assert house.refusal("h1", "dip", "group_case", stayed) == "case-grouped"
    asked = dip.RegroupCase("E", 2026, 2, "G1", "upcoding")
    assert house.refusal("bureau", "dip", "regroup_case", asked) == "same-group"
    house.run("bureau", "settlement", "reverse", settlement.Reverse("E", 2026, 2, "wrong-amount"))
    assert house.refusal("h1", "dip", "group_case", stayed) == "settlement-reversed"
    with pytest.raises(Refused, match="no budget"):
        house.run("bureau", "dip", "settle_month", dip.OfPeriod("employee", 202512))
