"""The walk under version 3 of settlement: people move, are filed and referred, and pay premiums or do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from msgspec.structs import astuple

from consortium.contracts.insurance import month_totals, offsite, premium
from consortium.core.calendar import compute_day_after
from consortium.core.contract import StateReader
from tests.reference import policies
from tests.reference.book import Book
from tests.reference.nodes import Call
from tests.reference.registry import Bill
from tests.reference.run import Run, Wrong
from tests.reference.steps import Step, refused
from tests.reference.travels import TravelBook
from tests.reference.walk import Walk

REGIONS = ("", "north", "south")


class TravelWalk(Walk):
    """A claim says now and then whether it is off site, and is refused."""

    def __init__(self, seed: int, book: Book, reader: StateReader) -> None:
        super().__init__(seed, book, reader)
        self.travels = cast(TravelBook, book)
        kinds = (
            (1, self.place),
            (4, self.move_home),
            (8, self.file),
            (5, self.refer),
            (2, self.withdraw),
            (14, self.premium),
        )
        for weight, kind in kinds:
            self._kinds += [kind] * weight

    def _terms(self, made: Bill) -> tuple[str, bool, str]:
        _, uses, group = super()._terms(made)
        return ("unfiled" if self.chance(3) else ""), uses, group

    def _region(self) -> str:
        return str(self.pick(REGIONS))

    def place(self) -> Iterator[Step]:
        code, region = str(self.pick(list(self.book.institutions))), self._region()
        call = Call("bureau", "offsite", "place", offsite.Place(code, region))
        yield Step(call, lambda book: self.travels.place(code, region))

    def move_home(self) -> Iterator[Step]:
        name, region = self.a_person(self.book.today), self._region()
        call = Call("bureau", "offsite", "settle", offsite.Settle(name, region))
        yield Step(call, lambda book: self.travels.settle_at(name, region))

    def file(self) -> Iterator[Step]:
        name, region = self.a_person(self.book.today), self._region()
        begin = compute_day_after(self.book.today, self.random.randrange(60) - 40)
        end = compute_day_after(begin, self.random.randrange(200) - 2)
        call = Call("bureau", "offsite", "file", offsite.File(name, region, begin, end, "treatment"))
        yield Step(call, lambda book: self.travels.file(name, region, begin, end))

    def refer(self) -> Iterator[Step]:
        code, name, region = (
            str(self.pick(list(self.book.institutions))),
            self.a_person(self.book.today),
            self._region(),
        )
        member = self.book.institutions[code].member
        end = compute_day_after(self.book.today, self.random.randrange(190))
        call = Call(member, "offsite", "refer", offsite.Refer(code, name, region, end, "no-bed"))
        if member == "p1":
            yield Step(call, refused)
            return
        yield Step(call, lambda book: self.travels.refer(code, name, region, end))

    def withdraw(self) -> Iterator[Step]:
        held = [key for key, entries in self.travels.filings.items() if entries]
        name, region = self.pick(held) if held and self.chance(90) else (self.a_person(self.book.today), "north")
        call = Call("bureau", "offsite", "withdraw", offsite.OfPerson(name, region))
        yield Step(call, lambda book: self.travels.withdraw(name, region))

    def set_premium_rule(self, scheme: str, since: int, months_late: int) -> list[Step]:
        arguments = premium.SetRule(scheme, since, months_late)
        return self.by_vote(
            "premium",
            "set_rule",
            arguments,
            lambda book: cast(TravelBook, book).set_premium_rule(scheme, since, months_late),
        )


class TravelRun(Run):
    """Version 3 from the genesis on."""

    BOOK: type[Book] = TravelBook
    WALK: type[Walk] = TravelWalk
    VERSIONS = {"settlement": 3, "offsite": 1, "premium": 1}  # noqa: RUF012
    IS_JOINT = False

    def _events(self) -> list[tuple[int, Callable[[], Sequence[Step]]]]:
        walk = cast(TravelWalk, self.walk)
        return [
            (20260601, lambda: walk.set_premium_rule("employee", 20260701, 11)),
            (20261001, lambda: walk.adopt(policies.second(20270101), "second")),
            (20270210, lambda: walk.close_year(2025)),
            (20270301, lambda: walk.set_premium_rule("resident", 20270401, 6)),
            (20270601, lambda: walk.set_premium_rule("employee", 20270801, 3)),
            (20271115, lambda: walk.adopt(policies.third(20280101), "third")),
            (20280402, lambda: walk.close_year(2026)),
            (20280601, lambda: walk.set_premium_rule("employee", 20280701, -1)),
        ]

    def _compare_years(self) -> None:
        super()._compare_years()
        rows: dict[str, Any] = dict(self.nodes.reader.range(month_totals.MONTHS, "", "\x7f"))
        held = {key: astuple(row) for key, row in rows.items()}
        expected = cast(TravelBook, self.book).months()
        if held != expected:
            differing = {key: (held.get(key), expected.get(key)) for key in {*held, *expected}}
            raise Wrong({key: both for key, both in differing.items() if both[0] != both[1]})
