"""Amounts, days and moments as a person reads them."""

from __future__ import annotations

import msgspec
import pytest

from consortium.stories.plain import builtins, day, flat, moment, plain, readable, yuan, zone

HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("fen", "told"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456_789, "1,234,567.89"), (-100, "-1.00")]
)
def test_an_amount_is_exact_to_the_fen(fen: int, told: str) -> None:
    assert yuan(fen) == told


def test_a_moment_is_that_of_the_chains_calendar() -> None:
    assert (moment(0, 480), moment(0, 0)) == ("1970-01-01 08:00:00", "1970-01-01 00:00:00")
    assert moment(20 * HOUR_US, 480) == "1970-01-02 04:00:00"
    assert (zone(480), zone(-210), zone(0)) == ("UTC+08:00", "UTC-03:30", "UTC+00:00")


def test_a_field_is_told_by_what_its_name_counts() -> None:
    assert plain("amount_fen", 150) == plain("hifp_pay", 150) == "1.50"
    assert plain("coded", 150) == "150"
    assert plain("due_day", 20260501) == day(20260501) == "2026-05-01"
    assert plain("sequence", 20260501) == "20260501"
    assert (plain("lines", b""), plain("lines", b"\x01" * 32)) == ("-", "0101010101010101…")
    assert (plain("is_held", True), plain("codes", ("a", "b")), plain("stage", "")) == ("yes", "a, b", "-")


class _Inner(msgspec.Struct, array_like=True):
    fen_fen: int = 0


class _Outer(msgspec.Struct):
    inner: _Inner
    held: tuple[_Inner, ...]
    key: bytes = b"\x01"


def test_a_record_keeps_its_names_also_where_its_bytes_are_an_array() -> None:
    outer = builtins(_Outer(_Inner(250), (_Inner(1), _Inner(2))))
    assert outer == {"inner": {"fen_fen": 250}, "held": [{"fen_fen": 1}, {"fen_fen": 2}], "key": b"\x01"}
    assert list(flat(outer)) == [
        ("inner.fen", "2.50"),
        ("held[1].fen", "0.01"),
        ("held[2].fen", "0.02"),
        ("key", "01"),
    ]
    assert readable(outer)["key"] == "01"
