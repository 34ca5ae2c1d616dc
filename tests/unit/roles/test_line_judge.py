"""Who judges lines: what was erased before its day to be judged bears out nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.payable import ReportMismatch
from consortium.contracts.records.tombstones import TOMBSTONES, Tombstone
from consortium.core.machine import Opened
from consortium.roles.agenda import Agenda
from consortium.roles.line_judge import LineJudge
from tests.contracts_state import founded

HANDLE = "lines/h3-1"


@pytest.mark.parametrize(
    ("erased_on", "wished"),
    [
        (20260602, (("settlement", "report_mismatch", ReportMismatch("E", 2026, 1, "missing")),)),
        (20260616, (("settlement", "report_mismatch", ReportMismatch("E", 2026, 1, "missing")),)),
        (20260617, ()),
    ],
)
def test_lines_that_were_erased_while_they_are_to_be_judged_are_missing(erased_on: int, wished: Any) -> None:
    """Else whoever has false lines erased in time is paid for them; what is erased later was judged, or never asked."""
    house = founded()
    house.claim("E", (Line("A", 1, 980_000),))  # on 20260601; payable without a word on 20260616
    house.state.put(TOMBSTONES, HANDLE, Tombstone(erased_on, "term-over", ()))
    judge, agenda = LineJudge(house.state, is_first=True), Agenda("bureau", "bureau", 8)
    work: Any = SimpleNamespace(find=lambda kind: kind, member="bureau")
    judge.plan(work)
    judge.resume(agenda)
    notes = judge.on_opened(Opened(HANDLE, None, why="erased"), agenda)
    assert tuple(call for wish in agenda._wishes.values() for call in wish.calls) == wished
    assert [note.kind for note in notes] == ["finding"] * len(wished)
