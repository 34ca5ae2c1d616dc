"""商保: told by the person, judged by every node, paid once, never more than was left, and back with the settlement."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import funds, second_payer, settlement
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.second_claims import SECOND_CLAIMS, SECOND_POLICIES, SecondClaim, SecondPolicy
from consortium.contracts.insurance.second_payer import Decline, OfClaim
from consortium.contracts.insurance.second_rules import Benefit, Cover, compute_benefit
from consortium.contracts.oversight import due, hold_operations
from consortium.contracts.oversight.due import Ring
from consortium.core.contract import Reader, Refused
from consortium.views import load_views
from consortium.views.view import Book, feed_block
from tests.contracts_state import CONTRACTS, Consortium, founded
from tests.second_payer_kit import insure, second_claim
from tests.unit.contracts.test_settlement_cases import CASE_A
from tests.views_kit import Recorded

STAY = (Line("A", 1, 1_000_000),)  # 10,000.00: the pool pays (10,000 − 800) × 0.85 = 7,820.00, left 2,180.00
ASKED = OfClaim("E", 2026, 1)


@pytest.fixture
def house() -> Consortium:
    house = founded()
    house.claim("E", STAY)
    insure(house, "i1:1", "E")
    return house


def claimed(house: Consortium, sequence: int = 1) -> SecondClaim:
    found = house.state.get(SECOND_CLAIMS, f"E/2026/{sequence:06d}")
    assert found is not None
    return found


def policy(house: Consortium) -> SecondPolicy:
    found = house.state.get(SECOND_POLICIES, "i1:1")
    assert found is not None
    return found


def paid_out(house: Consortium) -> int:
    return funds.get_balance(house.state, "payout/E")


def used(house: Consortium) -> tuple[int, int]:
    return policy(house).used_deductible_fen, policy(house).used_fen


# --- to the fen, by hand ---------------------------------------------------------------------------------------------

A = Amounts(medfee_sumamt=6_000_000, inscp_amt=5_440_000, fund_pay_sumamt=4_556_000, psn_pay=1_444_000)
C = Amounts(medfee_sumamt=18_000_000, inscp_amt=15_800_000, fund_pay_sumamt=14_840_360, psn_pay=3_159_640)


@pytest.mark.parametrize(
    ("amounts", "cover", "deductible_fen", "benefit_fen"),
    [
        (A, Cover(200_000, 10**8, 8_000, 5_000), 200_000, 827_200),  # 6,840 × 0.8 + 5,600 × 0.5
        (A, Cover(1_000_000, 10**8, 8_000, 5_000), 1_000_000, 222_000),  # 0 + (5,600 − 1,160) × 0.5
        (A, Cover(2_000_000, 10**8, 8_000, 5_000), 1_444_000, 0),  # all of it is deductible
        (A, Cover(0, 10**8, 10_000, 10_000), 0, 1_444_000),  # all that was left, and no fen more
        (A, Cover(0, 500_000, 10_000, 10_000), 0, 500_000),
        (C, Cover(0, 10**8, 8_000, 5_000), 0, 1_867_712),  # 9,596.40 × 0.8 + 22,000 × 0.5
        (C, Cover(0, 1_500_000, 8_000, 5_000), 0, 1_500_000),
        (Amounts(inscp_amt=101, psn_pay=102), Cover(0, 10**8, 5_000, 5_000), 0, 51),  # 50.5 and 0.5: rounded once
        (Amounts(inscp_amt=101, psn_pay=101), Cover(0, 10**8, 5_000, 5_000), 0, 51),  # 50.5, half up
        (Amounts(), Cover(100, 10**8, 10_000, 10_000), 0, 0),
    ],
)
def test_a_benefit_is_what_was_computed_by_hand(
    amounts: Amounts, cover: Cover, deductible_fen: int, benefit_fen: int
) -> None:
    left = amounts.inscp_amt - amounts.fund_pay_sumamt
    expected = Benefit(left, amounts.psn_pay - left, deductible_fen, benefit_fen)
    assert compute_benefit(amounts, cover) == expected


def test_case_a_through_the_contract(house: Consortium) -> None:
    other = founded()
    other.claim("E", CASE_A)
    insure(other, "i1:1", "E", deductible_fen=200_000)
    other.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    found = claimed(other)
    assert (found.left_fen, found.beyond_fen, found.deductible_fen, found.benefit_fen) == (
        884_000,
        560_000,
        200_000,
        827_200,
    )
    assert (found.begndate, found.enddate, found.pay_on) == (20260301, 20260310, 20260701)


# --- its life --------------------------------------------------------------------------------------------------------


def test_an_insurer_pays_what_every_node_computed_once(house: Consortium) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    assert paid_out(house) == 0 and used(house) == (100_000, 94_400)  # (2,180 − 1,000) × 0.8
    house.run("i1", "second_payer", "pay", ASKED)
    assert paid_out(house) == 94_400 and house.sum_of_balances() == 0
    assert house.refusal("i1", "second_payer", "pay", ASKED) == "paid-already"
    assert house.refusal("i1", "second_payer", "decline", Decline("E", 2026, 1, "excluded")) == "paid-already"
    assert house.refusal("agent", "second_payer", "claim", second_claim("i1:1", "E", number=2)) == "paid-already"


def test_a_second_policy_pays_nothing_of_what_the_first_was_asked_for(house: Consortium) -> None:
    insure(house, "i2:1", "E", "i2")
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    assert house.refusal("agent", "second_payer", "claim", second_claim("i2:1", "E", number=2)) == "paid-already"


def test_what_is_declined_is_open_again_also_for_another_insurer(house: Consortium) -> None:
    insure(house, "i2:1", "E", "i2", deductible_fen=0)
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    house.run("i1", "second_payer", "decline", Decline("E", 2026, 1, "waiting-period"))
    assert used(house) == (0, 0) and claimed(house).reason == "waiting-period"
    house.run("agent", "second_payer", "claim", second_claim("i2:1", "E", number=2))
    assert house.refusal("i1", "second_payer", "pay", ASKED) == "not-yours"
    house.run("i2", "second_payer", "pay", ASKED)
    assert paid_out(house) == 174_400


def test_a_reversal_takes_back_what_was_paid_and_opens_deductible_and_cap(house: Consortium) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    house.run("i1", "second_payer", "pay", ASKED)
    events = house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert "second-claim-reversed" in [event.kind for event in events]
    assert paid_out(house) == 0 and used(house) == (0, 0) and house.sum_of_balances() == 0
    assert claimed(house).stage == "reversed"
    assert house.refusal("agent", "second_payer", "claim", second_claim("i1:1", "E", number=2)) == "not-settled"
    house.claim("E", STAY, serial="2")  # entry 3: 1 was settled, 2 reverses it
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E", 3, number=2))
    assert claimed(house, 3).benefit_fen == 94_400


def test_a_reversal_before_the_insurer_paid_leaves_nothing_to_pay(house: Consortium) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert house.refusal("i1", "second_payer", "pay", ASKED) == "paid-already"
    assert used(house) == (0, 0) and paid_out(house) == 0
    assert all(one.contract != "second_payer" for one in due.due_until(house.state, 20270101, 9))


def test_a_reversal_leaves_other_claims_as_they_were_judged(house: Consortium) -> None:
    """The first used the deductible; the second, without one, is not judged anew."""
    house.claim("E", STAY, serial="2")  # the second stay: (10,000 − 400) × 0.85 = 8,160.00, left 1,840.00
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E", 2))
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E", 1, number=2))
    assert (claimed(house, 2).benefit_fen, claimed(house, 1).benefit_fen) == (67_200, 174_400)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 2, "wrong-amount"))
    assert claimed(house, 1).benefit_fen == 174_400 and used(house) == (0, 174_400)


def test_the_cap_is_of_all_claims_together(house: Consortium) -> None:
    insure(house, "i2:1", "E", "i2", deductible_fen=0, cap_fen=200_000)
    house.claim("E", STAY, serial="2")
    for sequence in (1, 2):
        house.run("agent", "second_payer", "claim", second_claim("i2:1", "E", sequence, number=sequence))
    assert (claimed(house, 1).benefit_fen, claimed(house, 2).benefit_fen) == (174_400, 25_600)


def test_an_insurer_that_does_not_answer_is_told_of_on_its_day(house: Consortium) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    ring = Ring(20260701, "E/2026/000001")
    assert house.refusal("bureau", "second_payer", "check_overdue", ring) == "not-due"
    house.today(20260701)
    (told,) = house.run("bureau", "second_payer", "check_overdue", ring)
    assert told.fields["why"] == "second-claim-overdue" and told.fields["insurer"] == "i1"
    assert house.run("regulator", "second_payer", "check_overdue", ring) == []


@pytest.mark.parametrize("operation", ["pay", "decline"])
def test_who_answered_in_time_is_not_told_of(house: Consortium, operation: str) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    said: Any = ASKED if operation == "pay" else Decline("E", 2026, 1, "excluded")
    house.run("i1", "second_payer", operation, said)
    house.today(20260701)
    assert house.run("bureau", "second_payer", "check_overdue", Ring(20260701, "E/2026/000001")) == []


def test_a_hold_over_the_person_stops_the_payment_and_not_the_way_back(house: Consortium) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    house.run("i1", "second_payer", "pay", ASKED)
    house.claim("E", STAY, serial="2")
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E", 2, number=2))
    house.run("regulator", "hold", "place", hold_operations.Place("payout/E", "inquiry", "finding/F-1"))
    assert house.refusal("i1", "second_payer", "pay", OfClaim("E", 2026, 2)) == "payment-held"
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 2, "wrong-amount"))
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert paid_out(house) == 0


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (second_claim("i1:404", "E"), "not-yours"),
        (second_claim("i1:1", "R"), "not-yours"),
        (second_claim("i1:1", "E", 9), "not-settled"),
        (second_claim("i1:1", "E", year=2025), "not-settled"),
        (second_claim("i1:1", "E", 0), "bad-number"),
        (second_claim("i1:1", "E", year=99), "bad-number"),
        (second_claim("i1:late", "E"), "not-covered"),
        (second_claim("i1:dear", "E"), "nothing-left"),
        (second_claim("i1:1", "E", number=65), "spoken-ahead"),
        (second_claim("i1:1", "E"), "ok"),
    ],
)
def test_what_a_person_cannot_claim(house: Consortium, said: Any, code: str) -> None:
    insure(house, "i1:R", "R")
    insure(house, "i1:late", "E", from_day=20260311)
    insure(house, "i1:dear", "E", deductible_fen=218_000)
    assert house.refusal("h2", "second_payer", "claim", said) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"policy_no": "i2:1"}, "number-foreign"),
        ({"policy_no": "i1:/"}, "bad-identifier"),
        ({"policy_no": "i1:1"}, "policy-exists"),
        ({"psn_no": "110101199003070011"}, "personal-number"),
        ({"to_day": 20260101}, "bad-date"),
        ({"deductible_fen": -1}, "bad-amount"),
        ({"cap_fen": 0}, "bad-amount"),
        ({"scope_bp": 10_001}, "bad-number"),
        ({"beyond_bp": -1}, "bad-number"),
        ({"pay_days": 0}, "bad-number"),
        ({}, "ok"),
    ],
)
def test_a_policy_that_cannot_be(house: Consortium, change: dict[str, Any], code: str) -> None:
    terms: dict[str, Any] = {"policy_no": "i1:2", "psn_no": "E", "from_day": 20260101, "to_day": 20270101}
    terms |= {"deductible_fen": 0, "scope_bp": 8_000, "beyond_bp": 0, "cap_fen": 1, **change}
    assert house.refusal("i1", "second_payer", "register", second_payer.Register(**terms)) == code


def test_nobody_answers_for_another_insurer_and_what_was_not_claimed_is_nobodys(house: Consortium) -> None:
    assert house.refusal("i1", "second_payer", "pay", ASKED) == "not-yours"
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    assert house.refusal("i2", "second_payer", "pay", ASKED) == "not-yours"
    assert house.refusal("bureau", "second_payer", "pay", ASKED) == "not-permitted"
    assert house.refusal("i1", "second_payer", "decline", Decline("E", 2026, 1, "no mood")) == "bad-reason"


def test_an_insurer_reads_its_own_and_nothing_of_the_settlement_itself(house: Consortium) -> None:
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E"))
    contract = CONTRACTS["second_payer"]
    assert contract.ask(house.state, "get", ASKED, Reader("i1", "insurer", 20260601)) == claimed(house)
    asked = second_payer.OfPolicy("i1:1")
    assert contract.ask(house.state, "policy", asked, Reader("regulator", "regulator", 20260601)) == policy(house)
    for name, one in (("get", ASKED), ("policy", asked)):
        with pytest.raises(Refused, match="not-yours"):
            contract.ask(house.state, name, one, Reader("i2", "insurer", 20260601))
    for name, one, code in (
        ("get", OfClaim("E", 2026, 9), "unknown-claim"),
        ("policy", second_payer.OfPolicy("i1:404"), "unknown-policy"),
    ):
        with pytest.raises(Refused, match=code):
            contract.ask(house.state, name, one, Reader("bureau", "bureau", 20260601))
    with pytest.raises(Refused, match="not-permitted"):
        CONTRACTS["settlement"].ask(house.state, "get", ASKED, Reader("i1", "insurer", 20260601))


def test_a_view_tells_what_an_insurer_owes_and_paid() -> None:
    house = Recorded()
    founded(house)
    house.claim("E", STAY)
    house.claim("E", STAY, serial="2")
    insure(house, "i1:1", "E")
    for sequence in (1, 2):
        house.run("agent", "second_payer", "claim", second_claim("i1:1", "E", sequence, number=sequence))
    house.run("i1", "second_payer", "pay", ASKED)
    view = load_views()["second_payers"]
    book = Book(view.tables)
    for block in house.blocks([]):
        feed_block(view, book, block)
    assert book.column("insurer", ("i1", 2026), "paid_fen") == 94_400
    assert book.column("insurer", ("i1", 2026), "owed_fen") == 147_200  # 1,840 × 0.8
    assert book.column("insurer", ("i1", 2026), "policies") == 1
    assert book.column("claim", ("E", 2026, 2), "stage") == "claimed"
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 2, "wrong-amount"))
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    book = Book(view.tables)
    for block in house.blocks([]):
        feed_block(view, book, block)
    row = [book.column("insurer", ("i1", 2026), name) for name in ("owed_fen", "paid_fen", "reversed")]
    assert row == [0, 0, 2]
