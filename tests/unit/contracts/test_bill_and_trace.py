"""The life of a bill and of a pack."""

from typing import Any

import msgspec
import pytest

from consortium.contracts.insurance import bill, institution, settlement
from consortium.contracts.insurance.lines import Line, Sold, Sums
from consortium.contracts.medicines import packs, trace_code
from consortium.core.contract import Refused
from tests.contracts_state import Consortium, code_of, founded, stock

H1, P1 = "institution/H1", "institution/P1"


@pytest.fixture
def house() -> Consortium:
    return founded()


def test_the_stages_of_a_bill_are_never_skipped(house: Consortium) -> None:
    step = bill.Step("H1-1")
    house.run("h1", "bill", "number", bill.Number("H1", "H1-1"))
    assert house.refusal("h1", "bill", "deliver", step) == "wrong-stage"
    house.run("h1", "bill", "issue", house.issue("H1-1", "E", (Line("A", 2, 150),)))
    assert house.refusal("bureau", "bill", "verify", step) == "wrong-stage"
    assert house.refusal("h2", "bill", "deliver", step) == "not-yours"
    house.run("h1", "bill", "deliver", step)
    house.run("bureau", "bill", "verify", step)
    house.run("bureau", "bill", "collect", step)
    stored = house.state.get(bill.BILLS, "h1-1")
    assert stored is not None and stored.stage == "collected" and stored.sums.medfee_sumamt == 300
    house.run("h1", "settlement", "claim", settlement.Claim("H1-1", "E"))
    stored = house.state.get(bill.BILLS, "h1-1")
    assert stored is not None and stored.settlement == "E/2026/000001"


def test_a_red_letter_cancels_only_what_nobody_reimbursed(house: Consortium) -> None:
    reverse = bill.Reverse("H1-1", "H1-1-red", "wrong-person")
    house.claim("E", (Line("A", 1, 100),), fixmedins_code="H1")
    assert house.refusal("h1", "bill", "reverse", reverse) == "bill-reimbursed"
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-person"))
    house.run("h1", "bill", "reverse", reverse)
    claim = settlement.Claim("H1-1", "E")
    assert house.refusal("h1", "settlement", "claim", claim) == "bill-not-issued"
    assert house.refusal("h1", "bill", "reverse", reverse) == "bill-not-issued"
    red = house.state.get(bill.BILLS, "h1-1-red")
    assert red is not None and red.sums.medfee_sumamt == -100 and red.red_letter == "h1-1"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bill_no": "H2-1"}, "bill-number-foreign"),
        ({"fixmedins_code": "K3", "bill_no": "K3-1"}, "not-yours"),
        ({"med_type": "other"}, "bad-choice"),
        ({"begndate": 20261301, "enddate": 20261301}, "bad-date"),
        ({"begndate": 20260102}, "bad-date"),
        ({"enddate": 21000101}, "licence-expired"),
        ({"sums": Sums()}, "bad-amount"),
        ({"sums": Sums(300, 0, 0, 0, 299)}, "sums-differ"),
        ({"sums": Sums(300, 400, 0, 0, -100)}, "bad-amount"),
        ({"sums": Sums(10**12, 0, 0, 0, 10**12)}, "bad-amount"),
        ({"sums": Sums(300, 0, 0, 0, 300, -1)}, "bad-number"),
        ({"lines": b"short"}, "bad-digest"),
        ({"sold": (Sold(1, "D", 2, (code_of(1),)),)}, "trace-code-count"),
        ({"sold": (Sold(1, "D", 1, ("1" * 19,)),)}, "bad-trace-code"),
        ({"sold": (Sold(1, "D", 1, ("１" * 20,)),)}, "bad-trace-code"),
        ({"sold": (Sold(1, "D", 0, (code_of(1),)),)}, "bad-number"),
        ({"sold": (Sold(0, "D", 1, (code_of(1),)),)}, "bad-number"),
        ({"sold": (Sold(2, "D", 1, (code_of(1),)), Sold(2, "D", 1, (code_of(2),)))}, "bad-number"),
        ({"sold": (Sold(1, "a/b", 1, (code_of(1),)),)}, "bad-identifier"),
    ],
)
def test_bills_that_are_refused(house: Consortium, change: dict[str, Any], code: str) -> None:
    issue = house.issue("H1-1", "E", (Line("A", 2, 150),))
    assert house.refusal("h1", "bill", "issue", msgspec.structs.replace(issue, **change)) == code
    assert house.refusal("h1", "bill", "issue", issue) == "ok", "the control"


def outpatient(house: Consortium, line: Line, serial: str, code: str = "P1", member: str = "p1") -> None:
    house.claim("E", (line,), fixmedins_code=code, member=member, med_type="outpatient", serial=serial)


def test_no_code_no_settlement(house: Consortium) -> None:
    with pytest.raises(Refused, match="trace-code-missing"):
        outpatient(house, Line("D", 1, 1_000), "1")
    with pytest.raises(Refused, match="trace-code-unknown"):
        outpatient(house, Line("D", 1, 1_000, (code_of(1),)), "2")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sold": ()}, "trace-code-missing"),
        ({"sums": Sums(1_000, 0, 0, 0, 1_000, 0)}, "sums-differ"),
        ({"sums": Sums(1_000, 0, 0, 0, 1_000, 2)}, "trace-code-missing"),
        ({"sold": (Sold(1, "D", 1, ()),)}, "trace-code-missing"),
        ({"sold": (Sold(1, "A", 1, (code_of(1),)),)}, "trace-code-item"),
    ],
)
def test_every_node_holds_no_code_no_settlement_from_what_was_sold(
    house: Consortium, change: dict[str, Any], code: str
) -> None:
    stock(house, "lot", (code_of(1),), P1)
    place = {"fixmedins_code": "P1", "med_type": "outpatient", "begndate": 20260101, "enddate": 20260101}
    both = house.billed(settlement.IssueAndClaim, "P1-1", "E", (Line("D", 1, 1_000, (code_of(1),)),), **place)
    told_otherwise = msgspec.structs.replace(both, **change)
    assert house.refusal("p1", "settlement", "issue_and_claim", told_otherwise) == code
    assert house.refusal("p1", "settlement", "issue_and_claim", both) == "ok", "the control"


def test_a_pack_is_sold_once_and_the_second_sale_names_both_parties(house: Consortium) -> None:
    stock(house, "lot", (code_of(1), code_of(2)), P1)
    outpatient(house, Line("D", 1, 1_000, (code_of(1),)), "1")
    with pytest.raises(Refused) as refused:
        outpatient(house, Line("D", 1, 1_000, (code_of(1),)), "9", "H1", "h1")
    assert refused.value.code == "trace-code-sold"
    for party in (P1, "p1-1", H1, "h1-9"):
        assert party in refused.value.sentence
    with pytest.raises(Refused, match="trace-code-elsewhere"):
        outpatient(house, Line("D", 1, 1_000, (code_of(2),)), "9", "H1", "h1")
    with pytest.raises(Refused, match="trace-code-sold"):
        outpatient(house, Line("D", 2, 1_000, (code_of(2), code_of(2))), "3")
    sell = trace_code.Sell("P1", code_of(1), "till-1", 0)
    assert house.refusal("p1", "trace_code", "sell", sell) == "trace-code-sold"


def test_a_split_pack_sells_until_its_units_run_out_and_a_reversal_frees_them(house: Consortium) -> None:
    stock(house, "lot", (code_of(1),), P1, units=10)
    before = house.state.copy()["trace_pack"]
    outpatient(house, Line("D", 6, 100, (code_of(1),), True), "1")
    with pytest.raises(Refused, match="trace-code-units"):
        outpatient(house, Line("D", 5, 100, (code_of(1),), True), "2")
    with pytest.raises(Refused, match="trace-code-sold"):
        outpatient(house, Line("D", 1, 1_000, (code_of(1),)), "3")
    outpatient(house, Line("D", 4, 100, (code_of(1),), True), "4")
    with pytest.raises(Refused, match="trace-code-sold"):
        outpatient(house, Line("D", 1, 100, (code_of(1),), True), "5")
    for sequence in (2, 1):
        house.run("p1", "settlement", "reverse", settlement.Reverse("E", 2026, sequence, "returned"))
    assert house.state.copy()["trace_pack"] == before


@pytest.mark.parametrize("reversed_sale", [1, 2])
def test_a_reversal_frees_what_its_own_bill_took_of_a_split_pack_and_nothing_of_another(
    house: Consortium, reversed_sale: int
) -> None:
    stock(house, "lot", (code_of(1),), P1, units=10)
    outpatient(house, Line("D", 6, 100, (code_of(1),), True), "1")
    house.claim(
        "R",
        (Line("D", 3, 100, (code_of(1),), True),),
        fixmedins_code="P1",
        member="p1",
        med_type="outpatient",
        serial="2",
    )
    house.run("p1", "trace_code", "sell", trace_code.Sell("P1", code_of(1), "p1-1", 1))  # at the counter, not a claim
    psn_no = ("E", "R")[reversed_sale - 1]
    house.run("p1", "settlement", "reverse", settlement.Reverse(psn_no, 2026, 1, "returned"))
    pack = packs.get_pack(house.state, code_of(1))
    kept = {1: [("p1-2", 3), ("p1-1", 1)], 2: [("p1-1", 6), ("p1-1", 1)]}[reversed_sale]
    assert [(sale.bill_no, sale.units) for sale in pack.sales] == kept
    assert pack.units_left == 10 - sum(units for _, units in kept)


def test_counter_sales_are_returned_at_the_counter_and_claims_are_not(house: Consortium) -> None:
    stock(house, "lot", (code_of(1), code_of(2)), P1)
    house.run("p1", "trace_code", "sell", trace_code.Sell("P1", code_of(1), "till-1", 3))
    house.run("p1", "trace_code", "sell", trace_code.Sell("P1", code_of(1), "till-2", 7))
    back = trace_code.ReturnSale("P1", code_of(1), "till-1")
    house.run("p1", "trace_code", "return_sale", back)
    assert house.refusal("p1", "trace_code", "return_sale", back) == "not-sold"
    assert packs.get_pack(house.state, code_of(1)).units_left == 3
    outpatient(house, Line("D", 1, 1_000, (code_of(2),)), "1")
    back = trace_code.ReturnSale("P1", code_of(2), "p1-1")
    assert house.refusal("p1", "trace_code", "return_sale", back) == "sold-on-claim"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("h-1", "h-1-2", "code-ambiguous"),
        ("h-1-2", "h-1", "code-ambiguous"),
        ("h-1", "H-1-2-3", "code-ambiguous"),
        ("h-1", "H-1", "code-ambiguous"),
        ("h-1", "h-12", "ok"),
        ("h-1", "h-1.2", "ok"),
        ("h-1-2", "h-1-3", "ok"),
        ("h-1", "h", "code-ambiguous"),
    ],
)
def test_no_bill_number_can_begin_with_the_codes_of_two_institutions(
    house: Consortium, first: str, second: str, code: str
) -> None:
    signs = [institution.Sign(name, "hospital", 1, "h1", "L", 20991231) for name in (first, second)]
    house.run("bureau", "institution", "sign", signs[0])
    assert house.refusal("bureau", "institution", "sign", signs[1]) == code
    house.run("bureau", "institution", "terminate", institution.Decide(first, "moved"))
    assert house.refusal("bureau", "institution", "sign", signs[0]) == "ok"  # its own code, anew
