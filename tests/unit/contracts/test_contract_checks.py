"""Days, identifiers and bill numbers."""

import datetime

import pytest

from consortium.contracts.bill import normalise
from consortium.contracts.checks import (
    check_day,
    check_identifier,
    compute_day,
    compute_day_after,
    compute_days_between,
)
from consortium.core.contract import Refused


def test_days_agree_with_the_calendar() -> None:
    day = datetime.date(1970, 1, 1)
    for days in range(0, 60_000, 7):
        other = day + datetime.timedelta(days)
        number = other.year * 10_000 + other.month * 100 + other.day
        assert compute_day(days * 86_400_000_000 + 5) == number
        assert compute_day_after(19700101, days) == number
        assert compute_days_between(19700101, number) == days
        check_day(number, "day")


@pytest.mark.parametrize(
    "value", [0, -1, 20260229, 19000229, 20261301, 20260400, 20260431, 2**64 - 1, -(2**63), 30000101]
)
def test_what_is_no_day(value: int) -> None:
    with pytest.raises(Refused, match="bad-date"):
        check_day(value, "day")


@pytest.mark.parametrize("value", ["", "a/b", "é", "甲", "a b", "a\n", "-a", "a" * 65, "a\x00"])
def test_what_is_no_identifier(value: str) -> None:
    with pytest.raises(Refused, match="bad-identifier"):
        check_identifier(value, "it")


def test_all_spellings_of_a_bill_number_are_one() -> None:
    spellings = ("H3-77a", "h3-77A", " h3 - 77 a ", "Ｈ３－７７Ａ", "ｈ３-77\u3000a", "H3-77a\t\n")
    assert {normalise(spelling) for spelling in spellings} == {"h3-77a"}
    for wrong in ("", "   ", "票据", "a/b", "x" * 65, "x" * 1000, "h3-7\u200b"):
        with pytest.raises(Refused, match="bad-identifier"):
            normalise(wrong)
