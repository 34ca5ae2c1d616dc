"""Who judges lines: what is read, what is said of it, and what bears out nothing; one condition at a time."""

from types import SimpleNamespace
from typing import Any

import pytest

from consortium.contracts.insurance import settlement
from consortium.contracts.insurance.lines import Line, Lines
from consortium.contracts.insurance.payable import ConfirmLines, ReportMismatch
from consortium.contracts.records.tombstones import TOMBSTONES, Tombstone
from consortium.core.codec import encode
from consortium.core.contract import Event
from consortium.core.machine import Opened
from consortium.roles.agenda import Agenda
from consortium.roles.line_judge import LineJudge
from tests.contracts_state import SALT, Consortium, founded

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


# --- what is said of a record -----------------------------------------------------------------------------------------

LINES = (Line("A", 1, 980_000),)
CONFIRM, REVERSE = ConfirmLines("E", 2026, 1), settlement.Reverse("E", 2026, 1, "wrong-lines")
SETTLED: dict[str, int | str] = {"psn_no": "E", "year": 2026, "sequence": 1, "bill_no": "h3-1"}
GOOD = Opened(HANDLE, encode(Lines("h3-1", LINES)), SALT)
OTHER = Opened(HANDLE, encode(Lines("h3-1", (Line("A", 2, 980_000),))), SALT)
CONFIRMED = Event("lines-confirmed", {**SETTLED, "member": "bureau"})


def differ(what: str) -> ReportMismatch:
    return ReportMismatch("E", 2026, 1, what)


def beside(house: Consortium, *, is_first: bool = True) -> tuple[LineJudge, Agenda]:
    """A judge that has read the claim's lines: the bureau's, or the regulator's."""
    member = "bureau" if is_first else "regulator"
    judge, agenda = LineJudge(house.state, is_first=is_first), Agenda(member, member, 8)
    work: Any = SimpleNamespace(find=lambda kind: kind, member=member)
    judge.plan(work)
    judge._begin(Event("settled", SETTLED), agenda)
    return judge, agenda


def wished(agenda: Agenda) -> list[Any]:
    return [call[2] for wish in agenda._wishes.values() for call in wish.calls]


@pytest.mark.parametrize(
    ("opened", "wish"),
    [
        (GOOD, CONFIRM),
        (OTHER, differ("commitment")),
        (GOOD._replace(salt=b"another salt of sixteen bytes"), differ("commitment")),
        (Opened(HANDLE, b"\xc1", SALT), differ("lines")),
        (Opened(HANDLE, None, why="differs"), differ("commitment")),
        (Opened(HANDLE, None, why="lacking"), differ("missing")),
        (Opened(HANDLE, None, why="lost"), differ("missing")),
        (GOOD._replace(handle="lines/h3-2"), None),  # nobody asked for that
    ],
)
def test_one_thing_is_said_of_lines_that_were_read(opened: Opened, wish: Any) -> None:
    house = founded()
    house.claim("E", LINES)
    judge, agenda = beside(house)
    notes = judge.on_opened(opened, agenda)
    assert wished(agenda) == ([wish] if wish else [])
    assert len(notes) == (type(wish) is ReportMismatch) and judge.is_done is (wish is not None)


@pytest.mark.parametrize(
    ("words", "opened", "wish"),
    [
        ((("bureau", "confirm_lines", CONFIRM),), GOOD, None),
        ((("bureau", "confirm_lines", CONFIRM),), OTHER, differ("commitment")),
        ((("bureau", "report_mismatch", differ("sums")),), OTHER, None),
        ((("bureau", "report_mismatch", differ("sums")),), GOOD, CONFIRM),
        ((("bureau", "report_mismatch", differ("person")),), GOOD, None),  # of that the lines say nothing
        ((("h1", "reverse", REVERSE),), GOOD, None),
        ((("h1", "reverse", REVERSE),), OTHER, None),
    ],
)
def test_nothing_is_said_twice_nor_of_a_settlement_that_was_reversed(words: Any, opened: Opened, wish: Any) -> None:
    house = founded()
    house.claim("E", LINES)
    judge, agenda = beside(house, is_first=False)
    for member, operation, said in words:
        house.run(member, "settlement", operation, said)
    judge.on_opened(opened, agenda)
    assert wished(agenda) == ([wish] if wish else [])


def test_a_word_of_its_own_that_history_tells_ends_the_reading() -> None:
    house = founded()
    house.claim("E", LINES)
    judge, agenda = beside(house)
    assert not judge.is_done
    judge.on_event(Event("lines-confirmed", {**SETTLED, "member": "regulator"}), agenda)
    assert not judge.is_done, "the control: another's word does not"
    judge.on_event(CONFIRMED, agenda)
    assert judge.is_done and judge.on_opened(GOOD, agenda) == () and wished(agenda) == []


# --- what is read after a gap -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "is_first", "is_read"),
    [
        ((), True, True),
        ((), False, False),
        ((("bureau", "confirm_lines", CONFIRM),), True, False),
        ((("bureau", "confirm_lines", CONFIRM),), False, True),
        ((("bureau", "report_mismatch", differ("sums")),), False, True),
        ((("bureau", "report_mismatch", differ("person")),), False, False),
        ((("regulator", "confirm_lines", CONFIRM),), False, False),  # its own
        ((("h1", "reverse", REVERSE),), True, False),
    ],
)
def test_after_a_gap_each_judge_reads_what_is_its_to_judge(words: Any, is_first: bool, is_read: bool) -> None:
    house = founded()
    house.claim("E", LINES)
    for member, operation, said in words:
        house.run(member, "settlement", operation, said)
    member = "bureau" if is_first else "regulator"
    judge, agenda = LineJudge(house.state, is_first=is_first), Agenda(member, member, 8)
    work: Any = SimpleNamespace(find=lambda kind: kind, member=member)
    judge.resume(agenda)
    assert judge.is_done, "nobody asked it to judge yet"
    judge.plan(work)
    judge.resume(agenda)
    assert judge.is_done is not is_read
