"""What a settlement owes: payable with a supervisor's word on the lines or after its days, held where they differ."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.contracts.insurance import accumulators, bill, funds, institution, policy, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.medicines import sales
from consortium.contracts.medicines import stock as uncoded
from consortium.contracts.oversight import due, hold, hold_operations
from tests.contracts_state import Consortium, code_of, founded, stock

OWED = 85_000 * 9  # of a claim of 9,000 + 800 yuan: the deductible, and 85 % of the rest
ONE = (Line("A", 1, 980_000),)
CONFIRM = settlement.ConfirmLines("E", 2026, 1)
DIFFER = settlement.ReportMismatch("E", 2026, 1, "sums")
REVERSE = settlement.Reverse("E", 2026, 1, "wrong-lines")
PAYABLE, DISPUTED, UNCONFIRMED = "payable/H3", "disputed/h3-1", "unconfirmed/H3/20260616"
RING = due.Ring(20260616, "H3")


@pytest.fixture
def house() -> Consortium:
    house = founded()
    house.claim("E", ONE)
    return house


def places(house: Consortium) -> dict[str, int]:
    """Where money that is owed lies."""
    accounts = house.state.range(funds.ACCOUNTS, "", "~")
    kinds = ("payable", "disputed", "unconfirmed", "paid")
    return {name: each.balance_fen for name, each in accounts if name.split("/")[0] in kinds and each.balance_fen}


def test_what_is_owed_waits_for_a_word_on_the_lines(house: Consortium) -> None:
    assert places(house) == {UNCONFIRMED: OWED}
    pay = institution.Disburse("H3", 1, "month/6")
    assert house.refusal("bureau", "institution", "disburse", pay) == "payable-short"
    (event,) = [each for each in house.run("bureau", "settlement", "confirm_lines", CONFIRM) if each.kind != "movement"]
    assert (event.kind, event.fields["bill_no"], event.fields["member"]) == ("lines-confirmed", "h3-1", "bureau")
    assert places(house) == {PAYABLE: OWED}
    assert house.refusal("regulator", "settlement", "confirm_lines", CONFIRM) == "already-judged"


def test_what_nobody_judged_becomes_payable_on_its_day_once(house: Consortium) -> None:
    house.claim("E", ONE, serial="2")
    house.run("regulator", "settlement", "confirm_lines", CONFIRM)
    house.today(20260615)
    assert house.refusal("bureau", "settlement", "release", RING) == "not-due"
    house.today(20260616)
    events = house.run("bureau", "settlement", "release", RING)
    assert [event.kind for event in events] == ["movement", "payable-released"]
    assert set(places(house)) == {PAYABLE}
    assert house.run("regulator", "settlement", "release", RING) == []
    late = msgspec.structs.replace(CONFIRM, sequence=2)
    before = places(house)
    house.run("bureau", "settlement", "confirm_lines", late)
    assert places(house) == before, "it was payable already"


def test_a_pack_without_days_makes_what_is_owed_payable_at_once() -> None:
    house = founded()
    pack = msgspec.structs.replace(ILLUSTRATIVE_PACK, from_day=20260601, lines_days=0)
    house.run("vote", "policy", "adopt_pack", policy.AdoptPack(pack))
    house.claim("E", ONE, begndate=20260601, enddate=20260601)
    assert places(house) == {PAYABLE: OWED}
    assert not [name for name, _ in house.state.range(due.DUE, "", "~") if "release" in name]


@pytest.mark.parametrize("first", ["unconfirmed", "confirmed", "released", "paid"])
def test_a_mismatch_holds_the_money_wherever_it_was(house: Consortium, first: str) -> None:
    if first in ("confirmed", "paid"):
        house.run("bureau", "settlement", "confirm_lines", CONFIRM)
    if first == "released":
        house.today(20260616)
        house.run("bureau", "settlement", "release", RING)
    if first == "paid":
        house.run("bureau", "institution", "disburse", institution.Disburse("H3", OWED, "month/6"))
    house.run("regulator", "settlement", "report_mismatch", DIFFER)
    paid = {"paid/H3": OWED, PAYABLE: -OWED} if first == "paid" else {}
    assert places(house) == {DISPUTED: OWED, **paid}
    assert [each.record for each in hold.get_holds(house.state, DISPUTED)] == ["settlement/E/2026/000001"]
    assert house.refusal("bureau", "settlement", "report_mismatch", DIFFER) == "already-judged"
    house.today(20260616)
    house.run("bureau", "settlement", "release", RING)
    assert places(house) == {DISPUTED: OWED, **paid}, "its day does not free it"


@pytest.mark.parametrize("count", [1, hold.HOLDS_MAX])
def test_holds_that_another_placed_before_keep_nobody_from_reporting(house: Consortium, count: int) -> None:
    """The regulator holds what is not there yet, so that the bureau's word would find no room."""
    for number in range(1, count + 1):
        early = hold_operations.Place(DISPUTED, hold.LINES_DIFFER, f"settlement/E/2026/{number:06d}")
        house.run("regulator", "hold", "place", early)
    house.run("bureau", "settlement", "report_mismatch", DIFFER)
    assert places(house) == {DISPUTED: OWED} and hold.is_held(house.state, DISPUTED)
    assert house.refusal("bureau", "settlement", "confirm_lines", CONFIRM) == "same-organisation", "who reported it"
    if count == 1:
        house.run("regulator", "settlement", "confirm_lines", CONFIRM)
        assert places(house) == {PAYABLE: OWED}


def test_full_holds_of_another_record_keep_nobody_from_reporting(house: Consortium) -> None:
    for number in range(hold.HOLDS_MAX):
        house.run("regulator", "hold", "place", hold_operations.Place(DISPUTED, hold.FINDING, f"finding/F-{number}"))
    house.run("bureau", "settlement", "report_mismatch", DIFFER)
    assert places(house) == {DISPUTED: OWED}
    assert len(hold.get_holds(house.state, DISPUTED)) == hold.HOLDS_MAX + 1


def test_a_mismatch_ends_with_the_word_of_the_other_role(house: Consortium) -> None:
    house.run("bureau", "settlement", "report_mismatch", DIFFER)
    assert house.refusal("bureau", "settlement", "confirm_lines", CONFIRM) == "same-organisation"
    house.run("regulator", "settlement", "confirm_lines", CONFIRM)
    assert places(house) == {PAYABLE: OWED}
    assert not hold.is_held(house.state, DISPUTED)


def test_words_on_what_is_not_there_or_was_reversed(house: Consortium) -> None:
    for change, code in (
        ({"sequence": 2}, "unknown-settlement"),
        ({"psn_no": "R"}, "unknown-settlement"),
        ({"year": 2025}, "unknown-settlement"),
        ({"year": 1}, "bad-number"),
    ):
        assert (
            house.refusal("bureau", "settlement", "confirm_lines", msgspec.structs.replace(CONFIRM, **change)) == code
        )
    odd = msgspec.structs.replace(DIFFER, what="smell")
    assert house.refusal("bureau", "settlement", "report_mismatch", odd) == "bad-choice"
    house.run("h1", "settlement", "reverse", REVERSE)
    assert house.refusal("bureau", "settlement", "confirm_lines", CONFIRM) == "settlement-reversed"
    assert house.refusal("bureau", "settlement", "report_mismatch", DIFFER) == "settlement-reversed"


WORDS = ("confirm", "differ", "release", "pay", "other-claim")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(WORDS), max_size=5))
def test_a_reversal_restores_every_account_whatever_was_said_and_paid(said: list[str]) -> None:
    """Also where the money was paid out: then the institution owes it."""
    house = founded()
    house.run("bureau", "funds", "contribute", funds.Contribute("person/E", 10_000, "opening/2026"))
    start = house.state.copy()["account"]
    house.claim("E", ONE)
    paid_fen = 0
    for number, word in enumerate(said, 10):
        paid_fen += act(house, word, number)
        assert house.sum_of_balances() == 0
        assert house.owed("H3") == OWED + 10_000 - paid_fen
    house.run("h1", "settlement", "reverse", REVERSE)
    for code in ("K3",):
        while newest := accumulators.get_accumulator(house.state, "R", 2026).newest:
            house.run("bureau", "settlement", "reverse", settlement.Reverse("R", 2026, newest, "wrong-lines"))
        assert house.owed(code) == 0
    assert not hold.is_held(house.state, DISPUTED)
    assert places(house) == ({PAYABLE: -paid_fen, "paid/H3": paid_fen} if paid_fen else {})
    if not paid_fen:
        assert house.state.copy()["account"] == start


def act(house: Consortium, word: str, number: int) -> int:
    """What was paid out by it, in fen."""
    if word == "confirm":
        house.refusal("bureau", "settlement", "confirm_lines", CONFIRM)
    elif word == "differ":
        house.refusal("regulator", "settlement", "report_mismatch", DIFFER)
    elif word == "release":
        house.today(20260616)
        house.run("bureau", "settlement", "release", RING)
    elif word == "pay":
        owed_fen = funds.get_balance(house.state, PAYABLE)
        pay = institution.Disburse("H3", owed_fen, "month/6")
        return owed_fen if owed_fen > 0 and house.refusal("bureau", "institution", "disburse", pay) == "ok" else 0
    else:
        house.claim("R", ONE, fixmedins_code="K3", member="h2", serial=str(number))
    return 0


def test_a_bill_is_claimed_on_once_another_than_its_issuer_has_verified_it(house: Consortium) -> None:
    claim = settlement.Claim("H1-9", "E")
    house.run("h1", "bill", "issue", house.issue("H1-9", "E", ONE))
    assert house.refusal("h1", "settlement", "claim", claim) == "bill-not-verified"
    house.run("h1", "bill", "deliver", bill.Step("H1-9"))
    assert house.refusal("h1", "settlement", "claim", claim) == "bill-not-verified"
    for member in ("h1", "h2", "p1"):  # regression: providers could verify for each other
        assert house.refusal(member, "bill", "verify", bill.Step("H1-9")) == "not-permitted"
    house.run("regulator", "bill", "verify", bill.Step("H1-9"))
    house.run("h1", "settlement", "claim", claim)


def test_a_supervisor_that_acts_for_an_institution_verifies_none_of_its_bills(house: Consortium) -> None:
    house.genesis("institution", "sign", institution.Sign("H9", "hospital", 3, "regulator", "L-9", 20991231))
    house.genesis("bill", "issue", house.issue("H9-1", "E", ONE))
    assert house.refusal("regulator", "bill", "verify", bill.Step("H9-1")) == "own-bill"
    assert house.refusal("bureau", "bill", "verify", bill.Step("H9-1")) == "wrong-stage"


def test_the_account_of_a_held_person_pays_nothing_and_the_claim_goes_on(house: Consortium) -> None:
    house.run("bureau", "funds", "contribute", funds.Contribute("person/E", 50_000, "opening/2026"))
    house.run("regulator", "hold", "place", hold_operations.Place("person/E", hold.INQUIRY, "finding/F-1"))
    amounts = house.claim("E", ONE, serial="2").amounts
    assert (amounts.acct_pay, amounts.cash_payamt) == (0, amounts.psn_pay)


def test_packs_of_before_the_rule_are_sold_without_codes_and_a_reversal_gives_them_back(house: Consortium) -> None:
    place = {"fixmedins_code": "P1", "member": "p1", "med_type": "outpatient"}
    packs = uncoded.ListUncoded("P1", "D", 5)
    house.run("p1", "stock", "list_uncoded", packs)
    house.run("bureau", "stock", "endorse_uncoded", packs)
    house.claim("A", (Line("D", 3, 1_000),), **place)
    assert uncoded.get_uncoded(house.state, "P1", "D").left == 2
    both = house.billed(
        settlement.IssueAndClaim,
        "P1-2",
        "A",
        (Line("D", 3, 1_000),),
        fixmedins_code="P1",
        med_type="outpatient",
        begndate=20260301,
        enddate=20260301,
    )
    assert house.refusal("p1", "settlement", "issue_and_claim", both) == "stock-short"
    house.run("p1", "settlement", "reverse", settlement.Reverse("A", 2026, 1, "wrong-lines"))
    assert uncoded.get_uncoded(house.state, "P1", "D").left == 5


def test_a_second_sale_leaves_both_parties_for_the_regulator(house: Consortium) -> None:
    stock(house, "lot", (code_of(1),), "institution/P1")
    place = {"fixmedins_code": "P1", "member": "p1", "med_type": "outpatient"}
    line = (Line("D", 1, 1_000, (code_of(1),)),)
    house.claim("A", line, **place)
    again = house.billed(
        settlement.IssueAndClaim,
        "H1-2",
        "A",
        line,
        fixmedins_code="H1",
        med_type="outpatient",
        begndate=20260301,
        enddate=20260301,
    )
    assert house.refusal("h1", "settlement", "issue_and_claim", again) == "trace-code-sold"
    assert list(house.state.range(sales.SECOND_SALES, "", "~"))
