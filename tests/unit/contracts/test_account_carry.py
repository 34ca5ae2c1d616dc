"""Balances of personal accounts pass to the next year's pseudonyms: conserved to the fen, and no amount stands out."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.contracts.insurance import enrolment, funds
from consortium.contracts.insurance.account_carry import ALIKE_MIN, CarryIn, CarryOut, Rest, Share, compute_alike
from tests.contracts_state import Consortium, founded

OLD, NEW = [f"s-25-{number}" for number in range(7)], [f"s-26-{number}" for number in range(7)]
BALANCES = (123_456, 99_900, 50_000, 12_345, 12_345, 700, 5)


@pytest.fixture
def house() -> Consortium:
    """Seven employees of 2025, known under other pseudonyms in 2026; their accounts hold BALANCES."""
    house = founded()
    house.today(20260110)
    for names, year in ((OLD, 2025), (NEW, 2026)):
        period = enrolment.Period(year * 10_000 + 101, (year + 1) * 10_000 + 101, "employee")
        for psn_no in names:
            house.genesis("enrolment", "register", enrolment.Register(psn_no, (period,)))
    for psn_no, fen in zip(OLD, BALANCES, strict=True):
        house.run("bureau", "funds", "contribute", funds.Contribute(f"person/{psn_no}", fen, f"opening/{psn_no}"))
    return house


def balance(house: Consortium, name: str) -> int:
    return funds.get_balance(house.state, name)


def test_all_goes_out_in_one_batch_and_in_by_another_and_the_rest_comes_with_contributions(house: Consortium) -> None:
    house.run("bureau", "account_carry", "carry_out", CarryOut(2025, tuple(OLD)))
    assert balance(house, "carry/2025") == sum(BALANCES) and all(not balance(house, f"person/{one}") for one in OLD)
    shares = compute_alike(BALANCES)
    house.run("bureau", "account_carry", "carry_in", CarryIn(2025, tuple(map(Share, NEW, shares))))
    assert [balance(house, f"person/{one}") for one in NEW] == list(shares)
    house.run("bureau", "account_carry", "rest", Rest(2025))
    assert balance(house, "carry/2025") == 0 and house.sum_of_balances() == 0
    for psn_no, fen, share in zip(NEW, BALANCES, shares, strict=True):
        premium = enrolment.RecordContribution(psn_no, 202601, "employee", 60_000, 20_000 + fen - share)
        house.run("bureau", "enrolment", "record_contribution", premium)
    assert [balance(house, f"person/{one}") - 20_000 for one in NEW] == list(BALANCES), "nobody lost a fen"
    assert house.sum_of_balances() == 0


@pytest.mark.parametrize(
    ("member", "operation", "arguments", "code"),
    [
        ("h1", "carry_out", CarryOut(2025, tuple(OLD)), "not-permitted"),
        ("bureau", "carry_out", CarryOut(2026, tuple(NEW)), "year-not-over"),
        ("bureau", "carry_out", CarryOut(2025, tuple(NEW)), "other-year"),
        ("bureau", "carry_out", CarryOut(2025, tuple(reversed(OLD))), "not-sorted"),
        ("bureau", "carry_out", CarryOut(2025, (OLD[0], OLD[0])), "not-sorted"),
        ("bureau", "carry_out", CarryOut(2025, ()), "bad-length"),
        ("bureau", "carry_out", CarryOut(2025, ("nobody",)), "not-enrolled"),
        ("bureau", "carry_in", CarryIn(2025, (Share(NEW[0], 5),)), "amount-stands-out"),
        ("bureau", "carry_in", CarryIn(2025, tuple(Share(one, -1) for one in NEW)), "bad-amount"),
        ("bureau", "carry_in", CarryIn(2025, tuple(Share(one, 1) for one in OLD)), "other-year"),
        ("bureau", "carry_in", CarryIn(2025, tuple(Share(one, 1) for one in reversed(NEW))), "not-sorted"),
        ("bureau", "carry_in", CarryIn(2025, tuple(Share(one, 10**6) for one in NEW)), "account-short"),
        ("bureau", "carry_in", CarryIn(2025, tuple(Share(one, 1) for one in NEW)), "ok"),
        ("bureau", "rest", Rest(2026), "year-not-over"),
    ],
)
def test_what_a_batch_may_not_be(house: Consortium, member: str, operation: str, arguments: object, code: str) -> None:
    house.run("bureau", "account_carry", "carry_out", CarryOut(2025, tuple(OLD)))
    assert house.refusal(member, "account_carry", operation, arguments) == code


@given(st.lists(st.integers(0, 10**6), max_size=40).map(tuple))
def test_what_is_carried_is_never_more_than_was_there_and_never_stands_out(balances: tuple[int, ...]) -> None:
    shares = compute_alike(balances)
    assert all(0 <= share <= balance for share, balance in zip(shares, balances, strict=True))
    if len(balances) >= ALIKE_MIN:
        assert min(Counter(shares).values()) >= ALIKE_MIN
    else:
        assert not any(shares)
