"""零星报销: claimed in the patient's own voice, settled by the bureau's word, paid out to the person, once."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import bill, funds, settlement
from consortium.contracts.insurance.accumulators import ACCUMULATORS, Accumulator, OfScheme
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.patient_claim import CLAIM, ClaimByPatient, Decline, Settle
from consortium.contracts.insurance.policy import pack_on
from consortium.contracts.medicines.trace_code import Sell
from consortium.contracts.records.identity import Vouch
from consortium.core import versions
from consortium.core.calendar import ordinal_of_day
from consortium.core.crypto import SUITES
from consortium.core.spoken import Said
from consortium.views import load_views
from consortium.views.view import Book, feed_block
from tests.contracts_state import CHAIN, Consortium, code_of, founded, stock
from tests.views_kit import Recorded

SUITE = SUITES["ed25519"]()
ANNA, BERT = b"a" * 32, b"b" * 32
LINES = (Line("A", 1, 1_000_000),)


def said(number: int = 1, *, by: bytes = ANNA, patient: str = "b-anna", **change: str) -> Said:
    claim = ClaimByPatient(**{"bill_no": "H3-1", "psn_no": "E", **change})
    return CLAIM.say(SUITE, by, CHAIN, patient, number, claim)


def step(house: Consortium, *steps: tuple[str, str]) -> None:
    for member, operation in steps:
        house.run(member, "bill", operation, bill.Step("H3-1"))


@pytest.fixture
def house() -> Consortium:
    """Anna has paid bill H3-1 in cash; it is delivered and verified. Day 20260401."""
    house = founded()
    house.day = 20_544
    for patient, secret in (("b-anna", ANNA), ("b-bert", BERT)):
        house.genesis("identity", "vouch", Vouch(patient, "", SUITE.public_key(secret)))
    day: dict[str, Any] = {"begndate": 20260301, "enddate": 20260310, "med_type": "inpatient"}
    house.run("h1", "bill", "issue", house.issue("H3-1", "b-anna", LINES, **day))
    step(house, ("h1", "deliver"), ("bureau", "verify"))
    return house


def test_the_funds_share_is_paid_out_to_the_person_once(house: Consortium) -> None:
    house.run("bureau", "funds", "contribute", funds.Contribute("person/E", 500_000, "opening/E"))
    house.run("agent", "patient_claim", "claim", said())
    assert funds.get_balance(house.state, "payout/E") == 0, "the bureau has not said its word yet"
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))
    assert funds.get_balance(house.state, "payout/E") == 782_000  # (10,000 − 800) × 85 %
    assert funds.get_balance(house.state, "payable/H3") == 0
    assert funds.get_balance(house.state, "person/E") == 500_000, "it was paid in cash"
    assert house.refusal("bureau", "patient_claim", "settle", Settle("H3-1")) == "unknown-claim"
    assert house.refusal("agent", "patient_claim", "claim", said(2)) == "bill-reimbursed"
    assert house.refusal("h1", "settlement", "claim", settlement.Claim("H3-1", "E")) == "bill-reimbursed"
    assert house.sum_of_balances() == 0


def test_a_view_tells_what_a_patient_claimed_and_sold_packs_leave_stock() -> None:
    house = Recorded()
    founded(house)
    house.day = 20_544
    house.genesis("identity", "vouch", Vouch("b-anna", "", SUITE.public_key(ANNA)))
    stock(house, "lot", (code_of(0), code_of(1)), "institution/H3")
    day: dict[str, Any] = {"begndate": 20260301, "enddate": 20260310, "med_type": "inpatient"}
    lines = (Line("D", 1, 1_000_000, (code_of(0),)),)
    house.run("h1", "bill", "issue", house.issue("H3-1", "b-anna", lines, **day))
    step(house, ("h1", "deliver"), ("bureau", "verify"))
    house.run("agent", "patient_claim", "claim", said())
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))
    told = {}
    for name in ("statement", "stock"):
        view = load_views()[name]
        told[name] = Book(view.tables)
        for block in house.blocks([]):
            feed_block(view, told[name], block)
    assert told["statement"].column("year", ("E", 2026), "settled") == 1
    assert told["statement"].column("entry", ("E", 2026, 1), "bill_no") == "h3-1"
    assert told["stock"].column("stock", ("institution/H3", "D"), "packs") == 1


@pytest.mark.parametrize(("later", "code"), [(0, "ok"), (1, "claim-late")])
def test_how_late_a_claim_is_follows_from_the_day_on_which_it_came(house: Consortium, later: int, code: str) -> None:
    """A bureau that takes its time must not cost the patient its claim."""
    house.day = ordinal_of_day(20260310) + pack_on(house.state, 20260310).claim_days + later
    house.run("agent", "patient_claim", "claim", said())
    house.day += 1
    assert house.refusal("bureau", "patient_claim", "settle", Settle("H3-1")) == code


@pytest.mark.parametrize(
    ("spoken", "code"),
    [
        (said(by=BERT), "spoken-forged"),
        (said(by=BERT, patient="b-bert"), "not-yours"),
        (said(bill_no="H3-9"), "not-yours"),
        (said(patient="b-carl"), "unknown-voice"),
        (said(psn_no="110101199003070011"), "personal-number"),
        (said(psn_no="a/b"), "bad-identifier"),
        (said(offsite="moon"), "bad-choice"),
        (said(number=65), "spoken-ahead"),
        (said(), "ok"),
    ],
)
def test_what_is_not_the_patients_own_claim_is_refused(house: Consortium, spoken: Said, code: str) -> None:
    assert house.refusal("h2", "patient_claim", "claim", spoken) == code


def test_a_statement_is_carried_once_and_a_claim_waits_once(house: Consortium) -> None:
    house.run("agent", "patient_claim", "claim", said())
    assert house.refusal("h1", "patient_claim", "claim", said()) == "spoken-before"
    assert house.refusal("agent", "patient_claim", "claim", said(2)) == "claim-waits"


@pytest.mark.parametrize("steps", [(), (("h1", "deliver"),)])
def test_a_bill_is_delivered_and_verified_before_its_patient_claims(steps: tuple[tuple[str, str], ...]) -> None:
    house = founded()
    house.day = 20_544
    house.genesis("identity", "vouch", Vouch("b-anna", "", SUITE.public_key(ANNA)))
    house.run("h1", "bill", "issue", house.issue("H3-1", "b-anna", LINES))
    step(house, *steps)
    assert house.refusal("agent", "patient_claim", "claim", said()) == "bill-not-verified"


def test_the_bureau_declines_with_a_reason_and_the_patient_may_claim_again(house: Consortium) -> None:
    assert house.refusal("bureau", "patient_claim", "decline", Decline("H3-1", "person-differs")) == "unknown-claim"
    house.run("agent", "patient_claim", "claim", said(psn_no="A"))
    assert house.refusal("h1", "patient_claim", "settle", Settle("H3-1")) == "not-permitted"
    assert house.refusal("bureau", "patient_claim", "decline", Decline("H3-1", "no mood")) == "bad-reason"
    house.run("bureau", "patient_claim", "decline", Decline("H3-1", "person-differs"))
    house.run("agent", "patient_claim", "claim", said(2))
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))


@pytest.mark.parametrize(
    ("contract", "operation", "arguments"),
    [
        ("settlement", "claim", settlement.Claim("H3-1", "E")),
        ("settlement", "claim", settlement.Claim("Ｈ3-1", "E")),
        ("bill", "reverse", bill.Reverse("H3-1", "H3-2", "wrong-person")),
    ],
)
def test_the_issuer_neither_claims_nor_cancels_a_bill_while_its_patients_claim_waits(
    house: Consortium, contract: str, operation: str, arguments: Any
) -> None:
    """Else the hospital has the money that its patient paid in cash, twice; a decline frees the bill."""
    house.run("agent", "patient_claim", "claim", said())
    assert house.refusal("h1", contract, operation, arguments) == "claim-waits"
    house.run("bureau", "patient_claim", "decline", Decline("H3-1", "not-paid-in-cash"))
    assert house.refusal("h1", contract, operation, arguments) == "ok"


def test_a_reversal_takes_the_money_back_from_the_person_and_only_the_bureau_reverses_it(house: Consortium) -> None:
    house.run("agent", "patient_claim", "claim", said())
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))
    reverse = settlement.Reverse("E", 2026, 1, "wrong-amount")
    assert house.refusal("h1", "settlement", "reverse", reverse) == "not-yours"
    house.run("bureau", "settlement", "reverse", reverse)
    assert funds.get_balance(house.state, "payout/E") == 0 and house.sum_of_balances() == 0
    house.run("agent", "patient_claim", "claim", said(2))
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))
    assert funds.get_balance(house.state, "payout/E") == 782_000


def test_an_institution_that_is_faster_leaves_nothing_to_settle(house: Consortium) -> None:
    house.run("h1", "settlement", "claim", settlement.Claim("H3-1", "E"))
    assert house.refusal("agent", "patient_claim", "claim", said()) == "bill-reimbursed"
    assert house.refusal("bureau", "patient_claim", "settle", Settle("H3-1")) == "unknown-claim"


def test_a_pack_that_was_sold_before_leaves_both_parties_and_the_claim_waits_on(house: Consortium) -> None:
    """Regression: what the refusal keeps was the whole operation, and the patient's claim was gone."""
    stock(house, "lot", (code_of(1),), "institution/H3")
    lines = (Line("D", 1, 1_000, (code_of(1),)),)
    house.issue_verified("H3-2", "b-anna", lines, begndate=20260301, enddate=20260301)
    house.run("agent", "patient_claim", "claim", said(bill_no="H3-2"))
    house.run("h1", "trace_code", "sell", Sell("H3", code_of(1), "till-1", 0))
    before = house.state.copy()
    assert house.refusal("bureau", "patient_claim", "settle", Settle("H3-2")) == "trace-code-sold"
    after = house.state.copy()
    assert after.pop("second_sale") and after == before
    house.run("bureau", "patient_claim", "decline", Decline("H3-2", "claimed-elsewhere"))


@pytest.mark.parametrize(("version", "paid_fen"), [(1, 100_000), (2, 782_000)])
def test_a_patients_claim_is_paid_by_the_rule_of_settlement_at_its_height(
    house: Consortium, version: int, paid_fen: int
) -> None:
    """Found by the walk of the reference: under version 1, where both schemes share caps, it was paid by version 2."""
    versions.found(house.state, {"settlement": version})
    used = Accumulator(resident=OfScheme(hifp_fen=12_000_000 - 100_000, hifob_fen=43_000_000))
    house.state.put(ACCUMULATORS, "E/2026", used)
    house.run("agent", "patient_claim", "claim", said())
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))
    assert funds.get_balance(house.state, "payout/E") == paid_fen


def test_a_bill_that_its_institution_settled_first_is_no_second_sale_of_its_packs() -> None:
    house = founded()
    house.day = 20_544
    house.genesis("identity", "vouch", Vouch("b-anna", "", SUITE.public_key(ANNA)))
    stock(house, "lot", (code_of(1),), "institution/H3")
    house.run("h1", "bill", "issue", house.issue("H3-1", "b-anna", (Line("D", 1, 1_000, (code_of(1),)),)))
    step(house, ("h1", "deliver"), ("bureau", "verify"))
    house.run("h1", "settlement", "claim", settlement.Claim("H3-1", "E"))
    assert house.refusal("agent", "patient_claim", "claim", said()) == "bill-reimbursed"
    assert "second_sale" not in house.state.copy()
