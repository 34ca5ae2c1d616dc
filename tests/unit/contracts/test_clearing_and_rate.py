"""A month's off-site settlements are charged once, confirmed as they are proven, and paid by the rate of one day."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consortium.contracts.bridges import rate
from consortium.contracts.bridges.clearing import Confirm, Gather, OfMonth, Pay, Receive, Which
from consortium.contracts.bridges.clearing_records import CLAIMS, DUES, Claim, Due, last_day_of
from consortium.contracts.bridges.foreign_facts import FOREIGN, ROWS, Foreign, ForeignRow, row_key
from consortium.contracts.bridges.rate import Endorse, Set, compute_fen
from consortium.contracts.insurance import funds, offsite
from consortium.contracts.insurance.journal import get_settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.reversal import Reverse
from consortium.core.codec import encode
from consortium.core.membership import Epoch
from tests.contracts_state import CHAIN, Consortium, founded

SOUTH = b"S" * 32
MONTH = 202604
POOL = "fund/employee-pool"


@pytest.fixture
def house() -> Consortium:
    """Persons of south, E and R, were treated here in April 2026; A is at home here."""
    house = founded()
    house.state.put(FOREIGN, "south", Foreign(SOUTH, Epoch(0, 1, ())))
    stay = {"begndate": 20260401, "enddate": 20260410}
    for psn_no in ("E", "R"):
        house.run("bureau", "offsite", "settle", offsite.Settle(psn_no, "south"))
        house.claim(psn_no, (Line("A", 1, 10_000_000),), serial=psn_no, **stay)
    house.claim("A", (Line("A", 1, 10_000_000),), serial="A", **stay)
    return house


def gather(*persons: str, currency: str = "CNY", month: int = MONTH) -> Gather:
    return Gather("south", month, currency, tuple(Which(psn_no, 2026, 1) for psn_no in persons))


def refusal(house: Consortium, operation: str, arguments: object) -> str:
    return house.refusal("bureau", "clearing", operation, arguments)


def see(house: Consortium, table: str, key: str, value: object) -> None:
    row = ForeignRow(9, 5, b"h" * 32, is_there=True, content=b"c" * 32, value=encode(value))
    house.state.put(ROWS, row_key("south", table, key), row)


def test_what_is_charged_comes_from_the_ledger_and_is_charged_once(house: Consortium) -> None:
    assert refusal(house, "propose", OfMonth("south", MONTH)) == "nothing-gathered"
    house.run("bureau", "clearing", "gather", gather("E"))
    assert refusal(house, "gather", gather("E")) == "cleared-already"
    assert refusal(house, "gather", gather("A")) == "not-offsite"
    assert refusal(house, "gather", gather("R", month=202605)) == "month-differs"
    assert refusal(house, "gather", gather("R", currency="HKD")) == "currency-differs"
    assert refusal(house, "gather", gather("X")) == "unknown-settlement"
    house.run("bureau", "clearing", "gather", gather("R"))
    claim = house.state.get(CLAIMS, f"south/{MONTH}")
    (told,) = house.run("bureau", "clearing", "propose", OfMonth("south", MONTH))
    paid = [get_settlement(house.state, psn_no, 2026, 1).amounts.fund_pay_sumamt for psn_no in ("E", "R")]
    assert claim is not None and claim.count == 2 and min(paid) > 0
    assert claim.units == told.fields["units"] == sum(paid)
    assert refusal(house, "gather", gather("R")) == "wrong-stage"


def test_a_month_is_proposed_when_it_is_over(house: Consortium) -> None:
    house.today(20260430)
    house.run("bureau", "clearing", "gather", gather("E"))
    assert refusal(house, "propose", OfMonth("south", MONTH)) == "month-open"
    house.today(20260501)
    assert refusal(house, "propose", OfMonth("south", MONTH)) == "ok"


def test_what_was_reversed_is_owed_by_nobody(house: Consortium) -> None:
    house.run("h1", "settlement", "reverse", Reverse("E", 2026, 1, "wrong-lines"))
    assert refusal(house, "gather", gather("E")) == "settlement-reversed"
    assert refusal(house, "gather", gather("R")) == "ok"


CLAIM = Claim(CHAIN, "CNY", 700, 2, b"r" * 32, "proposed")
CONFIRM, PAY = Confirm("south", MONTH, "north"), Pay("south", MONTH, POOL)


def test_the_home_region_confirms_what_is_proven_and_pays_it(house: Consortium) -> None:
    assert refusal(house, "confirm", CONFIRM) == "not-proven"
    for wrong in (replace(CLAIM, counterpart=SOUTH), replace(CLAIM, stage="gathered")):
        see(house, "clearing_claim", f"north/{MONTH}", wrong)
        assert refusal(house, "confirm", CONFIRM) == "not-proposed"
    see(house, "clearing_claim", f"north/{MONTH}", CLAIM)
    assert refusal(house, "pay", PAY) == "not-confirmed"
    house.run("bureau", "clearing", "confirm", CONFIRM)
    before_fen = funds.get_balance(house.state, POOL)
    house.run("bureau", "clearing", "pay", PAY)
    assert refusal(house, "pay", PAY) == "wrong-stage"
    assert funds.get_balance(house.state, POOL) == before_fen - 700
    assert funds.get_balance(house.state, "cleared/south") == 700


def test_a_foreign_claim_is_paid_by_the_endorsed_rate_of_the_months_last_day(house: Consortium) -> None:
    see(house, "clearing_claim", f"north/{MONTH}", replace(CLAIM, currency="HKD"))
    house.run("bureau", "clearing", "confirm", CONFIRM)
    hkd = Set("HKD", 20260430, 923_100, "central-parity")
    assert refusal(house, "pay", PAY) == "rate-missing"
    house.run("bureau", "rate", "set", replace(hkd, day=20260429))
    house.run("f1", "rate", "endorse", Endorse("HKD", 20260429, 923_100))
    house.run("bureau", "rate", "set", hkd)
    assert refusal(house, "pay", PAY) == "rate-missing", "another day's rate, and one that nobody endorsed, are none"
    house.run("f1", "rate", "endorse", Endorse("HKD", 20260430, 923_100))
    house.run("bureau", "clearing", "pay", PAY)
    due = house.state.get(DUES, f"south/{MONTH}")
    assert due is not None and due.paid_fen == 646  # 646.17


def test_the_place_of_treatment_takes_in_what_is_proven_to_be_paid(house: Consortium) -> None:
    house.run("bureau", "clearing", "gather", gather("E", "R"))
    house.run("bureau", "clearing", "propose", OfMonth("south", MONTH))
    claim = house.state.get(CLAIMS, f"south/{MONTH}")
    assert claim is not None
    receive = Receive("south", MONTH, "north", POOL)
    paid = Due(CHAIN, claim.currency, claim.units, claim.count, claim.root, "paid", claim.units)
    assert refusal(house, "receive", receive) == "not-proven"
    for wrong in (replace(paid, stage="confirmed"), replace(paid, units=1), replace(paid, counterpart=SOUTH)):
        see(house, "clearing_due", f"north/{MONTH}", wrong)
        assert refusal(house, "receive", receive) == "not-paid"
    see(house, "clearing_due", f"north/{MONTH}", paid)
    before_fen = funds.get_balance(house.state, POOL)
    house.run("bureau", "clearing", "receive", receive)
    assert funds.get_balance(house.state, POOL) == before_fen + claim.units and house.sum_of_balances() == 0
    assert refusal(house, "receive", receive) == "wrong-stage"


def test_a_rate_is_stated_by_one_and_endorsed_by_another_and_stays(house: Consortium) -> None:
    hkd = Set("HKD", 20260531, 923_100, "central-parity")

    def of(member: str, operation: str, arguments: object) -> str:
        return house.refusal(member, "rate", operation, arguments)

    assert of("f1", "endorse", Endorse("HKD", 20260531, 923_100)) == "rate-missing"
    assert of("bureau", "set", replace(hkd, fen_per_million=923_000)) == "ok"
    assert of("bureau", "set", hkd) == "ok"
    assert of("f1", "endorse", Endorse("HKD", 20260531, 923_000)) == "rate-differs"
    assert of("f1", "endorse", Endorse("HKD", 20260531, 923_100)) == "ok"
    assert of("bureau", "set", hkd) == "rate-endorsed"
    for changes, code in (
        ({"currency": "CNY"}, "bad-currency"),
        ({"currency": "hkd"}, "bad-currency"),
        ({"day": 20260602}, "rate-early"),
        ({"day": 20260631}, "bad-date"),
        ({"fen_per_million": 0}, "bad-number"),
        ({"source": "hearsay"}, "bad-reason"),
    ):
        assert of("bureau", "set", replace(hkd, **changes)) == code


@given(st.integers(0, 10**12), st.integers(1, rate.RATE_MAX))
def test_an_amount_is_rounded_once_and_halves_go_up(units: int, fen_per_million: int) -> None:
    exact = Fraction(units * fen_per_million, 1_000_000)
    got = compute_fen(units, fen_per_million)
    assert -Fraction(1, 2) < got - exact <= Fraction(1, 2)


def test_a_half_goes_up() -> None:
    assert [compute_fen(units, 500_000) for units in range(5)] == [0, 1, 1, 2, 2]
    assert compute_fen(100, 4_800_000) == 480  # a hundred yen


@pytest.mark.parametrize(("month", "day"), [(202604, 20260430), (202612, 20261231), (202802, 20280229)])
def test_the_last_day_of_a_month(month: int, day: int) -> None:
    assert last_day_of(month) == day
