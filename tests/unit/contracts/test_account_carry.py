"""Balances of personal accounts pass to the next year's pseudonyms: conserved to the fen, and no amount stands out."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.contracts.insurance import enrolment, fund_transfer, funds
from consortium.contracts.insurance.account_carry import ALIKE_MIN, CarryIn, CarryOut, Share, compute_alike
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


REST = fund_transfer.OfTransfer("rest-2025")


def propose(source: str, fen: int, target: str = "external") -> fund_transfer.Propose:
    return fund_transfer.Propose("rest-2025", source, target, fen, "carry-rest/2025")


def balance(house: Consortium, name: str) -> int:
    return funds.get_balance(house.state, name)


def test_all_goes_out_in_one_batch_and_in_by_another_and_the_rest_comes_with_contributions(house: Consortium) -> None:
    house.run("bureau", "account_carry", "carry_out", CarryOut(2025, tuple(OLD)))
    assert balance(house, "carry/2025") == sum(BALANCES) and all(not balance(house, f"person/{one}") for one in OLD)
    shares = compute_alike(BALANCES)
    house.run("bureau", "account_carry", "carry_in", CarryIn(2025, tuple(map(Share, NEW, shares))))
    assert [balance(house, f"person/{one}") for one in NEW] == list(shares)
    house.run("bureau", "fund_transfer", "propose", propose("carry/2025", sum(BALANCES) - sum(shares)))
    house.run("regulator", "fund_transfer", "endorse", REST)
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
    ],
)
def test_what_a_batch_may_not_be(house: Consortium, member: str, operation: str, arguments: object, code: str) -> None:
    house.run("bureau", "account_carry", "carry_out", CarryOut(2025, tuple(OLD)))
    assert house.refusal(member, "account_carry", operation, arguments) == code


@pytest.mark.parametrize(
    ("proposal", "code"),
    [
        (propose("carry/2025", 1), "ok"),
        (propose("carry/2024", 1), "unknown-account"),
        (propose("carry/2025", 0), "bad-amount"),
        (propose("carry/2025", 1, "fund/medical-aid"), "bad-account"),
        (propose("carry/2025", 1, "person/s-26-0"), "bad-account"),
        (propose("fund/medical-aid", 1), "bad-account"),
        (propose("person/s-26-0", 1), "bad-account"),
        (propose("carry", 1), "bad-account"),
        (propose("carry/", 1), "bad-identifier"),
    ],
)
def test_out_of_the_ledger_goes_the_rest_of_a_year_alone(
    house: Consortium, proposal: fund_transfer.Propose, code: str
) -> None:
    house.run("bureau", "account_carry", "carry_out", CarryOut(2025, tuple(OLD)))
    assert house.refusal("bureau", "fund_transfer", "propose", proposal) == code


def test_the_rest_leaves_by_the_word_of_another_role_alone(house: Consortium) -> None:
    """Regression: the bureau alone could let what is left of all personal accounts vanish."""
    house.run("bureau", "account_carry", "carry_out", CarryOut(2025, tuple(OLD)))
    house.run("bureau", "fund_transfer", "propose", propose("carry/2025", sum(BALANCES)))
    assert house.refusal("bureau", "fund_transfer", "endorse", REST) == "same-organisation"
    assert balance(house, "carry/2025") == sum(BALANCES)
    house.run("regulator", "fund_transfer", "endorse", REST)
    assert balance(house, "carry/2025") == 0 and house.sum_of_balances() == 0


@given(st.lists(st.integers(0, 10**6), max_size=40).map(tuple))
def test_what_is_carried_is_never_more_than_was_there_and_never_stands_out(balances: tuple[int, ...]) -> None:
    shares = compute_alike(balances)
    assert all(0 <= share <= balance for share, balance in zip(shares, balances, strict=True))
    if len(balances) >= ALIKE_MIN:
        assert min(Counter(shares).values()) >= ALIKE_MIN
    else:
        assert not any(shares)
