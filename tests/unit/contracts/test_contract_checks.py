"""Days, identifiers and bill numbers."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consortium.contracts.checks import (
    check_day,
    check_identifier,
    check_pseudonym,
    check_reason,
    check_text,
    is_identifier,
)
from consortium.contracts.insurance import bill
from consortium.contracts.insurance.bill import normalise
from consortium.core.calendar import compute_day, compute_day_after, compute_days_between
from consortium.core.contract import Refused


def test_days_agree_with_the_calendar() -> None:
    day = datetime.date(1970, 1, 1)
    for days in range(0, 60_000, 7):
        other = day + datetime.timedelta(days)
        number = other.year * 10_000 + other.month * 100 + other.day
        assert compute_day(days * 86_400_000_000 + 5, 0) == number
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


@given(st.text(st.sampled_from("aZ09._:-/ \n\u00e9\uff21\u0661\x00"), max_size=70))
def test_the_short_way_through_an_identifier_accepts_what_the_pattern_accepts(value: str) -> None:
    is_sound = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", value) is not None
    assert is_identifier(value) is is_sound
    try:
        check_identifier(value, "it")
    except Refused as refusal:
        assert (refusal.code, is_sound) == ("bad-identifier", False)
    else:
        assert is_sound


@given(st.text(st.sampled_from("aZH09._:- \u3000\uff28\uff0d\uff1a"), max_size=70))
def test_the_short_way_through_a_bill_number_gives_what_the_table_gives(value: str) -> None:
    slow = value.translate(bill._ONE_SPELLING)
    try:
        assert bill.normalise(value) == slow
    except Refused:
        assert not is_identifier(slow)


PERSONAL = (
    "110105491231002",  # 15 digits
    "11010519491231002X",
    "11010519491231002x",
    "110105194912310021",
    "110105-19491231-002X",
    "13800138000",
    "8613800138000",
    "0086-138-0013-8000",
    "138.0013.8000",
    "tel:13800138000",
    "tel13800138000",
    "id-110105194912310021",
    "note-13800138000-2",
    "tel138-0013-8000",
    "P110105-19491231-0021",
    "13800138000tel",
    "110105194912310021name",
    "138-0013-8000tel",
)
NOT_PERSONAL = (
    "p-3f9c8e71a2b4d6f0",
    "p-ab110105194912310021",  # a keyed hash may end so
    "12345678901234567890",  # a trace code
    "2026030112345678",  # 16 digits
    "12800138000",  # no mobile number begins so
    "1380013800",
    "138001380001",
    "H1-2026-000017",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "E",
)


IN_OTHER_DIGITS = ("٠٠٨٦١٣٨٠٠١٣٨٠٠٠", "电话一三八〇〇一三八〇〇〇", "①③⑧ 𝟎𝟎①③ ⁸₀𝟬𝟘")


@pytest.mark.parametrize("value", PERSONAL)
def test_no_number_of_a_person_is_taken_for_a_pseudonym(value: str) -> None:
    with pytest.raises(Refused, match="personal-number"):
        check_pseudonym(value, "it")


@pytest.mark.parametrize("value", NOT_PERSONAL)
def test_what_only_resembles_a_number_of_a_person_is_a_pseudonym(value: str) -> None:
    check_pseudonym(value, "it")


@pytest.mark.parametrize(
    "value", ["call +86 138 0013 8000 today", "身份证１１０１０５１９４９１２３１００２Ｘ", *IN_OTHER_DIGITS]
)
def test_no_text_holds_a_number_of_a_person(value: str) -> None:
    with pytest.raises(Refused, match="personal-number"):
        check_text(value, "it")


def test_numbers_of_things_may_be_long() -> None:
    for serial in ("H1-110105194912310021", "H1-13800138000"):
        assert normalise(serial) == serial.lower()
        check_identifier(serial, "lot_no")


def test_a_reason_is_a_code_or_names_a_text_elsewhere() -> None:
    reasons = ("wrong-person", "wrong-amount")
    check_reason("wrong-amount", reasons)
    check_reason(f"text/{'0f' * 32}", reasons)
    for free in ("", "Wrong-amount", "wrong person", "text/", f"text/{'0F' * 32}", f"text/{'0f' * 31}", "text/张三"):
        with pytest.raises(Refused, match="bad-reason"):
            check_reason(free, reasons)
