"""The reference pays the worked cases of the domain: it is right where the page says what is right."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.reference.arithmetic import (
    Circumstances,
    Item,
    LineOf,
    Split,
    Sums,
    Used,
    case_payment,
    half_up,
    split_claim,
    sum_lines,
)
from tests.reference.policies import FIRST, YUAN

ITEMS = {
    "a": Item(0, "A"),
    "b": Item(0, "B", Fraction(1, 10)),
    "s": Item(0, "B", Fraction(1, 5), 8_000 * YUAN),
    "c": Item(0, "C"),
}


def yuan(text: str) -> int:
    return int(Fraction(text) * 100)


def of_scope(scope: int, who: Circumstances, *, whole: int = 0, stays: int = 0, account: int = 0, **used: int) -> Split:
    return split_claim(FIRST, who, Sums(whole or scope, scope=scope), Used(**used), stays, 0, account)


def test_case_a_an_employee_with_lines_of_every_class() -> None:
    lines = (LineOf("a", 1, yuan("30000")), LineOf("b", 1, yuan("20000")), LineOf("s", 1, yuan("8500")))
    sums = sum_lines((*lines, LineOf("c", 1, yuan("1500"))), ITEMS)
    assert sums.scope == yuan("54400") and sums.whole == yuan("60000")
    for away, pool, personal in (("", "45560.00", "14440.00"), ("unfiled", "31892.00", "28108.00")):
        who = Circumstances("employee", "inpatient", 3, False, False, away)
        split = split_claim(FIRST, who, sums, Used(), 0, 0, yuan("5000"))
        assert split.pool == yuan(pool) and split.account == yuan("5000")
        assert split.account + split.cash == yuan(personal)


def test_case_b_a_retired_employee_above_the_cap() -> None:
    who = Circumstances("employee", "inpatient", 2, True, False, "")
    split = of_scope(yuan("60000"), who, stays=1, pool=yuan("100000"))
    assert (split.deductible, split.pool, split.large) == (yuan("200"), yuan("20000"), yuan("34039.78"))
    assert split.cash == yuan("5960.22")


def test_case_c_a_resident_on_assistance() -> None:
    who = Circumstances("resident", "inpatient", 3, False, True, "")
    split = of_scope(yuan("158000"), who, whole=yuan("180000"))
    assert (split.pool, split.illness, split.aid) == (yuan("94320"), yuan("31692"), yuan("22391.60"))
    assert split.fund == yuan("148403.60") and split.cash == yuan("31596.40")


def test_rounding_and_cases() -> None:
    assert half_up(Fraction("100.10") * 100 * Fraction(85, 100)) == yuan("85.09")
    for cost, payment in (("8000", "5943"), ("20000", "8114"), ("2000", "2000")):
        assert case_payment(FIRST, Fraction("0.566"), Fraction("1.05"), yuan(cost)) == yuan(payment)


@pytest.mark.parametrize(
    ("first", "second", "pool", "illness"), [("150000", "100400", "60000", "17040"), ("400000", "10400", "6000", "0")]
)
def test_schemes_of_one_person_do_not_touch_one_another(first: str, second: str, pool: str, illness: str) -> None:
    employee = of_scope(yuan(first), Circumstances("employee", "inpatient", 3, False, False, ""))
    who = Circumstances("resident", "inpatient", 3, False, False, "")
    alone = of_scope(yuan(second), who, stays=1)
    assert (alone.pool, alone.illness) == (yuan(pool), yuan(illness))
    used = employee.used
    joint = of_scope(yuan(second), who, stays=1, pool=used.pool, large=used.large, burden=used.burden)
    assert joint.pool < alone.pool, "the rule of before: common room"
