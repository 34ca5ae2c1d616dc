"""疑点处置: what is found of claims is told to the accused, decided by a human, and comes back to the funds."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consortium.contracts.insurance import debt, funds, institution, payable, settlement
from consortium.contracts.insurance.enrolment import POOLS
from consortium.contracts.insurance.lines import Line
from consortium.contracts.oversight import hold_operations
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.finding import Answer, Decide, Report
from consortium.contracts.oversight.finding_records import FINDINGS, Finding, OfFinding
from consortium.contracts.oversight.recovered import get_recovered
from consortium.core.contract import Reader, Refused
from tests.contracts_state import CONTRACTS, Consortium, founded

NO = "regulator:F-1"
KEY = "E/2026/000001"
OF = OfFinding(NO)
PAID_FEN = 782_000  # (10,000 − 800) × 0.85
REPORT = Report(NO, "split_stays", "H3", (KEY,), ("bill/h3-1",), 500_000, 10, holds=True)
PAY = institution.Disburse("H3", 1_000, "disburse/H3/1")


@pytest.fixture
def house() -> Consortium:
    """A settled stay of E at H3 whose lines are confirmed: 7,820.00 are payable. Day 20260601."""
    made = founded()
    made.claim("E", (Line("A", 1, 1_000_000),))
    made.run("bureau", "settlement", "confirm_lines", payable.ConfirmLines("E", 2026, 1))
    return made


def finding(house: Consortium) -> Finding:
    found = house.state.get(FINDINGS, NO)
    assert found is not None
    return found


def report(house: Consortium, **fields: Any) -> list[str]:
    events = house.run("regulator", "finding", "report", replace(REPORT, **fields))
    return [event.kind for event in events]


def answer(house: Consortium, stance: str = "denied") -> None:
    house.run("h1", "finding", "answer", Answer(NO, stance, "medically-needed"))


def decide(house: Consortium, fen: int = 300_000, *, is_upheld: bool = True) -> str:
    house.run("regulator", "finding", "decide", Decide(NO, is_upheld, fen, "proven"))
    return finding(house).stage


def balances(house: Consortium) -> tuple[int, int]:
    return funds.get_balance(house.state, "payable/H3"), funds.get_balance(house.state, POOLS["employee"])


def test_an_open_finding_holds_what_is_owed_where_that_is_asked(house: Consortium) -> None:
    assert report(house) == ["finding-reported", "hold-placed"]
    assert house.refusal("bureau", "institution", "disburse", PAY) == "payment-held"
    answer(house)
    assert house.refusal("bureau", "institution", "disburse", PAY) == "payment-held"
    assert decide(house, is_upheld=False, fen=0) == "dismissed"
    house.run("bureau", "institution", "disburse", PAY)


def test_a_finding_without_a_hold_stops_nothing(house: Consortium) -> None:
    assert report(house, holds=False) == ["finding-reported"]
    house.run("bureau", "institution", "disburse", PAY)


def test_what_was_admitted_comes_back_at_once_into_the_fund_that_paid(house: Consortium) -> None:
    owed, pool = balances(house)
    report(house)
    answer(house, "admitted")
    assert decide(house, 300_000) == "final"
    events = house.run("bureau", "finding", "recover", OF)
    assert [event.kind for event in events] == ["movement", "finding-recovered", "hold-lifted"]
    assert balances(house) == (owed - 300_000, pool + 300_000) and house.sum_of_balances() == 0
    assert (finding(house).stage, finding(house).recovered_fen) == ("closed", 300_000)
    assert house.refusal("bureau", "finding", "recover", OF) == "nothing-to-recover"


def test_what_was_paid_out_already_becomes_a_debt(house: Consortium) -> None:
    house.run("bureau", "institution", "disburse", institution.Disburse("H3", PAID_FEN, "disburse/H3/1"))
    report(house)
    answer(house, "admitted")
    decide(house, 300_000)
    house.run("bureau", "finding", "recover", OF)
    assert balances(house)[0] == -300_000
    house.run("bureau", "debt", "demand", debt.Demand("bureau:1", "H3", 30, "judgment"))
    house.run("h1", "debt", "repay", debt.Repay("bureau:1"))
    assert balances(house)[0] == 0


def test_an_appeal_is_judged_by_another_role_and_never_makes_it_worse(house: Consortium) -> None:
    report(house)
    answer(house)
    assert decide(house, 300_000) == "upheld"
    assert house.refusal("bureau", "finding", "recover", OF) == "nothing-to-recover"
    house.run("h1", "finding", "appeal", OF)
    judge = Decide(NO, True, 300_000, "partly-explained")
    assert house.refusal("regulator", "finding", "judge_appeal", judge) == "same-organisation"
    assert house.refusal("bureau", "finding", "judge_appeal", replace(judge, amount_fen=300_001)) == "too-much"
    house.run("vote", "finding", "judge_appeal", replace(judge, amount_fen=100_000))
    assert (finding(house).stage, finding(house).decided_fen) == ("final", 100_000)
    house.run("bureau", "finding", "recover", OF)
    assert finding(house).recovered_fen == 100_000


@pytest.mark.parametrize(("is_upheld", "stage"), [(False, "dismissed"), (True, "closed")])
def test_an_appeal_that_leaves_nothing_to_pay_ends_the_hold(house: Consortium, is_upheld: bool, stage: str) -> None:
    report(house)
    answer(house)
    decide(house)
    house.run("h1", "finding", "appeal", OF)
    house.run("bureau", "finding", "judge_appeal", Decide(NO, is_upheld, 0, "explained"))
    assert finding(house).stage == stage
    house.run("bureau", "institution", "disburse", PAY)


def test_terms_end_by_themselves(house: Consortium) -> None:
    report(house)
    assert house.refusal("regulator", "finding", "decide", Decide(NO, True, 1, "proven")) == "term-open"
    house.today(20260611)
    assert finding(house).term_on == 20260611
    assert house.refusal("regulator", "finding", "check_term", Ring(20260612, NO)) == "not-due"
    house.today(20260612)
    assert house.refusal("h1", "finding", "answer", Answer(NO, "denied", "not-ours")) == "term-over"
    (told,) = house.run("bureau", "finding", "check_term", Ring(20260612, NO))
    assert told.fields["why"] == "finding-unanswered"
    assert house.run("regulator", "finding", "check_term", Ring(20260612, NO)) == []
    assert decide(house) == "upheld" and finding(house).term_on == 20260622
    house.today(20260623)
    assert house.refusal("h1", "finding", "appeal", OF) == "term-over"
    (final,) = house.run("regulator", "finding", "check_term", Ring(20260623, NO))
    assert (final.kind, finding(house).stage) == ("finding-final", "final")
    house.run("bureau", "finding", "recover", OF)


def test_a_decision_is_made_once(house: Consortium) -> None:
    report(house)
    answer(house, "admitted")
    decide(house)
    again = Decide(NO, False, 0, "explained")
    assert house.refusal("regulator", "finding", "decide", again) == "already-decided"
    assert house.refusal("h1", "finding", "answer", Answer(NO, "denied", "not-ours")) == "already-decided"
    assert house.refusal("h1", "finding", "appeal", OF) == "already-decided"


def test_a_warning_takes_nothing_and_is_over(house: Consortium) -> None:
    report(house)
    answer(house, "admitted")
    assert decide(house, 0) == "closed"
    house.run("bureau", "institution", "disburse", PAY)


def test_of_one_thing_nobody_is_accused_twice(house: Consortium) -> None:
    report(house)
    again = replace(REPORT, finding_no="bureau:F-9", amount_fen=7)
    assert house.refusal("bureau", "finding", "report", again) == "finding-exists"
    other = replace(REPORT, rule="upcoding")
    assert house.refusal("regulator", "finding", "report", other) == "finding-exists"  # the number is taken
    house.run("bureau", "finding", "report", replace(other, finding_no="bureau:F-9"))
    assert house.refusal("bureau", "finding", "report", replace(other, finding_no=NO)) == "number-foreign"


def test_the_accused_is_who_was_paid(house: Consortium) -> None:
    assert house.refusal("regulator", "finding", "report", replace(REPORT, accused="H1")) == "not-accused"
    assert house.refusal("regulator", "finding", "report", replace(REPORT, accused="")) == "not-accused"
    unknown = replace(REPORT, settlements=("E/2026/000002",))
    assert house.refusal("regulator", "finding", "report", unknown) == "unknown-settlement"
    assert (
        house.refusal("regulator", "finding", "report", replace(REPORT, settlements=("E/2026/1",))) == "bad-identifier"
    )
    assert house.refusal("regulator", "finding", "report", replace(REPORT, settlements=(KEY, KEY))) == "bad-reference"
    report(house)
    for member in ("h2", "p1"):
        assert house.refusal(member, "finding", "answer", Answer(NO, "denied", "not-ours")) == "not-yours"


def test_a_finding_about_persons_alone_accuses_nobody(house: Consortium) -> None:
    alone = {"accused": "", "settlements": (), "records": ("person/E", "person/R"), "holds": False}
    assert house.refusal("regulator", "finding", "report", replace(REPORT, **{**alone, "records": ()})) == "bad-length"
    report(house, **alone)
    assert house.refusal("h1", "finding", "answer", Answer(NO, "denied", "not-ours")) == "not-yours"
    assert decide(house, 0) == "closed"


def test_no_more_comes_back_than_the_funds_paid_whatever_is_found(house: Consortium) -> None:
    report(house, amount_fen=10**9)
    answer(house, "admitted")
    too_much = Decide(NO, True, PAID_FEN + 1, "proven")
    assert house.refusal("regulator", "finding", "decide", too_much) == "too-much"
    decide(house, PAID_FEN)
    second = replace(REPORT, finding_no="regulator:F-2", rule="upcoding")
    house.run("regulator", "finding", "report", second)
    house.run("h1", "finding", "answer", Answer("regulator:F-2", "admitted", "agreed"))
    house.run("regulator", "finding", "decide", Decide("regulator:F-2", True, 500_000, "proven"))
    house.run("bureau", "finding", "recover", OF)
    house.run("bureau", "finding", "recover", OfFinding("regulator:F-2"))  # all came back by the first
    assert sum(get_recovered(house.state, KEY).values()) == PAID_FEN and balances(house)[0] == 0


def test_a_reversal_after_a_recovery_takes_nothing_twice(house: Consortium) -> None:
    _, pool = balances(house)
    report(house)
    answer(house, "admitted")
    decide(house, 300_000)
    house.run("bureau", "finding", "recover", OF)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert balances(house) == (0, pool + PAID_FEN) and get_recovered(house.state, KEY) == {}
    assert house.sum_of_balances() == 0


def test_what_was_reversed_before_is_not_recovered(house: Consortium) -> None:
    report(house)
    answer(house, "admitted")
    decide(house, 300_000)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    house.run("bureau", "finding", "recover", OF)
    assert (finding(house).stage, finding(house).recovered_fen, balances(house)[0]) == ("closed", 0, 0)


def test_a_hold_that_was_lifted_by_two_roles_does_not_disturb(house: Consortium) -> None:
    report(house)
    lift = hold_operations.Lift("payable/H3", "finding", f"finding/{NO}")
    house.run("regulator", "hold", "ask_lift", lift)
    house.run("bureau", "hold", "endorse_lift", lift)
    answer(house)
    assert decide(house, is_upheld=False, fen=0) == "dismissed"


def test_the_accused_and_the_supervisors_may_read_it(house: Consortium) -> None:
    report(house)
    contract = CONTRACTS["finding"]
    for member, role in (("h1", "hospital"), ("bureau", "bureau"), ("regulator", "regulator")):
        assert contract.ask(house.state, "get", OF, Reader(member, role, 20260601)).rule == "split_stays"
    with pytest.raises(Refused, match="not-yours"):
        contract.ask(house.state, "get", OF, Reader("h2", "hospital", 20260601))
