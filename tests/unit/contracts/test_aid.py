"""Aid is granted by rules over what is left, paid step by step and never twice; a gift is followed to its use."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.aid.aid import (
    APPEAL,
    APPLY,
    AdoptRules,
    Appeal,
    Apply,
    Attest,
    DecideAppeal,
    ReportEffect,
)
from consortium.contracts.aid.aid_payments import AdvanceUrgent, Appropriate, ConfirmUrgent, Disburse, OfAid
from consortium.contracts.aid.aid_records import AIDS, URGENTS, Aid, AidRules
from consortium.contracts.aid.aid_rules import compute_grant, cut
from consortium.contracts.aid.gift import Allocate, ConfirmReceipt, OfUse, Pledge, TrailOf
from consortium.contracts.aid.gift_records import GIFT_USES, GIFTS
from consortium.contracts.insurance import funds, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.second_claims import SECOND_CLAIMS
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.contracts.records.identity import Vouch
from consortium.core.contract import Event, Reader, Refused
from consortium.views import load_views
from consortium.views.view import Book, Told
from tests.contracts_state import CHAIN, CONTRACTS, Consortium, founded
from tests.second_payer_kit import SUITE, insure, second_claim, secret_of

OF_E = OfAid("E", 2026, 1)
EVIDENCE = b"e" * 32
PLEDGE = Pledge("c1:G", "donor-1", "money", "fen", "", "", "any", 500_000)


@pytest.fixture
def house() -> Consortium:
    """E owes 12,680.00 of a stay of 46,000.00, and speaks."""
    house = founded()
    house.claim("E", (Line("A", 1, 4_000_000), Line("C", 1, 600_000)))
    house.genesis("identity", "vouch", Vouch("E", "", SUITE.public_key(secret_of("E"))))
    return house


def left(house: Consortium) -> int:
    aid = house.state.get(AIDS, "E/2026/000001")
    assert aid is not None
    return aid.left_fen


def aid_of(house: Consortium) -> Aid:
    found = house.state.get(AIDS, "E/2026/000001")
    assert found is not None
    return found


def balance(house: Consortium, account: str) -> int:
    return funds.get_balance(house.state, account)


def say(house: Consortium, speech: Any, body: Any, number: int = 1) -> str:
    said = speech.say(SUITE, secret_of("E"), CHAIN, "E", number, body)
    return house.refusal("agent", "aid", speech.name, said)


def act(house: Consortium, member: str, operation: str, arguments: Any) -> str:
    return house.refusal(member, "aid", operation, arguments)


def attest(house: Consortium, member: str, what: str) -> str:
    return act(house, member, "attest", Attest("E", 2026, 1, what, EVIDENCE))


def granted(house: Consortium) -> Aid:
    assert say(house, APPLY, Apply(2026, 1, "low-income")) == "ok"
    assert attest(house, "h1", "diagnosis") == attest(house, "f1", "means") == "ok"
    assert act(house, "bureau", "review", OF_E) == "ok"
    return aid_of(house)


def test_what_is_left_is_granted_by_the_rules_and_paid_step_by_step(house: Consortium) -> None:
    """46,000.00, class C 6,000.00; the pool pays (40,000 − 800) × 0.85 = 33,320.00; 12,680.00 are left, above the
    deductible of 2,000.00 60 %: 6,408.00."""
    aid = granted(house)
    assert (aid.left_fen, aid.granted_fen) == (1_268_000, 640_800)
    assert [(one.step, one.amount_fen) for one in aid.tranches] == [
        ("diagnosis", 320_400),
        ("treated", 256_320),
        ("followed-up", 64_080),
    ]
    assert act(house, "bureau", "disburse", Disburse("E", 2026, 1, "treated")) == "condition-open"
    paid = 0
    for step, amount in (("diagnosis", 320_400), ("treated", 256_320), ("followed-up", 64_080)):
        assert step == "diagnosis" or attest(house, "h1", step) == "ok"
        assert act(house, "h1", "report_effect", ReportEffect("E", 2026, 1, "improved")) == "condition-open"
        assert act(house, "bureau", "disburse", Disburse("E", 2026, 1, step)) == "ok"
        assert act(house, "bureau", "disburse", Disburse("E", 2026, 1, step)) == "condition-open"
        paid += amount
        assert balance(house, "payout/E") == paid
    assert act(house, "h1", "report_effect", ReportEffect("E", 2026, 1, "improved")) == "ok"
    assert aid_of(house).stage == "closed" and house.sum_of_balances() == 0
    assert act(house, "h1", "report_effect", ReportEffect("E", 2026, 1, "improved")) == "application-closed"
    assert attest(house, "h1", "treated") == "application-closed"


@pytest.mark.parametrize(
    ("left_fen", "before_fen", "grant_fen", "reason"),
    [
        (1_268_000, 0, 640_800, ""),
        (0, 0, 0, "need-covered"),
        (200_000, 0, 0, "below-deductible"),
        (200_001, 0, 1, ""),  # 0.6 fen, half up
        (10**9, 0, 5_000_000, ""),
        (10**9, 4_999_999, 1, ""),
        (10**9, 5_000_000, 0, "cap-reached"),
    ],
)
def test_grants_by_hand(left_fen: int, before_fen: int, grant_fen: int, reason: str) -> None:
    assert compute_grant(left_fen, before_fen, AidRules()) == (grant_fen, reason)
    assert sum(one.amount_fen for one in cut(grant_fen, AidRules())) == grant_fen


def test_who_attests_what(house: Consortium) -> None:
    assert attest(house, "h1", "diagnosis") == "not-yours"
    assert say(house, APPLY, Apply(2026, 1, "low-income")) == "ok"
    assert attest(house, "h2", "diagnosis") == "not-yours"
    assert attest(house, "h1", "means") == attest(house, "f1", "diagnosis") == "not-attestable"
    assert attest(house, "h1", "mood") == "bad-choice"
    assert act(house, "bureau", "review", OF_E) == "condition-open"
    assert attest(house, "h1", "diagnosis") == "ok"
    assert attest(house, "h1", "diagnosis") == "attested-already"
    assert act(house, "bureau", "review", OF_E) == "condition-open"


def test_a_person_applies_once_for_what_is_settled_and_its_own(house: Consortium) -> None:
    assert say(house, APPLY, Apply(2026, 2, "low-income")) == "not-settled"
    assert say(house, APPLY, Apply(2026, 1, "greed")) == "bad-choice"
    assert say(house, APPLY, Apply(2026, 1, "low-income")) == "ok"
    assert say(house, APPLY, Apply(2026, 1, "low-income"), 2) == "application-closed"
    assert act(house, "bureau", "review", OfAid("R", 2026, 1)) == "unknown-aid"


def test_what_a_second_payer_pays_is_not_left_and_what_aid_granted_is_not_left_for_it(house: Consortium) -> None:
    insure(house, "i1:1", "E", deductible_fen=0)
    house.run("agent", "second_payer", "claim", second_claim("i1:1", "E", 1, number=1))
    assert say(house, APPLY, Apply(2026, 1, "low-income"), 2) == "ok"
    assert left(house) == 1_268_000 - (668_000 * 8 // 10 + 600_000 // 2)
    other = founded()
    other.claim("E", (Line("A", 1, 4_000_000), Line("C", 1, 600_000)))
    insure(other, "i1:1", "E", deductible_fen=0, scope_bp=10_000, beyond_bp=10_000)
    granted(other)
    other.run("agent", "second_payer", "claim", second_claim("i1:1", "E", 1, number=2))
    claim = other.state.get(SECOND_CLAIMS, "E/2026/000001")
    assert claim is not None and claim.benefit_fen == 1_268_000 - 640_800


def test_after_a_reversal_nothing_more_is_paid_and_what_was_goes_back(house: Consortium) -> None:
    granted(house)
    assert act(house, "bureau", "take_back", OF_E) == "nothing-to-recover"
    assert act(house, "bureau", "disburse", Disburse("E", 2026, 1, "diagnosis")) == "ok"
    house.run("bureau", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-lines"))
    assert attest(house, "h1", "treated") == "ok"
    assert act(house, "bureau", "disburse", Disburse("E", 2026, 1, "treated")) == "not-settled"
    assert act(house, "bureau", "take_back", OF_E) == "ok"
    assert balance(house, "payout/E") == 0 and act(house, "bureau", "take_back", OF_E) == "nothing-to-recover"


def test_who_is_refused_appeals_once_and_another_decides(house: Consortium) -> None:
    rules = AidRules(deductible_fen=2_000_000)
    house.genesis("aid", "adopt_rules", AdoptRules(rules))
    say(house, APPLY, Apply(2026, 1, "low-income"))
    assert say(house, APPEAL, Appeal(2026, 1, "hardship"), 2) == "application-closed"
    attest(house, "h1", "diagnosis")
    attest(house, "f1", "means")
    assert act(house, "bureau", "review", OF_E) == "ok" and aid_of(house).reason == "below-deductible"
    assert say(house, APPEAL, Appeal(2026, 1, "weather"), 2) == "bad-choice"
    assert say(house, APPEAL, Appeal(2026, 1, "hardship"), 2) == "ok"
    assert act(house, "f1", "decide_appeal", DecideAppeal("E", 2026, 1, 1_268_001)) == "over-cap"
    before = house.state.copy()
    assert act(house, "f1", "decide_appeal", DecideAppeal("E", 2026, 1, 0)) == "ok" and aid_of(house).stage == "closed"
    assert say(house, APPEAL, Appeal(2026, 1, "hardship"), 3) == "application-closed"
    house.state.tables = before
    assert act(house, "f1", "decide_appeal", DecideAppeal("E", 2026, 1, 100_000)) == "ok"
    assert aid_of(house).granted_fen == 100_000


def test_an_application_that_nobody_decides_lapses_and_may_be_made_again(house: Consortium) -> None:
    say(house, APPLY, Apply(2026, 1, "low-income"))
    ring = Ring(20260731, "E/2026/000001")
    assert act(house, "bureau", "lapse", ring) == "not-due"
    house.today(20260731)
    assert act(house, "bureau", "lapse", ring) == "ok" and aid_of(house).stage == "lapsed"
    assert act(house, "regulator", "lapse", ring) == "ok"  # nothing is told twice
    assert say(house, APPLY, Apply(2026, 1, "low-income"), 2) == "ok"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ratio_bp": 10_001}, "bad-number"),
        ({"first_bp": 6_000, "last_bp": 4_001}, "bad-number"),
        ({"cap_fen": 0}, "bad-amount"),
        ({"urgent_days": 0}, "bad-number"),
        ({}, "ok"),
    ],
)
def test_rules_that_cannot_be(house: Consortium, change: dict[str, int], code: str) -> None:
    assert act(house, "vote", "adopt_rules", AdoptRules(AidRules(**change))) == code


def test_the_states_money_comes_into_the_fund(house: Consortium) -> None:
    before = balance(house, funds.MEDICAL_AID)
    assert act(house, "f1", "appropriate", Appropriate(500, "budget/2026")) == "ok"
    assert act(house, "f1", "appropriate", Appropriate(0, "budget/2026")) == "bad-amount"
    assert act(house, "f1", "appropriate", Appropriate(5, "for the poor")) == "bad-reference"
    assert balance(house, funds.MEDICAL_AID) == before + 500


# --- emergencies ------------------------------------------------------------------------------------------------------

URGENT = AdvanceUrgent("h1:U", "H3", "E", 1_000_000)


def test_an_advance_is_paid_at_the_hospitals_word_and_confirmed_by_the_settlement(house: Consortium) -> None:
    assert act(house, "h1", "advance", AdvanceUrgent("h1:U", "H3", "E", 1_000_001)) == "over-cap"
    assert act(house, "h1", "advance", AdvanceUrgent("h2:U", "H3", "E", 1)) == "number-foreign"
    assert act(house, "h2", "advance", AdvanceUrgent("h2:U", "H3", "E", 1)) == "not-yours"
    assert act(house, "h1", "advance", URGENT) == "ok" and balance(house, "paid/H3") == 1_000_000
    assert act(house, "h1", "advance", URGENT) == "urgent-closed"
    assert act(house, "bureau", "confirm_urgent", ConfirmUrgent("h1:U", 2026, 2)) == "not-settled"
    assert act(house, "bureau", "confirm_urgent", ConfirmUrgent("h1:X", 2026, 1)) == "unknown-urgent"
    assert act(house, "bureau", "confirm_urgent", ConfirmUrgent("h1:U", 2026, 1)) == "ok"
    assert say(house, APPLY, Apply(2026, 1, "low-income")) == "ok" and left(house) == 268_000


def test_more_than_is_left_goes_back_when_it_is_confirmed(house: Consortium) -> None:
    for number in ("h1:U", "h1:V"):
        assert act(house, "h1", "advance", AdvanceUrgent(number, "H3", "E", 1_000_000)) == "ok"
        assert act(house, "bureau", "confirm_urgent", ConfirmUrgent(number, 2026, 1)) == "ok"
    assert balance(house, "paid/H3") == 1_268_000
    assert say(house, APPLY, Apply(2026, 1, "low-income")) == "need-covered"


def test_an_advance_for_another_hospitals_care_is_not_confirmed(house: Consortium) -> None:
    act(house, "h1", "advance", AdvanceUrgent("h1:U", "H2", "E", 1_000))
    assert act(house, "bureau", "confirm_urgent", ConfirmUrgent("h1:U", 2026, 1)) == "institution-differs"


def test_what_nobody_confirms_in_time_goes_back_and_is_told(house: Consortium) -> None:
    act(house, "h1", "advance", URGENT)
    assert [one.operation for one in due.due_until(house.state, 20260612, 9)] == ["check_urgent"]
    house.today(20260612)
    (_, told) = house.run("bureau", "aid", "check_urgent", Ring(20260612, "h1:U"))
    assert told.fields["why"] == "emergency-unconfirmed" and told.fields["missing_fen"] == 0
    assert balance(house, "paid/H3") == 0
    urgent = house.state.get(URGENTS, "h1:U")
    assert urgent is not None and urgent.stage == "taken-back"
    assert act(house, "bureau", "confirm_urgent", ConfirmUrgent("h1:U", 2026, 1)) == "urgent-closed"


# --- gifts ------------------------------------------------------------------------------------------------------------


def give(house: Consortium, pledge: Pledge = PLEDGE) -> None:
    house.run("c1", "gift", "pledge", pledge)
    house.run("f1", "gift", "confirm_receipt", ConfirmReceipt(pledge.gift_no, pledge.quantity))


def gift(house: Consortium, member: str, operation: str, arguments: Any) -> str:
    return house.refusal(member, "gift", operation, arguments)


def test_money_goes_from_the_giver_to_the_patient_and_its_trail_names_nobody(house: Consortium) -> None:
    granted(house)
    give(house)
    assert balance(house, "gift/c1:G") == 500_000
    assert gift(house, "c1", "allocate", Allocate("c1:G", "E", 2026, 1, 300_000)) == "ok"
    assert gift(house, "c1", "allocate", Allocate("c1:G", "E", 2026, 1, 200_000)) == "ok"  # the next part has room
    assert gift(house, "c1", "allocate", Allocate("c1:G", "E", 2026, 1, 1)) == "gift-spent"
    assert gift(house, "c1", "hand_out", OfUse("c1:G", 1)) == "kind-differs"
    before = balance(house, funds.MEDICAL_AID)
    assert act(house, "bureau", "disburse", Disburse("E", 2026, 1, "diagnosis")) == "ok"
    assert before - balance(house, funds.MEDICAL_AID) == 20_400 and balance(house, "gift/c1:G") == 200_000
    assert gift(house, "h1", "acknowledge", OfUse("c1:G", 2)) == "wrong-stage"
    assert gift(house, "h1", "acknowledge", OfUse("c1:G", 1)) == "ok"
    trail = CONTRACTS["gift"].ask(house.state, "trail", TrailOf("c1:G"), Reader("c1", "charity", 20260601))
    assert trail.left == 0
    assert [(one.quantity, one.stage, one.need) for one in trail.steps] == [
        (300_000, "acknowledged", "low-income"),
        (200_000, "allocated", "low-income"),
    ]
    assert not any(hasattr(one, "psn_no") or "E" in (one.need, one.effect) for one in trail.steps)
    for member, role in (("c2", "charity"), ("h1", "hospital")):
        with pytest.raises(Refused, match=r"not-yours|not-permitted"):
            CONTRACTS["gift"].ask(house.state, "trail", TrailOf("c1:G"), Reader(member, role, 20260601))


@pytest.mark.parametrize(
    ("pledge", "code"),
    [
        (Pledge("c2:G", "d", "money", "fen", "", "", "any", 1), "number-foreign"),
        (Pledge("c1:H", "13812345678", "money", "fen", "", "", "any", 1), "personal-number"),
        (Pledge("c1:H", "d", "money", "piece", "", "", "any", 1), "kind-differs"),
        (Pledge("c1:H", "d", "money", "fen", "mask", "", "any", 1), "kind-differs"),
        (Pledge("c1:H", "d", "goods", "fen", "mask", "", "any", 1), "kind-differs"),
        (Pledge("c1:H", "d", "goods", "piece", "mask", "lot404", "any", 1), "unknown-lot"),
        (Pledge("c1:H", "d", "time", "hour", "care", "", "any", 1), "bad-choice"),
        (Pledge("c1:H", "d", "goods", "piece", "mask", "", "greed", 1), "bad-choice"),
        (Pledge("c1:H", "d", "goods", "piece", "mask", "", "any", 0), "bad-number"),
        (PLEDGE, "wrong-stage"),
    ],
)
def test_pledges_that_cannot_be(house: Consortium, pledge: Pledge, code: str) -> None:
    give(house)
    assert gift(house, "c1", "pledge", pledge) == code


def test_goods_are_handed_out_and_acknowledged(house: Consortium) -> None:
    granted(house)
    give(house, Pledge("c1:W", "donor-2", "goods", "piece", "wheelchair", "", "any", 2))
    assert gift(house, "c1", "hand_out", OfUse("c1:W", 1)) == "not-allocated"
    assert gift(house, "c1", "allocate", Allocate("c1:W", "E", 2026, 1, 1)) == "ok"
    assert gift(house, "h1", "acknowledge", OfUse("c1:W", 1)) == "wrong-stage"
    assert gift(house, "c1", "hand_out", OfUse("c1:W", 1)) == "ok"
    assert gift(house, "h2", "acknowledge", OfUse("c1:W", 1)) == "not-yours"
    assert gift(house, "h1", "acknowledge", OfUse("c1:W", 1)) == "ok"
    use, left_over = house.state.get(GIFT_USES, "c1:W/0001"), house.state.get(GIFTS, "c1:W")
    assert use is not None and left_over is not None
    assert (use.stage, left_over.received - left_over.allocated) == ("acknowledged", 1)
    assert aid_of(house).tranches[0].gifts == ()


def test_what_a_gift_is_not_for(house: Consortium) -> None:
    give(house, Pledge("c1:R", "d", "money", "fen", "", "", "rare-disease", 500_000))
    give(house)
    wanted = Allocate("c1:G", "E", 2026, 1, 400_000)
    assert gift(house, "c1", "allocate", wanted) == "unknown-aid"
    say(house, APPLY, Apply(2026, 1, "low-income"))
    assert gift(house, "c1", "allocate", wanted) == "application-closed"
    attest(house, "h1", "diagnosis")
    attest(house, "f1", "means")
    act(house, "bureau", "review", OF_E)
    assert gift(house, "c1", "allocate", Allocate("c1:R", "E", 2026, 1, 1)) == "purpose-differs"
    assert gift(house, "c1", "allocate", wanted) == "need-covered"  # no part has so much room
    assert gift(house, "c2", "allocate", wanted) == "not-yours"
    house.run("c1", "gift", "pledge", Pledge("c1:P", "d", "money", "fen", "", "", "any", 5))
    assert gift(house, "c1", "allocate", Allocate("c1:P", "E", 2026, 1, 1)) == "wrong-stage"
    assert gift(house, "f1", "confirm_receipt", ConfirmReceipt("c1:P", 6)) == "bad-number"
    assert gift(house, "f1", "confirm_receipt", ConfirmReceipt("c1:X", 6)) == "unknown-gift"


# --- for everybody ----------------------------------------------------------------------------------------------------


def test_the_public_sees_no_number_of_fewer_than_five_and_nobody_named() -> None:
    view = load_views()["aid_public"]
    book = Book(view.tables)
    fields: dict[str, int | str] = {"psn_no": "E", "year": 2026, "sequence": 1, "need": "low-income", "left_fen": 5}
    for number in range(1, 12):
        view.feed(book, Told(number, "agent", "aid", "apply", b"", (Event("aid-applied", fields),)))
        shown = book.column("aid", (2026, "low-income"), "applied")
        assert shown == number // 5 * 5
    assert not {"psn_no", "sequence"} & set(view.tables[0].kinds) and view.is_shown_to("anybody")
