"""个人支付渠道: by which means a patient paid its share, to the fen and once, and what the means' statements say."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import channel, settlement
from consortium.contracts.insurance.channel import OfDay, OfPayment, Reconcile, Record
from consortium.contracts.insurance.channels import CHANNEL_DAYS, SHARE_PAYMENTS, ChannelDay, Part
from consortium.contracts.insurance.lines import Line
from consortium.core.contract import Reader, Refused
from consortium.views import load_views
from consortium.views.view import Book, feed_block
from tests.contracts_state import CONTRACTS, Consortium, founded
from tests.unit.contracts.test_settlement_cases import fund_account
from tests.views_kit import Recorded

STAY = (Line("A", 1, 1_000_000),)  # 10,000.00: pool 7,820.00, account 180.00, the patient 2,000.00
PARTS = (Part("cash", 50_000), Part("bank-card", 100_000, "B-1"), Part("mobile", 50_000, "M-1"))
PAID = Record("E", 2026, 1, PARTS)
REVERSE = settlement.Reverse("E", 2026, 1, "wrong-amount")


def begin(house: Consortium) -> Consortium:
    founded(house)
    fund_account(house, "E", 18_000)
    house.claim("E", STAY)
    return house


@pytest.fixture
def house() -> Consortium:
    return begin(Consortium())


def of_day(house: Consortium, channel: str, day: int = 20260601) -> tuple[int, int]:
    held = house.state.get(CHANNEL_DAYS, f"H3/{day}/{channel}") or ChannelDay()
    return held.count, held.amount_fen


def test_parts_add_up_to_the_patients_share_and_are_counted_by_day_and_means(house: Consortium) -> None:
    (told,) = house.run("h1", "channel", "record", PAID)
    assert (told.fields["amount_fen"], told.fields["channels"]) == (200_000, "cash,bank-card,mobile")
    assert (of_day(house, "cash"), of_day(house, "bank-card")) == ((1, 50_000), (1, 100_000))
    assert house.refusal("h1", "channel", "record", PAID) == "recorded-already"
    house.claim("E", STAY, serial="2")  # the second stay: pool 8,160.00, the patient 1,840.00
    house.run("h1", "channel", "record", Record("E", 2026, 2, (Part("cash", 184_000),)))
    assert of_day(house, "cash") == (2, 234_000)


def test_a_reversal_gives_the_share_back_by_the_same_means_on_its_day(house: Consortium) -> None:
    house.run("h1", "channel", "record", PAID)
    house.today(20260602)
    events = house.run("h1", "settlement", "reverse", REVERSE)
    assert "share-returned" in [event.kind for event in events]
    assert of_day(house, "bank-card") == (1, 100_000)
    assert of_day(house, "bank-card", 20260602) == (-1, -100_000)
    stored = house.state.get(SHARE_PAYMENTS, "E/2026/000001")
    assert stored is not None and stored.stage == "returned"
    assert house.refusal("h1", "channel", "record", PAID) == "settlement-reversed"
    house.claim("E", STAY, serial="2")  # entry 3
    house.run("h1", "channel", "record", Record("E", 2026, 3, PARTS))


def test_a_share_that_nobody_recorded_comes_back_without_a_word(house: Consortium) -> None:
    events = house.run("h1", "settlement", "reverse", REVERSE)
    assert "share-returned" not in [event.kind for event in events]


@pytest.mark.parametrize(
    ("statement", "stage"),
    [
        (Reconcile("H3", 20260601, "bank-card", 1, 100_000), "agrees"),
        (Reconcile("H3", 20260601, "bank-card", 2, 150_000, 1, 50_000), "agrees"),
        (Reconcile("H3", 20260601, "bank-card", 1, 99_999), "differs"),
        (Reconcile("H3", 20260601, "bank-card", 2, 100_000), "differs"),
        (Reconcile("H3", 20260601, "family-account", 0, 0), "agrees"),
        (Reconcile("H3", 20260601, "family-account", 1, 1), "differs"),
    ],
)
def test_a_statement_is_held_against_the_ledger(house: Consortium, statement: Reconcile, stage: str) -> None:
    house.run("h1", "channel", "record", PAID)
    house.today(20260602)
    told, *notices = house.run("bureau", "channel", "reconcile", statement)
    assert told.fields["stage"] == stage
    assert [one.fields["why"] for one in notices] == (["channel-differs"] if stage == "differs" else [])


def test_more_given_back_than_paid_can_be_stated(house: Consortium) -> None:
    house.run("h1", "channel", "record", PAID)
    house.today(20260602)
    house.run("h1", "settlement", "reverse", REVERSE)
    house.today(20260603)
    statement = Reconcile("H3", 20260602, "mobile", 0, 0, 1, 50_000)
    (told,) = house.run("bureau", "channel", "reconcile", statement)
    assert (told.fields["stage"], told.fields["amount_fen"]) == ("agrees", -50_000)


def parts(*found: Part) -> Record:
    return Record("E", 2026, 1, found)


@pytest.mark.parametrize(
    ("member", "operation", "arguments", "code"),
    [
        ("h1", "record", parts(Part("cash", 199_999)), "parts-differ"),
        ("h1", "record", parts(Part("cash", 200_000), Part("cash", 1)), "parts-differ"),
        ("h1", "record", parts(), "bad-length"),
        ("h1", "record", parts(Part("gold", 200_000)), "bad-choice"),
        ("h1", "record", parts(Part("cash", 0), Part("cash", 200_000)), "bad-amount"),
        ("h1", "record", parts(Part("mobile", 200_000)), "receipt-missing"),
        ("h1", "record", parts(Part("mobile", 200_000, "a b")), "bad-identifier"),
        ("h1", "record", Record("E", 2026, 9, PARTS), "not-yours"),
        ("h2", "record", PAID, "not-yours"),
        ("bureau", "record", PAID, "not-permitted"),
        ("bureau", "reconcile", Reconcile("H3", 20260601, "cash", 0, 0), "day-open"),
        ("bureau", "reconcile", Reconcile("H3", 20260531, "gold", 0, 0), "bad-choice"),
        ("bureau", "reconcile", Reconcile("H3", 20260532, "cash", 0, 0), "bad-date"),
        ("bureau", "reconcile", Reconcile("H/3", 20260531, "cash", 0, 0), "bad-identifier"),
        ("bureau", "reconcile", Reconcile("H3", 20260531, "cash", -1, 0), "bad-number"),
        ("bureau", "reconcile", Reconcile("H3", 20260531, "cash", 0, -1), "bad-amount"),
        ("h1", "reconcile", Reconcile("H3", 20260531, "cash", 0, 0), "not-permitted"),
        ("h1", "record", PAID, "ok"),
    ],
)
def test_refusals(house: Consortium, member: str, operation: str, arguments: Any, code: str) -> None:
    assert house.refusal(member, "channel", operation, arguments) == code


def test_an_institution_reads_its_own_and_a_view_tells_all() -> None:
    house = Recorded()
    begin(house)
    contract = CONTRACTS["channel"]
    asked, reader = OfPayment("E", 2026, 1), Reader("h1", "hospital", 20260602)
    with pytest.raises(Refused, match="unknown-payment"):
        contract.ask(house.state, "payment", asked, reader)
    house.run("h1", "channel", "record", PAID)
    assert contract.ask(house.state, "payment", asked, reader).parts == PARTS
    assert contract.ask(house.state, "day", OfDay("H3", 20260601, "cash"), reader).amount_fen == 50_000
    for query, one in (("payment", asked), ("day", OfDay("H3", 20260601, "cash"))):
        with pytest.raises(Refused, match="not-yours"):
            contract.ask(house.state, query, one, Reader("h2", "hospital", 20260602))
    house.today(20260602)
    house.run("bureau", "channel", "reconcile", Reconcile("H3", 20260601, "cash", 1, 60_000))
    house.run("h1", "settlement", "reverse", REVERSE)
    view = load_views()["channels"]
    book = Book(view.tables)
    for block in house.blocks([]):
        feed_block(view, book, block)
    row = [book.column("channel", ("H3", 20260601, "cash"), name) for name in ("ledger_fen", "stated_fen", "stage")]
    assert row == [50_000, 60_000, "differs"]
    assert book.column("institution", ("H3",), "share_fen") == 0
    assert channel.CONTRACT.founding == 0
