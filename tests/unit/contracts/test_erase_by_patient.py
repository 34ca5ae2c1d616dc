"""A record is erased by the word of the person that it is about, or by the bureau's with a code, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import bill
from consortium.contracts.insurance.lines import Line
from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.contracts.records.identity import Vouch
from consortium.contracts.records.record import (
    ERASE_BY_PATIENT,
    RECORDS,
    Ask,
    Deliver,
    Erase,
    EraseByPatient,
    Register,
)
from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.core import registry
from consortium.core.crypto import SUITES
from consortium.core.membership import Epoch, Member
from consortium.core.spoken import VOICES, Said
from tests.contracts_state import CHAIN, MEMBERS, Consortium, founded

SUITE, C = SUITES["ed25519"](), b"c" * 32
ANNA, BERT = b"a" * 32, b"b" * 32


@pytest.fixture
def house() -> Consortium:
    """h1 keeps r-anna, about Anna, and r-nobody, about nobody; h2 was given Anna's."""
    house = founded()
    members = tuple(Member(name, role, "validator", {}) for name, role in sorted(MEMBERS.items()) if name != "genesis")
    registry.put_epoch(house.state, Epoch(0, 1, members))
    for pseudonym, secret in (("b-anna", ANNA), ("b-bert", BERT)):
        house.genesis("identity", "vouch", Vouch(pseudonym, "", SUITE.public_key(secret)))
    house.run("h1", "record", "register", Register("h1:r-anna", "report", C, ("bureau",), "b-anna"))
    house.run("h1", "record", "register", Register("h1:r-nobody", "report", C))
    house.run("h2", "record", "request", Ask("h1:r-anna", "h2:q-1", "treatment"))
    house.run("h1", "record", "deliver", Deliver("h1:r-anna", "h2:q-1", C))
    return house


def say(handle: str = "record/h1:r-anna", *, by: bytes = ANNA, person: str = "b-anna", number: int = 1) -> Said:
    return ERASE_BY_PATIENT.say(SUITE, by, CHAIN, person, number, EraseByPatient(handle))


@pytest.mark.parametrize("carrier", ["h1", "p1", "regulator"])
def test_its_person_erases_it_whoever_carries_the_word(house: Consortium, carrier: str) -> None:
    (told,) = house.run(carrier, "record", "erase_by_patient", say())
    assert told.fields == {"handle": "record/h1:r-anna", "reason": "said-by-patient", "awaiting": 3}
    tombstone = house.state.get(TOMBSTONES, "record/h1:r-anna")
    assert tombstone is not None and tombstone.awaiting == ("bureau", "h1", "h2"), "also whom it was given to"
    assert CATALOGUE.is_erased(house.state, "record/h1:r-anna") and not CATALOGUE.is_erased(
        house.state, "record/h1:r-nobody"
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (say(), "ok"),
        (say(by=BERT, person="b-bert"), "not-yours"),
        (say("record/h1:r-nobody"), "not-yours"),
        (say("record/none"), "not-yours"),
        (say("nothing/r-anna"), "not-yours"),
        (say("record/h1:r-anna" + "x" * 300), "not-yours"),
        (say(by=BERT), "spoken-forged"),
        (say(person="b-carl"), "unknown-voice"),
        (say(number=99), "spoken-ahead"),
    ],
)
def test_one_condition_at_a_time(house: Consortium, said: Said, code: str) -> None:
    assert house.refusal("h1", "record", "erase_by_patient", said) == code


@pytest.mark.parametrize(
    ("member", "arguments", "code"),
    [
        ("bureau", Erase("record/h1:r-anna", "asked-by-patient"), "ok"),
        ("bureau", Erase("record/h1:r-anna", "said-by-patient"), "bad-choice"),
        ("bureau", Erase("record/h1:r-anna", ""), "bad-choice"),
        ("h1", Erase("record/h1:r-anna", "term-over"), "not-permitted"),
        ("regulator", Erase("record/h1:r-anna", "term-over"), "not-permitted"),
    ],
)
def test_nobody_but_the_bureau_erases_without_the_word(
    house: Consortium, member: str, arguments: Any, code: str
) -> None:
    assert house.refusal(member, "record", "erase", arguments) == code


def test_it_is_erased_once_and_a_refused_word_uses_no_number(house: Consortium) -> None:
    assert house.refusal("h1", "record", "erase_by_patient", say("record/none")) == "not-yours"
    voice = house.state.get(VOICES, "b-anna")
    assert voice is not None and voice.highest == 0
    house.run("h1", "record", "erase_by_patient", say())
    assert house.refusal("h2", "record", "erase_by_patient", say()) == "spoken-before"
    assert house.refusal("h1", "record", "erase_by_patient", say(number=2)) == "record-erased"
    assert house.refusal("bureau", "record", "erase", Erase("record/h1:r-anna", "term-over")) == "record-erased"


def test_a_record_stays_about_its_person_when_it_is_given_on(house: Consortium) -> None:
    record = house.state.get(RECORDS, "h1:r-anna")
    assert record is not None and (record.given, record.patient) == (("h2",), "b-anna")


def test_who_registers_names_a_pseudonym_and_no_number_of_a_person(house: Consortium) -> None:
    for patient, code in (
        ("b-carl", "ok"),
        ("", "ok"),
        ("11010519491231002X", "personal-number"),
        ("a/b", "bad-identifier"),
    ):
        assert (
            house.refusal("h1", "record", "register", Register(f"h1:r-{code}{len(patient)}", "report", C, (), patient))
            == code
        )


def test_the_lines_of_a_bill_are_not_its_patients_to_erase(house: Consortium) -> None:
    house.run("h1", "bill", "issue", house.issue("H1-1", "b-anna", (Line("A", 1, 1_000),)))
    assert house.state.get(bill.BILLS, "h1-1") is not None and CATALOGUE.find(house.state, "lines/h1-1") is not None
    assert house.refusal("h1", "record", "erase_by_patient", say("lines/h1-1")) == "not-yours"
    assert house.refusal("bureau", "record", "erase", Erase("lines/h1-1", "term-over")) == "ok"
