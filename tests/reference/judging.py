"""The part of the walk that judges the lines of bills: confirmed, disputed, or released when nobody said a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from consortium.contracts.insurance import settlement
from consortium.contracts.oversight.due import Ring
from tests.reference.nodes import Call
from tests.reference.registry import Settled
from tests.reference.steps import Step, newest

if TYPE_CHECKING:
    from tests.reference.walk import Walk


class Judging:
    """`kinds`: its steps with their weights."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.kinds = ((8, self.confirm), (2, self.dispute), (3, self.release))

    def _a_settlement(self) -> tuple[str, int, Settled] | None:
        years = [(key, year) for key, year in newest(self.walk.book.years, 60) if year.stack]
        if not years:
            return None
        (person, number), year = self.walk.pick(years)
        return person, number, self.walk.pick(year.stack)

    def confirm(self) -> Iterator[Step]:
        found = self._a_settlement()
        if found is not None:
            (person, year, settled), member = found, str(self.walk.pick(["bureau", "bureau", "regulator"]))
            arguments = settlement.ConfirmLines(person, year, settled.number)
            call = Call(member, "settlement", "confirm_lines", arguments)
            yield Step(call, lambda book: book.confirm(person, year, settled.number, member))

    def dispute(self) -> Iterator[Step]:
        found = self._a_settlement()
        if found is not None:
            (person, year, settled), member = found, str(self.walk.pick(["bureau", "bureau", "regulator"]))
            arguments = settlement.ReportMismatch(person, year, settled.number, "sums")
            call = Call(member, "settlement", "report_mismatch", arguments)
            yield Step(call, lambda book: book.dispute(person, year, settled.number, member))

    def release(self) -> Iterator[Step]:
        """Of all that waits on an account whose day has come; now and then of one whose day has not."""
        names = [name for name in self.walk.book.accounts if name.startswith("unconfirmed/")]
        due = [name for name in names if int(name.rpartition("/")[2]) <= self.walk.book.today]
        for name in [str(self.walk.pick(names))] if names and self.walk.chance(10) else due[:5]:
            _, code, day = name.split("/")
            call = Call("bureau", "settlement", "release", Ring(int(day), code))
            yield Step(call, lambda book, code=code, day=day: book.release(code, int(day)))  # type: ignore[misc]
