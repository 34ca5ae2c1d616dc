"""Packs: recalled in one write however many, sent back, watched by who holds them; second sales leave names."""

from typing import Any

import msgspec
import pytest

from consortium.contracts.medicines import lots, packs
from consortium.contracts.medicines.lots import PageOfLot
from consortium.contracts.medicines.sales import ATTEMPTS_MAX, SECOND_SALES, SecondSalesAfter
from consortium.contracts.medicines.trace_code import (
    CONTRACT,
    Extend,
    OfPack,
    Produce,
    Recall,
    RecordTemperature,
    ReturnSale,
    Sell,
    SendBack,
    Transfer,
)
from consortium.core.contract import Reader, Refused
from tests.contracts_state import Consortium, code_of, founded, stock

P1, H1, S1 = "institution/P1", "institution/H1", "supplier/s1"
CODES = tuple(code_of(number) for number in range(6))
READERS = {"regulator": "regulator", "bureau": "bureau", "s1": "supplier", "s2": "supplier", "p1": "pharmacy"}


@pytest.fixture
def house() -> Consortium:
    """Six packs of one lot: two at H1, two at P1, two with their producer."""
    house = founded()
    act(house, "s1", "produce", Produce("lot", "D", "tablet", 10, CODES))
    act(house, "s1", "transfer", Transfer(S1, H1, CODES[:2]))
    act(house, "s1", "transfer", Transfer(S1, P1, CODES[2:4]))
    return house


def act(house: Consortium, member: str, operation: str, arguments: Any) -> list[Any]:
    return house.run(member, "trace_code", operation, arguments)


def refusal(house: Consortium, member: str, operation: str, arguments: Any) -> str:
    return house.refusal(member, "trace_code", operation, arguments)


def ask(house: Consortium, member: str, query: str, arguments: Any) -> Any:
    return CONTRACT.ask(house.state, query, arguments, Reader(member, READERS[member], 20260101))


def test_a_recall_stops_every_pack_and_who_holds_them_is_asked_page_by_page(house: Consortium) -> None:
    act(house, "p1", "sell", Sell("P1", CODES[2], "till-1", 0))
    (told,) = act(house, "regulator", "recall", Recall("lot", "quality"))
    assert told.fields == {"lot_no": "lot", "reason": "quality", "packs": 6, "pages": 1}
    found = ask(house, "regulator", "places", PageOfLot("lot", 1))
    assert found.is_recalled and found.pages == 1
    assert [(one.drug_trac_codg, one.holder, one.units_left) for one in found.places] == [
        (CODES[0], H1, 10),
        (CODES[1], H1, 10),
        (CODES[2], P1, 0),
        (CODES[3], P1, 10),
        (CODES[4], S1, 10),
        (CODES[5], S1, 10),
    ]
    assert [sale.bill_no for one in found.places for sale in one.sales] == ["till-1"]
    assert refusal(house, "p1", "sell", Sell("P1", CODES[3], "till-2", 0)) == "trace-code-recalled"
    assert refusal(house, "s1", "transfer", Transfer(S1, H1, CODES[4:])) == "trace-code-recalled"
    assert refusal(house, "bureau", "recall", Recall("lot", "quality")) == "already-recalled"


def test_who_may_recall_and_ask(house: Consortium) -> None:
    assert refusal(house, "s1", "recall", Recall("lot", "because")) == "bad-reason"
    other = stock_of_another(house)
    assert refusal(house, "s1", "recall", Recall(other, "quality")) == "not-yours"
    assert refusal(house, "s1", "recall", Recall("none", "quality")) == "not-yours"
    assert refusal(house, "regulator", "recall", Recall("none", "quality")) == "unknown-lot"
    assert ask(house, "s1", "places", PageOfLot("lot", 1)).places[2].sales == ()
    for member, code in (("s2", "not-yours"), ("p1", "not-permitted")):
        with pytest.raises(Refused, match=code):
            ask(house, member, "places", PageOfLot("lot", 1))
    with pytest.raises(Refused, match="bad-number"):
        ask(house, "bureau", "places", PageOfLot("lot", 2))


def stock_of_another(house: Consortium) -> str:
    stock(house, "elsewhere", (code_of(90),), "supplier/s2")
    return "elsewhere"


def test_a_recall_of_many_packs_is_as_small_as_one_of_few(house: Consortium) -> None:
    pages = 40  # 20,000 packs
    for page in range(pages):
        codes = tuple(code_of(1_000 + page * 500 + number) for number in range(500))
        act(house, "s1", "extend", Extend("lot", codes))
    house.state.puts = house.state.gets = 0
    events = act(house, "regulator", "recall", Recall("lot", "quality"))
    assert len(msgspec.msgpack.encode(events)) < 200
    assert house.state.puts == 1 and house.state.gets < 5
    assert events[0].fields["packs"] == 6 + 500 * pages
    last = ask(house, "bureau", "places", PageOfLot("lot", pages + 1))
    assert len(last.places) == 500 and len(msgspec.msgpack.encode(last)) < 100_000


def test_a_lot_is_extended_by_its_producer_until_it_is_full_or_recalled(
    house: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = Extend("lot", (code_of(50),))
    assert refusal(house, "s1", "extend", Extend("lot", CODES[:1])) == "trace-code-exists"
    assert refusal(house, "s1", "extend", Extend(stock_of_another(house), (code_of(51),))) == "not-yours"
    act(house, "s1", "extend", more)
    monkeypatch.setattr(lots, "PAGES_MAX", 2)
    assert refusal(house, "s1", "extend", Extend("lot", (code_of(52),))) == "lot-full"
    act(house, "s1", "recall", Recall("lot", "counterfeit"))
    assert refusal(house, "s1", "extend", Extend("lot", (code_of(52),))) == "already-recalled"


def test_recalled_packs_go_back_to_their_producer_and_others_do_not(house: Consortium) -> None:
    back = SendBack(P1, CODES[3:4])
    assert refusal(house, "p1", "send_back", back) == "not-recalled"
    act(house, "p1", "sell", Sell("P1", CODES[2], "till-1", 3))
    act(house, "bureau", "recall", Recall("lot", "labelling"))
    assert refusal(house, "h1", "send_back", back) == "not-yours"
    assert refusal(house, "p1", "send_back", SendBack(P1, CODES[:1])) == "trace-code-elsewhere"
    assert refusal(house, "p1", "send_back", SendBack(P1, CODES[2:3])) == "trace-code-sold"
    assert refusal(house, "s1", "send_back", SendBack(S1, CODES[4:5])) == "same-holder"
    (sent,) = act(house, "p1", "send_back", back)
    assert sent.fields == {"source": P1, "lot_no": "lot", "packs": 1}
    assert packs.get_pack(house.state, CODES[3]).holder == S1
    act(house, "p1", "return_sale", ReturnSale("P1", CODES[2], "till-1"))  # the customer brings it back
    act(house, "p1", "send_back", SendBack(P1, CODES[2:3]))


def test_nobody_hands_on_what_another_holds(house: Consortium) -> None:
    assert refusal(house, "s1", "transfer", Transfer(H1, P1, CODES[:1])) == "not-yours"
    assert refusal(house, "s1", "transfer", Transfer("institution/none", P1, CODES[:1])) == "not-yours"
    assert refusal(house, "s1", "transfer", Transfer(S1, "institution/none", CODES[4:])) == "unknown-institution"


def test_who_hands_on_a_pack_that_it_does_not_hold_is_not_told_who_does(house: Consortium) -> None:
    """Regression: the sentence named the holder."""
    with pytest.raises(Refused) as told:
        house.run("s1", "trace_code", "transfer", Transfer(S1, P1, CODES[1:2]))
    assert told.value.code == "trace-code-elsewhere"
    assert H1 not in told.value.sentence and P1 not in told.value.sentence


@pytest.mark.parametrize(
    ("member", "code", "temperature", "kind"),
    [
        ("s1", code_of(1), 500, "temperature-read"),
        ("s1", code_of(1), 801, "cold-chain-excursion"),
        ("s1", code_of(1), 199, "cold-chain-excursion"),
        ("p1", code_of(2), 500, "temperature-read"),
        ("p1", code_of(1), 500, "not-yours"),
        ("h1", code_of(2), 500, "not-yours"),
        ("p1", code_of(99), 500, "not-yours"),
        ("p1", code_of(3), 500, "not-cold-chain"),
        ("p1", code_of(2), 20_001, "bad-number"),
    ],
)
def test_temperatures_are_written_where_a_pack_of_the_lot_is(
    member: str, code: str, temperature: int, kind: str
) -> None:
    house = founded()
    act(house, "s1", "produce", Produce("cold", "D", "dose", 1, (code_of(1), code_of(2)), "", True, 200, 800))
    act(house, "s1", "transfer", Transfer(S1, P1, (code_of(2),)))
    stock(house, "warm", (code_of(3),), P1)
    reading = RecordTemperature(code, "fridge-2", temperature)
    try:
        found = act(house, member, "record_temperature", reading)[0].kind
    except Refused as refused:
        found = refused.code
    assert found == kind
    assert packs.get_lot(house.state, "cold").excursions == (kind == "cold-chain-excursion")


def test_a_second_sale_at_the_counter_leaves_both_parties_for_the_regulator(house: Consortium) -> None:
    act(house, "p1", "sell", Sell("P1", CODES[2], "till-1", 0))
    house.day = 20_000
    assert refusal(house, "h1", "sell", Sell("H1", CODES[2], "till-9", 0)) == "trace-code-sold"
    assert refusal(house, "h1", "sell", Sell("H1", CODES[3], "till-9", 0)) == "trace-code-elsewhere"
    (found,) = ask(house, "regulator", "second_sales", SecondSalesAfter()).found
    assert found.drug_trac_codg == CODES[2]
    assert (found.second_sales.first.seller, found.second_sales.first.bill_no) == (P1, "till-1")
    (attempt,) = found.second_sales.attempts
    assert (attempt.seller, attempt.bill_no, attempt.member, attempt.day) == (H1, "till-9", "h1", 20241004)
    assert ask(house, "regulator", "second_sales", SecondSalesAfter(CODES[2])).found == ()
    with pytest.raises(Refused, match="not-permitted"):
        ask(house, "p1", "second_sales", SecondSalesAfter())


def test_what_is_kept_of_second_sales_does_not_grow_with_them(house: Consortium) -> None:
    act(house, "p1", "sell", Sell("P1", CODES[2], "till-1", 0))
    for number in range(ATTEMPTS_MAX + 5):
        assert refusal(house, "p1", "sell", Sell("P1", CODES[2], f"till-{number}", 1)) == "trace-code-sold"
    kept = house.state.get(SECOND_SALES, CODES[2])
    assert kept is not None and len(kept.attempts) == ATTEMPTS_MAX and kept.count == ATTEMPTS_MAX + 5


def test_a_pack_that_is_merely_short_of_units_accuses_nobody(house: Consortium) -> None:
    act(house, "p1", "sell", Sell("P1", CODES[2], "till-1", 6))
    assert refusal(house, "p1", "sell", Sell("P1", CODES[2], "till-2", 5)) == "trace-code-units"
    assert house.state.get(SECOND_SALES, CODES[2]) is None


def test_a_pack_is_told_to_who_holds_it(house: Consortium) -> None:
    assert ask(house, "p1", "pack", OfPack(CODES[2])).holder == P1
    assert ask(house, "bureau", "pack", OfPack(CODES[0])).holder == H1
    for code in (CODES[0], code_of(77)):
        with pytest.raises(Refused, match="not-yours"):
            ask(house, "p1", "pack", OfPack(code))
