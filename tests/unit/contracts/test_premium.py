"""缴费与待遇: a scheme pays for whom a premium came in time, where the members decided so."""

from __future__ import annotations

import msgspec
import pytest

from consortium.contracts.insurance import enrolment, premium
from consortium.contracts.insurance.enrolment import Person, RecordContribution
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.premium import OfScheme, SetRule
from consortium.core import versions
from consortium.core.contract import Reader, Refused
from tests.contracts_state import CONTRACTS, Consortium, founded

STAY = (Line("A", 1, 1_000_000),)


@pytest.fixture
def house() -> Consortium:
    """Employees' premiums may come one month late, from February on."""
    house = founded()
    versions.found(house.state, {"settlement": 3, "premium": 1})
    house.genesis("premium", "set_rule", SetRule("employee", 20260201, 1))
    return house


def pay(house: Consortium, psn_no: str, month: int, insutype: str = "employee") -> None:
    account_fen = 100 if insutype == "employee" else 0
    house.run(
        "bureau", "enrolment", "record_contribution", RecordContribution(psn_no, month, insutype, 100, account_fen)
    )


def outcome(house: Consortium, psn_no: str, day: int) -> str:
    try:
        house.claim(psn_no, STAY, begndate=day, enddate=day, serial=f"{psn_no}{day}")
    except Refused as refused:
        return refused.code
    return "ok"


@pytest.mark.parametrize(
    ("paid", "day", "code"),
    [
        ((), 20260310, "premium-unpaid"),
        ((202603,), 20260310, "ok"),
        ((202602,), 20260310, "ok"),  # one month late
        ((202601,), 20260310, "premium-unpaid"),
        ((202604,), 20260310, "premium-unpaid"),  # for a month to come
        ((), 20260110, "ok"),  # before the rule
        ((202602,), 20260228, "ok"),
    ],
)
def test_a_premium_covers_its_month_and_the_months_of_grace(
    house: Consortium, paid: tuple[int, ...], day: int, code: str
) -> None:
    for month in paid:
        pay(house, "E", month)
    assert outcome(house, "E", day) == code


def test_a_premium_that_comes_covers_what_is_claimed_then(house: Consortium) -> None:
    assert outcome(house, "E", 20260310) == "premium-unpaid"
    pay(house, "E", 202603)
    assert outcome(house, "E", 20260310) == "ok"


def test_the_other_scheme_is_as_it_was_and_its_premium_is_none_of_this_one(house: Consortium) -> None:
    assert outcome(house, "A", 20260310) == "ok"
    house.state.put(enrolment.CONTRIBUTIONS, "E/202603", enrolment.Contribution("resident", 100, 0))
    assert outcome(house, "E", 20260310) == "premium-unpaid"


def test_the_months_before_the_year_are_of_another_pseudonym(house: Consortium) -> None:
    """Where the window reaches into them, that the person was covered then counts."""
    house.genesis("premium", "set_rule", SetRule("employee", 20260101, 1))
    assert outcome(house, "E", 20260110) == "premium-unpaid"
    person = house.state.get(enrolment.PERSONS, "E")
    assert isinstance(person, Person)
    house.state.put(enrolment.PERSONS, "E", msgspec.structs.replace(person, covered_before=True))
    assert outcome(house, "E", 20260110) == "ok"
    assert outcome(house, "E", 20260310) == "premium-unpaid"


def test_residents_who_pay_once_a_year_are_covered_by_the_yearly_premium(house: Consortium) -> None:
    house.genesis("premium", "set_rule", SetRule("resident", 20260101, 11))
    assert outcome(house, "A", 20260310) == "premium-unpaid"
    pay(house, "A", 202601, "resident")
    assert outcome(house, "A", 20260310) == "ok"
    assert outcome(house, "A", 20260520) == "ok"


def test_a_rule_of_minus_one_asks_for_none_from_its_day_on(house: Consortium) -> None:
    house.genesis("premium", "set_rule", SetRule("employee", 20260305, -1))
    assert (outcome(house, "E", 20260304), outcome(house, "E", 20260305)) == ("premium-unpaid", "ok")


def test_version_2_asks_for_none(house: Consortium) -> None:
    versions.found(house.state, {"settlement": 2, "premium": 1})
    assert outcome(house, "E", 20260310) == "ok"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (SetRule("student", 20260701, 1), "bad-choice"),
        (SetRule("employee", 20260701, 12), "bad-number"),
        (SetRule("employee", 20260701, -2), "bad-number"),
        (SetRule("employee", 20261301, 1), "bad-date"),
        (SetRule("employee", 20260201, 1), "effective-in-the-past"),
        (SetRule("employee", 20260701, 1), "ok"),
    ],
)
def test_rules_change_by_a_vote_alone(house: Consortium, rule: SetRule, code: str) -> None:
    assert house.refusal("bureau", "premium", "set_rule", rule) == "not-permitted"
    assert house.refusal("vote", "premium", "set_rule", rule) == code


def test_a_day_has_one_rule_and_rules_may_be_read(house: Consortium) -> None:
    assert house.refusal("genesis", "premium", "set_rule", SetRule("employee", 20260201, 2)) == "version-exists"
    reader = Reader("h1", "hospital", 20260601)
    assert premium.CONTRACT.ask(house.state, "rules", OfScheme("employee"), reader).versions[0].months_back == 1
    for scheme, code in (("resident", "no-rule"), ("student", "bad-choice")):
        with pytest.raises(Refused, match=code):
            CONTRACTS["premium"].ask(house.state, "rules", OfScheme(scheme), reader)
