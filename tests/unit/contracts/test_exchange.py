"""The exchange delivers what somebody lets it deliver, and the vault's question is answered by whether that stands."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.contracts.records.consent import BreakGlass, JudgeGlass, Revoke
from consortium.contracts.records.exchange import Ask, Deliver, Offer, OfPatient, ReportMismatch
from consortium.contracts.records.record import Ask as AskKeeper
from consortium.contracts.records.record import Deliver as DeliverByKeeper
from consortium.contracts.records.record import Erase, Register
from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.core.contract import Reader
from tests.consent_kit import ANNA, RECORD, C, Speaker, granted, house_of_consent
from tests.contracts_state import CONTRACTS, Consortium

ASK, DELIVER = Ask(RECORD, "h2:q-1", "treatment"), Deliver(RECORD, "h2:q-1", C)
HANDLE = f"record/{RECORD}"


@pytest.fixture
def house() -> Consortium:
    house = house_of_consent()
    house.run("h2", "exchange", "request", ASK)
    return house


def readers(house: Consortium) -> tuple[str, ...]:
    entry = CATALOGUE.find(house.state, HANDLE)
    assert entry is not None and entry.holders == ("h1",)
    return entry.readers


def delivered(house: Consortium) -> Speaker:
    speaker = Speaker(house)
    granted(house, "report", "h2", "treatment", speaker)
    house.run("h1", "exchange", "deliver", DELIVER)
    return speaker


def test_a_vault_may_give_it_as_long_as_the_consent_stands(house: Consortium) -> None:
    assert house.refusal("h1", "exchange", "deliver", DELIVER) == "consent-missing"
    speaker = delivered(house)
    assert readers(house) == ("h2",) and list(CATALOGUE.ended(house.state, "h2", ANNA)) == []
    speaker.say("revoke", Revoke("report", "h2", "treatment"))
    assert readers(house) == ()
    assert list(CATALOGUE.ended(house.state, "h2", ANNA)) == list(CATALOGUE.ended(house.state, "h2", "")) == [HANDLE]
    granted(house, "report", "h2", "treatment", speaker)
    assert readers(house) == (), "a new word opens nothing by itself"
    house.run("h2", "exchange", "request", Ask(RECORD, "h2:q-2", "treatment"))
    house.run("h1", "exchange", "deliver", Deliver(RECORD, "h2:q-2", C))
    assert readers(house) == ("h2",) and list(CATALOGUE.ended(house.state, "h2", "")) == []


def test_a_glass_that_was_not_justified_closes_the_vault(house: Consortium) -> None:
    house.run("h2", "consent", "break_glass", BreakGlass("h2:g-1", ANNA, "all", "epidemic"))
    house.run("h1", "exchange", "deliver", DELIVER)
    assert readers(house) == ("h2",)
    told = house.run("regulator", "consent", "judge_glass", JudgeGlass("h2:g-1", False))
    assert readers(house) == () and told[0].fields["leave_of"] == ANNA


@pytest.mark.parametrize(
    ("member", "verb", "arguments", "code"),
    [
        ("h1", "offer", Offer(RECORD), "offered-already"),
        ("h2", "offer", Offer(RECORD), "number-foreign"),
        ("h1", "offer", Offer("h1:r-404"), "not-holder"),
        ("h1", "offer", Offer("h1:r-2"), "no-patient"),
        ("h1", "offer", Offer("h1:r-3", b"short"), "bad-digest"),
        ("h2", "request", ASK, "request-exists"),
        ("h2", "request", Ask(RECORD, "h1:q", "treatment"), "number-foreign"),
        ("h2", "request", Ask(RECORD, "h2:q-3", "gossip"), "bad-choice"),
        ("h2", "request", Ask("h1:unheard-of", "h2:q-3", "treatment"), "ok"),
        ("h2", "deliver", DELIVER, "not-holder"),
        ("h1", "deliver", Deliver("h1:r-3", "h2:q-1", C), "not-offered"),
        ("h1", "deliver", Deliver(RECORD, "h2:q-404", C), "unknown-request"),
        ("h1", "deliver", Deliver(RECORD, "h2:q-1", b"d" * 32), "commitment-differs"),
        ("h2", "report_mismatch", ReportMismatch(RECORD, "h2:q-1", "another-person"), "wrong-stage"),
        ("h2", "report_mismatch", ReportMismatch(RECORD, "h2:q-1", "dull"), "bad-choice"),
        ("p1", "report_mismatch", ReportMismatch(RECORD, "h2:q-1", "another-person"), "not-yours"),
    ],
)
def test_what_is_refused(house: Consortium, member: str, verb: str, arguments: Any, code: str) -> None:
    house.run("h1", "record", "register", Register("h1:r-2", "report", C))
    house.run("h1", "record", "register", Register("h1:r-3", "report", C, (), ANNA))
    assert house.refusal(member, "exchange", verb, arguments) == code


def test_a_record_without_fields_is_offered_too(house: Consortium) -> None:
    """Regression: its row could not be read any more, and no node could execute what asked for it."""
    house.run("h1", "record", "register", Register("h1:r-3", "report", C, (), ANNA))
    house.run("h1", "exchange", "offer", Offer("h1:r-3"))
    assert house.refusal("h1", "exchange", "offer", Offer("h1:r-3")) == "offered-already"


def test_who_was_given_another_record_has_it_no_longer_and_is_heard(house: Consortium) -> None:
    delivered(house)
    told = house.run("h2", "exchange", "report_mismatch", ReportMismatch(RECORD, "h2:q-1", "another-person"))
    assert [event.kind for event in told] == ["exchange-differs", "notice"]
    assert readers(house) == () and list(CATALOGUE.ended(house.state, "h2", ANNA)) == [HANDLE]


def test_an_erasure_asks_all_that_ever_had_it(house: Consortium) -> None:
    speaker = delivered(house)
    speaker.say("revoke", Revoke("report", "h2", "treatment"))
    house.run("bureau", "record", "erase", Erase(HANDLE, "asked-by-patient"))
    tombstone = house.state.get(TOMBSTONES, HANDLE)
    assert tombstone is not None and tombstone.awaiting == ("h1", "h2")
    house.run("h2", "exchange", "request", Ask(RECORD, "h2:q-2", "treatment"))
    assert house.refusal("h1", "exchange", "deliver", Deliver(RECORD, "h2:q-2", C)) == "record-erased"


def test_only_what_may_be_had_is_found(house: Consortium) -> None:
    def found(member: str, purpose: str = "treatment") -> list[tuple[str, bool]]:
        reader = Reader(member, "hospital", 20260601)
        answer = CONTRACTS["exchange"].ask(house.state, "find", OfPatient(ANNA, purpose), reader)
        return [(one.record_no, one.is_given) for one in answer.found]

    assert found("h2") == []
    granted(house, "all", "h2", "treatment")
    assert found("h2") == [(RECORD, False)] and found("h1") == [] and found("h2", "research") == []
    house.run("h1", "exchange", "deliver", DELIVER)
    assert found("h2") == [(RECORD, True)]


def test_the_older_way_is_closed_to_records_about_persons(house: Consortium) -> None:
    """As of version 2 of record, which a chain with an exchange has."""
    house.run("h2", "record", "request", AskKeeper(RECORD, "h2:q-1", "treatment"))
    deliver = DeliverByKeeper(RECORD, "h2:q-1", C)
    assert house.refusal("h1", "record", "deliver", deliver) == "consent-missing"
    assert house.refusal("h2", "record", "deliver", deliver) == "not-holder"
    copied = Register("h1:r-5", "report", C, ("bureau",), ANNA)
    assert house.refusal("h1", "record", "register", copied) == "consent-missing"
    about_nobody = Register("h1:r-6", "report", C, ("bureau",))
    assert house.refusal("h1", "record", "register", about_nobody) == "ok"
