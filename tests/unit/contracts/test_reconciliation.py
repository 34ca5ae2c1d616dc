"""月度对账: what the ledger counted in a month, and how the books of an institution come to agree with it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consortium.contracts.insurance import payable, reconciliation, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.month_totals import MonthTotal, first_day_after, get_month
from consortium.contracts.insurance.patient_claim import Settle
from consortium.contracts.insurance.policy import AdoptPack
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.insurance.reconciliation import CloseByLedger, OfMonth, StateBooks
from consortium.contracts.oversight.due import Ring
from consortium.contracts.records.identity import Vouch
from consortium.core import versions
from consortium.core.contract import Reader
from consortium.views import load_views
from consortium.views.view import Book, feed_block
from tests.contracts_state import CONTRACTS, Consortium, founded
from tests.unit.contracts.test_patient_claim import ANNA, SUITE, said
from tests.unit.contracts.test_settlement_cases import fund_account
from tests.views_kit import Recorded

STAY = (Line("A", 1, 1_000_000), Line("C", 1, 50_000))  # the pool pays 7,820.00 of 10,500.00
MAY, KEY = 202605, "H3/202605"
BOOKS = StateBooks("H3", MAY, 1, 0, 1_050_000, 782_000, 100_000, 168_000, 882_000)


def begin(house: Consortium) -> Consortium:
    """A settlement of H3 in May: 7,820.00 of the pool, 1,000.00 of the account, 1,680.00 in cash."""
    founded(house)
    versions.found(house.state, {"settlement": 3, "offsite": 1, "reconciliation": 1})
    fund_account(house, "E", 100_000)
    house.today(20260520)
    house.claim("E", STAY)
    return house


@pytest.fixture
def house() -> Consortium:
    return begin(Consortium())


def end(house: Consortium) -> None:
    house.today(20260601)
    house.run("regulator", "reconciliation", "end_month", Ring(20260601, KEY))


@pytest.mark.parametrize(("month", "day"), [(202605, 20260601), (202612, 20270101), (202602, 20260301)])
def test_the_day_after_a_month(month: int, day: int) -> None:
    assert first_day_after(month) == day


def test_what_is_settled_disputed_and_reversed_is_counted_in_its_month(house: Consortium) -> None:
    assert get_month(house.state, "H3", MAY) == MonthTotal(1, 0, 0, 1_050_000, 782_000, 100_000, 168_000, 882_000)
    mismatch = payable.ReportMismatch("E", 2026, 1, "sums")
    house.run("bureau", "settlement", "report_mismatch", mismatch)
    assert get_month(house.state, "H3", MAY).disputed == 1
    assert get_month(house.state, "H3", MAY).owed_fen == 882_000, "it is disputed, and owed still"
    house.today(20260602)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert get_month(house.state, "H3", MAY).reversed == 0
    june = MonthTotal(0, 1, 0, -1_050_000, -782_000, -100_000, -168_000, -882_000)
    assert get_month(house.state, "H3", 202606) == june


def test_what_waits_for_a_word_is_owed_and_counted_once() -> None:
    """By a pack that gives supervisors days to look at the lines."""
    house = founded()
    versions.found(house.state, {"settlement": 3, "offsite": 1, "reconciliation": 1})
    pack = msgspec.structs.replace(ILLUSTRATIVE_PACK, from_day=20260201, lines_days=30)
    house.genesis("policy", "adopt_pack", AdoptPack(pack))
    house.claim("E", STAY)
    house.run("bureau", "settlement", "confirm_lines", payable.ConfirmLines("E", 2026, 1))
    assert get_month(house.state, "H3", 202606).owed_fen == 782_000


def test_what_a_patient_was_paid_is_not_the_institutions(house: Consortium) -> None:
    before = get_month(house.state, "H3", MAY)
    house.genesis("identity", "vouch", Vouch("b-anna", "", SUITE.public_key(ANNA)))
    days = {"begndate": 20260301, "enddate": 20260310, "med_type": "inpatient"}
    house.issue_verified("H3-7", "b-anna", STAY, **days)
    house.run("agent", "patient_claim", "claim", said(bill_no="H3-7"))
    house.run("bureau", "patient_claim", "settle", Settle("H3-7"))
    assert get_month(house.state, "H3", MAY) == before
    house.run("bureau", "settlement", "report_mismatch", payable.ReportMismatch("E", 2026, 2, "sums"))
    disputed = msgspec.structs.replace(before, disputed=1)
    assert get_month(house.state, "H3", MAY) == disputed, "the lines are the institution's, the money was the patient's"
    house.run("bureau", "settlement", "reverse", settlement.Reverse("E", 2026, 2, "wrong-amount"))
    assert get_month(house.state, "H3", MAY) == disputed


def test_version_2_counts_nothing() -> None:
    house = founded()
    house.claim("E", STAY)
    assert get_month(house.state, "H3", 202606) == MonthTotal()


def test_books_that_agree_are_closed_by_the_bureau(house: Consortium) -> None:
    assert house.refusal("h1", "reconciliation", "state_books", BOOKS) == "month-open"
    ring = Ring(20260601, KEY)
    assert house.refusal("bureau", "reconciliation", "end_month", ring) == "not-due"
    end(house)
    assert house.run("bureau", "reconciliation", "end_month", ring) == []
    (told,) = house.run("h1", "reconciliation", "state_books", BOOKS)
    assert (told.kind, told.fields["owed_fen"]) == ("books-agreed", 882_000)
    assert house.refusal("h1", "reconciliation", "state_books", BOOKS) == "month-closed"
    house.run("bureau", "reconciliation", "close", OfMonth("H3", MAY))
    assert house.refusal("bureau", "reconciliation", "close", OfMonth("H3", MAY)) == "month-closed"
    house.today(20260611)
    assert house.run("bureau", "reconciliation", "remind", Ring(20260611, KEY)) == []


@pytest.mark.parametrize("name", reconciliation.FIGURES)
def test_a_figure_that_differs_is_named_and_may_be_stated_anew(house: Consortium, name: str) -> None:
    end(house)
    wrong = msgspec.structs.replace(BOOKS, **{name: getattr(BOOKS, name) + 1})
    (told,) = house.run("h1", "reconciliation", "state_books", wrong)
    assert (told.kind, told.fields["figures"]) == ("books-differ", name)
    assert house.refusal("bureau", "reconciliation", "close", OfMonth("H3", MAY)) == "month-closed"
    house.run("h1", "reconciliation", "state_books", BOOKS)
    house.run("bureau", "reconciliation", "close", OfMonth("H3", MAY))


@pytest.mark.parametrize(("states", "why"), [(False, "books-not-stated"), (True, "books-differ")])
def test_who_says_nothing_or_something_else_is_told_of_and_closed_by_the_ledger(
    house: Consortium, states: bool, why: str
) -> None:
    end(house)
    if states:
        house.run("h1", "reconciliation", "state_books", msgspec.structs.replace(BOOKS, settled=2))
    close = CloseByLedger("H3", MAY, "not-stated")
    house.today(20260610)
    assert house.refusal("bureau", "reconciliation", "close_by_ledger", close) == "days-left"
    house.today(20260611)
    (told,) = house.run("regulator", "reconciliation", "remind", Ring(20260611, KEY))
    assert told.fields["why"] == why
    assert house.run("bureau", "reconciliation", "remind", Ring(20260611, KEY)) == []
    assert house.refusal("bureau", "reconciliation", "close_by_ledger", CloseByLedger("H3", MAY, "x")) == "bad-reason"
    house.run("bureau", "reconciliation", "close_by_ledger", close)
    assert house.refusal("h1", "reconciliation", "state_books", BOOKS) == "month-closed"


def test_a_month_that_ended_does_not_change_by_a_late_reversal(house: Consortium) -> None:
    end(house)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    house.run("h1", "reconciliation", "state_books", BOOKS)


@pytest.mark.parametrize(
    ("member", "operation", "arguments", "code"),
    [
        ("h2", "state_books", BOOKS, "not-yours"),
        ("h1", "close", OfMonth("H3", MAY), "not-permitted"),
        ("bureau", "close", OfMonth("H3", MAY), "month-closed"),
        ("bureau", "close", OfMonth("H2", MAY), "month-open"),
        ("bureau", "close", OfMonth("H3", 5), "bad-number"),
        ("bureau", "close", OfMonth("H/3", MAY), "bad-identifier"),
    ],
)
def test_refusals(house: Consortium, member: str, operation: str, arguments: Any, code: str) -> None:
    end(house)
    assert house.refusal(member, "reconciliation", operation, arguments) == code


def test_an_institution_reads_its_own_months_and_a_view_tells_all() -> None:
    house = Recorded()
    begin(house)
    end(house)
    house.run("h1", "reconciliation", "state_books", msgspec.structs.replace(BOOKS, settled=2))
    asked = CONTRACTS["reconciliation"].ask(house.state, "get", OfMonth("H3", MAY), Reader("h1", "hospital", 20260601))
    assert (asked.stage, asked.differing) == ("differs", ("settled",))
    house.run("h1", "reconciliation", "state_books", BOOKS)
    house.run("bureau", "reconciliation", "close", OfMonth("H3", MAY))
    view = load_views()["months"]
    book = Book(view.tables)
    for block in house.blocks([]):
        feed_block(view, book, block)
    names = ("stage", "settled", "owed_fen", "stated", "differing", "reason")
    assert [book.column("month", ("H3", MAY), name) for name in names] == ["closed", 1, 882_000, 2, "", "agreed"]
