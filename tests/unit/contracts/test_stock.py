"""Stock without codes is sold up to what the bureau endorsed, and not a pack further."""

from typing import Any

import pytest

from consortium.contracts.medicines import stock
from consortium.contracts.medicines.stock import CONTRACT, ListUncoded, OfDrug
from consortium.core.contract import Reader, Refused
from tests.contracts_state import Consortium, founded

FIVE = ListUncoded("P1", "D", 5)


def listed() -> Consortium:
    house = founded()
    house.run("p1", "stock", "list_uncoded", FIVE)
    house.run("bureau", "stock", "endorse_uncoded", FIVE)
    return house


def code_of_refusal(call: Any, *arguments: Any) -> str:
    try:
        call(*arguments)
    except Refused as refused:
        return refused.code
    return "ok"


def test_what_the_bureau_endorsed_is_used_up_and_what_is_taken_back_is_there_again() -> None:
    state = listed().state
    stock.use_uncoded(state, "institution/P1", "D", 3)
    assert code_of_refusal(stock.use_uncoded, state, "institution/P1", "D", 3) == "stock-short"
    stock.use_uncoded(state, "institution/P1", "D", 2)
    assert code_of_refusal(stock.use_uncoded, state, "institution/P1", "D", 1) == "stock-short"
    stock.return_uncoded(state, "institution/P1", "D", 3)
    assert stock.get_uncoded(state, "P1", "D").left == 3


@pytest.mark.parametrize(
    ("holder", "drug", "count", "code"),
    [
        ("institution/P1", "D", 5, "ok"),
        ("institution/P1", "D", 0, "stock-short"),
        ("institution/P1", "D", -1, "stock-short"),
        ("institution/P1", "E", 1, "not-listed"),
        ("institution/H1", "D", 1, "not-listed"),
        ("supplier/P1", "D", 1, "not-listed"),
    ],
)
def test_what_may_be_used(holder: str, drug: str, count: int, code: str) -> None:
    assert code_of_refusal(stock.use_uncoded, listed().state, holder, drug, count) == code


def test_nothing_is_listed_by_the_institution_alone() -> None:
    house = founded()
    assert house.refusal("p1", "stock", "list_uncoded", FIVE) == "ok"
    assert code_of_refusal(stock.use_uncoded, house.state, "institution/P1", "D", 1) == "not-listed"
    assert house.refusal("p1", "stock", "endorse_uncoded", FIVE) == "not-permitted"
    assert house.refusal("h1", "stock", "list_uncoded", FIVE) == "not-yours"
    assert house.refusal("bureau", "stock", "endorse_uncoded", ListUncoded("P1", "D", 6)) == "listing-differs"
    assert house.refusal("bureau", "stock", "endorse_uncoded", ListUncoded("P1", "E", 5)) == "unknown-listing"
    assert house.refusal("bureau", "stock", "endorse_uncoded", FIVE) == "ok"
    assert house.refusal("bureau", "stock", "endorse_uncoded", FIVE) == "unknown-listing"


def test_a_second_listing_adds_to_the_first() -> None:
    house = listed()
    stock.use_uncoded(house.state, "institution/P1", "D", 5)
    more = ListUncoded("P1", "D", 2)
    house.run("p1", "stock", "list_uncoded", more)
    house.run("bureau", "stock", "endorse_uncoded", more)
    assert stock.get_uncoded(house.state, "P1", "D") == stock.Uncoded(7, 5)


@pytest.mark.parametrize(
    ("member", "role", "code"),
    [("p1", "pharmacy", "ok"), ("h1", "hospital", "not-yours"), ("bureau", "bureau", "ok"), ("s1", "supplier", "no")],
)
def test_who_may_ask_what_is_left(member: str, role: str, code: str) -> None:
    state, asked, reader = listed().state, OfDrug("P1", "D"), Reader(member, role, 20260101)
    if code == "ok":
        assert CONTRACT.ask(state, "uncoded", asked, reader).left == 5
    else:
        with pytest.raises(Refused, match=code if code != "no" else "not-permitted"):
            CONTRACT.ask(state, "uncoded", asked, reader)
