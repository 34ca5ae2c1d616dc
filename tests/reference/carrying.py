"""The part of the walk at the turn of the year: balances pass to the next year's pseudonyms, and the rest leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from consortium.contracts.insurance import account_carry, fund_transfer
from consortium.contracts.insurance.account_carry import Share
from tests.reference.accounts import OUTSIDE
from tests.reference.nodes import Call
from tests.reference.registry import CARRY_ALIKE
from tests.reference.steps import Step

if TYPE_CHECKING:
    from tests.reference.walk import Walk


class Carrying:
    """`kinds`: its steps with their weights."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.kinds = ((2, self.out), (3, self.back), (1, self.rest))

    def _a_year(self) -> int:
        """The last that is over, mostly; now and then the one that is not."""
        year = self.walk.book.today // 10_000
        return year - (0 if self.walk.chance(5) else 1)

    def _persons(self, year: int, count: int) -> list[str]:
        """Of a year, ascending, mostly of those that have an account; now and then in another order."""
        book = self.walk.book
        of_year = [name for name, person in book.persons.items() if person.year == year]
        having = [name for name in of_year if f"person/{name}" in book.accounts]
        among = having if len(having) >= count and self.walk.chance(85) else of_year
        found = sorted(self.walk.random.sample(among, min(count, len(among))))
        return found[::-1] if self.walk.chance(5) else found

    def out(self) -> Iterator[Step]:
        year = self._a_year()
        names = tuple(self._persons(year if self.walk.chance(95) else year + 1, 1 + self.walk.random.randrange(12)))
        call = Call("bureau", "account_carry", "carry_out", account_carry.CarryOut(year, names))
        yield Step(call, lambda book: book.carry_out(year, names))

    def back(self) -> Iterator[Step]:
        """Shares of what waits: each as often as it must be, or once less."""
        year, walk = self._a_year(), self.walk
        names = self._persons(year + 1, CARRY_ALIKE - walk.chance(10) + walk.random.randrange(4))
        waits = walk.book.accounts.get(f"carry/{year}", 0)
        fen = max(1, waits // (len(names) * walk.pick((1, 2, 4, 8)))) if names and walk.chance(95) else 1_000_000
        shares = [(name, fen) for name in names]
        if shares and walk.chance(10):
            shares[-1] = (names[-1], fen + 1)  # it stands out
        call = Call(
            "bureau", "account_carry", "carry_in", account_carry.CarryIn(year, tuple(Share(*each) for each in shares))
        )
        yield Step(call, lambda book: book.carry_in(year, shares))

    def rest(self) -> Iterator[Step]:
        """To nobody but the outside, and by two words; of no other account."""
        walk, year = self.walk, self._a_year()
        source = f"carry/{year}" if walk.chance(90) else str(walk.pick(list(walk.book.accounts)))
        target = OUTSIDE if walk.chance(85) else str(walk.pick(list(walk.book.accounts)))
        waits = max(0, walk.book.accounts.get(source, 0))
        fen = waits if walk.chance(60) else walk.random.randrange(2 * waits + 2)
        name, (one, other) = walk.fresh("R-"), walk.random.sample(["bureau", "regulator"], 2)
        propose = fund_transfer.Propose(name, source, target, fen, f"carry-rest/{year}")
        yield Step(
            Call(one, "fund_transfer", "propose", propose),
            lambda book: book.propose_transfer(name, source, target, fen, one),
        )
        for endorser in [*[one] * walk.chance(30), *[other] * walk.chance(80)]:
            endorse = Call(endorser, "fund_transfer", "endorse", fund_transfer.OfTransfer(name))
            yield Step(endorse, lambda book, role=endorser: book.endorse_transfer(name, role))  # type: ignore[misc]
