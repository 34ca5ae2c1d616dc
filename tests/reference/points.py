"""Payment by points, by docs/domain.md: in fractions, from a list of all that happened, added up anew each time.

Nothing of `consortium` is imported here."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from tests.reference.accounts import need
from tests.reference.arithmetic import half_up

MILLION = 1_000_000


@dataclass(frozen=True)
class Budget:
    """Of a scheme and a year. `low`, `high`: of the mean cost, where a case's own cost begins to count."""

    fen: int
    dearest: int  # what a point is worth at most
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Happening:
    """On a day: a case came, went, or was found to be of another group. `fee`: what the pool came to owe for it."""

    day: int
    scheme: str
    code: str
    points: Fraction
    fee: int


def worth_of(points: Fraction, coefficient: Fraction, mean: int, cost: int, budget: Budget) -> Fraction:
    """A case's points, to a millionth."""
    share = Fraction(cost, mean)
    if share < budget.low:
        factor = share
    else:
        factor = 1 + max(Fraction(0), share - budget.high)
    return Fraction(half_up(points * coefficient * factor * MILLION), MILLION)


class Points:
    """`groups`: by code, (since, points, mean cost). `budgets`: by scheme and year."""

    def __init__(self) -> None:
        self.groups: dict[str, list[tuple[int, Fraction, int]]] = {}
        self.budgets: dict[tuple[str, int], Budget] = {}
        self.happened: list[Happening] = []
        self.months: dict[tuple[str, int], dict[str, int]] = {}  # what each is due of a settled month
        self.years: set[tuple[str, int]] = set()

    def case(
        self, day: int, scheme: str, code: str, group: str, coefficient: Fraction, end: int, cost: int
    ) -> Fraction:
        budget = self.budgets.get((scheme, day // 10_000))
        need(budget is not None, "no budget of the year")
        found = [(points, mean) for since, points, mean in sorted(self.groups.get(group, ())) if since <= end]
        need(found, "group")
        assert budget is not None
        points, mean = found[-1]
        return worth_of(points, coefficient, mean, cost, budget)

    def settle_month(self, scheme: str, month: int, today: int) -> dict[str, int]:
        """How much more than the fee each is owed; below zero: less."""
        need(month < today // 100, "open")
        budget = self.budgets.get((scheme, month // 100))
        need(budget is not None and (scheme, month) not in self.months, "settled, or no budget")
        assert budget is not None
        until = floor(Fraction(budget.fen * (month % 100), 12))
        before = floor(Fraction(budget.fen * (month % 100 - 1), 12))
        held = [one for one in self.happened if one.scheme == scheme and one.day // 100 == month]
        dues = self._shared(held, until - before, budget.dearest)
        self.months[scheme, month] = dues
        return {code: fen - sum(one.fee for one in held if one.code == code) for code, fen in dues.items()}

    def settle_year(self, scheme: str, year: int, today: int) -> dict[str, int]:
        need(year < today // 10_000, "open")
        budget = self.budgets.get((scheme, year))
        need(budget is not None and (scheme, year) not in self.years, "settled, or no budget")
        assert budget is not None
        held = [one for one in self.happened if one.scheme == scheme and one.day // 10_000 == year]
        need(all((scheme, one.day // 100) in self.months for one in held), "a month is not settled")
        dues = self._shared(held, budget.fen, budget.dearest)
        self.years.add((scheme, year))
        paid = [
            (month, code, fen) for (of, month), one in self.months.items() if of == scheme for code, fen in one.items()
        ]
        return {
            code: due - sum(fen for month, of, fen in paid if of == code and month // 100 == year)
            for code, due in dues.items()
        }

    def _shared(self, held: list[Happening], budget: int, dearest: int) -> dict[str, int]:
        """Largest remainders: as many of them get another fen as are left."""
        names = sorted({one.code for one in held})
        points = {code: sum((one.points for one in held if one.code == code), Fraction(0)) for code in names}
        points = {code: max(Fraction(0), count) for code, count in points.items()}
        total = sum(points.values(), Fraction(0))
        if not total:
            return dict.fromkeys(names, 0)
        fen = floor(min(Fraction(budget), total * dearest))
        exact = {code: fen * count / total for code, count in points.items()}
        whole = {code: floor(share) for code, share in exact.items()}
        order = sorted((code for code in names if points[code]), key=lambda code: (whole[code] - exact[code], code))
        for code in order[: fen - sum(whole.values())]:
            whole[code] += 1
        return whole
