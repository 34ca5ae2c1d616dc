"""Private records on the ledger: commitments, who was given them, erasure that blocks re-import; anchors of reads."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.records import record
from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.contracts.records.read_audit import ANCHORS, AnchorDay
from consortium.contracts.records.record import (
    RECORDS,
    Ask,
    ConfirmErased,
    Deliver,
    Erase,
    Register,
    ReportMismatch,
)
from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.core import registry
from consortium.core.membership import Epoch, Member
from tests.contracts_state import MEMBERS, Consortium

HANDLE, C = "record/h1:r-1", b"c" * 32
ERASE = Erase(HANDLE, "asked-by-patient")


@pytest.fixture
def house() -> Consortium:
    """h1 keeps r-1, and the bureau with it."""
    house = Consortium()
    members = tuple(Member(name, role, "validator", {}) for name, role in sorted(MEMBERS.items()) if name != "genesis")
    registry.put_epoch(house.state, Epoch(0, 1, members))
    house.day = 20_000
    house.run("h1", "record", "register", Register("h1:r-1", "report", C, ("bureau",)))
    return house


def test_holders_hold_what_was_registered(house: Consortium) -> None:
    entry = CATALOGUE.find(house.state, HANDLE)
    assert entry is not None and (entry.commitment, entry.holders) == (C, ("bureau", "h1"))
    assert (
        list(CATALOGUE.held_by(house.state, "h1", False))
        == list(CATALOGUE.held_by(house.state, "bureau", False))
        == [HANDLE]
    )
    assert list(CATALOGUE.held_by(house.state, "h2", False)) == []
    assert CATALOGUE.find(house.state, "record/h1:r-2") is CATALOGUE.find(house.state, "nothing/r-1") is None
    assert CATALOGUE.find(house.state, "record") is None


@pytest.mark.parametrize(
    ("register", "code"),
    [
        (Register("h1:r-1", "report", C), "record-exists"),
        (Register("h2:r-1", "report", C), "number-foreign"),
        (Register("h1-b:r-1", "report", C), "number-foreign"),
        (Register("r-2", "report", C), "number-foreign"),
        (Register("r/2", "report", C), "bad-identifier"),
        (Register("h1:r-2", "gossip", C), "bad-choice"),
        (Register("h1:r-2", "report", b"c"), "bad-digest"),
        (Register("h1:r-2", "report", C, ("stranger",)), "unknown-member"),
        (Register("h1:r-2", "report", C, tuple(f"m{n}" for n in range(20))), "bad-length"),
        (Register("h1:r-2", "report", C, ("h1", "h2", "h2")), "ok"),
    ],
)
def test_what_may_be_registered(house: Consortium, register: Register, code: str) -> None:
    assert house.refusal("h1", "record", "register", register) == code


def test_a_record_that_was_delivered_is_its_askers_to_hold(house: Consortium) -> None:
    house.run("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    assert "h2" not in RECORDS_of(house).given
    house.run("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", C))
    entry = CATALOGUE.find(house.state, HANDLE)
    assert entry is not None and entry.holders == ("bureau", "h1", "h2")
    assert list(CATALOGUE.held_by(house.state, "h2", False)) == [HANDLE]


def RECORDS_of(house: Consortium) -> Any:  # noqa: N802
    return house.state.get(RECORDS, "h1:r-1")


@pytest.mark.parametrize(
    ("member", "operation", "arguments", "code"),
    [
        ("h1", "deliver", Deliver("h1:r-1", "h2:q-1", C), "ok"),
        ("h2", "deliver", Deliver("h1:r-1", "h2:q-1", C), "not-holder"),
        ("h1", "deliver", Deliver("h1:r-2", "h2:q-1", C), "not-holder"),
        ("h1", "deliver", Deliver("h1:r-1", "h2:q-2", C), "unknown-request"),
        ("h1", "deliver", Deliver("h1:r-1", "h2:q-1", b"d" * 32), "commitment-differs"),
        ("h2", "report_mismatch", ReportMismatch("h1:r-1", "h2:q-1"), "wrong-stage"),
        ("p1", "report_mismatch", ReportMismatch("h1:r-1", "h2:q-1"), "not-yours"),
        ("p1", "report_mismatch", ReportMismatch("h1:r-1", "h2:q-9"), "not-yours"),
        ("p1", "request", Ask("h1:r-1", "h2:q-1", "treatment"), "number-foreign"),
        ("p1", "request", Ask("h1:r-1", "q-1", "treatment"), "number-foreign"),
        ("h2", "request", Ask("h1:r-1", "h2:q-1", "treatment"), "request-exists"),
        ("p1", "request", Ask("h1:r-2", "p1:q-1", "treatment"), "ok"),
        ("p1", "request", Ask("r/2", "p1:q-1", "treatment"), "bad-identifier"),
        ("p1", "request", Ask("h1:r-1", "p1:q-2", "curiosity"), "bad-choice"),
        ("p1", "request", Ask("h1:r-1", "q/2", "treatment"), "bad-identifier"),
        ("p1", "confirm_erased", ConfirmErased(HANDLE), "not-holder"),
        ("bureau", "erase", Erase("record/h1:r-2", "term-over"), "unknown-record"),
        ("bureau", "erase", Erase("x" * 300, "term-over"), "unknown-record"),
        ("bureau", "erase", Erase(HANDLE, "weary"), "bad-choice"),
        ("h1", "erase", ERASE, "not-permitted"),
    ],
)
def test_one_condition_at_a_time(house: Consortium, member: str, operation: str, arguments: Any, code: str) -> None:
    house.run("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    assert house.refusal(member, "record", operation, arguments) == code


def test_an_asker_that_was_given_another_record_says_so_and_holds_nothing(house: Consortium) -> None:
    house.run("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    house.run("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", C))
    house.run("h2", "record", "report_mismatch", ReportMismatch("h1:r-1", "h2:q-1"))
    assert list(CATALOGUE.held_by(house.state, "h2", False)) == [] and RECORDS_of(house).given == ()
    assert house.refusal("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", C)) == "wrong-stage"


def test_what_an_asker_had_is_erased_also_where_it_said_that_it_differs(house: Consortium) -> None:
    """Else whoever wants to keep a record for ever only has to deny that it is the one."""
    house.run("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    house.run("h1", "record", "deliver", Deliver("h1:r-1", "h2:q-1", C))
    house.run("h2", "record", "report_mismatch", ReportMismatch("h1:r-1", "h2:q-1"))
    house.run("bureau", "record", "erase", ERASE)
    assert CATALOGUE.awaits(house.state, "h2", HANDLE)


def test_asking_tells_nothing_of_whether_there_is_such_a_record(house: Consortium) -> None:
    """Another's, one that nobody has, and one that was erased: the same answer, so that numbers cannot be tried."""
    house.run("h1", "record", "register", Register("h1:r-3", "report", C))
    house.run("bureau", "record", "erase", Erase("record/h1:r-3", "term-over"))
    told = []
    for number in ("h1:r-1", "h1:r-2", "h1:r-3"):
        (event,) = house.run("p1", "record", "request", Ask(number, "p1:q-1", "treatment"))
        told.append({name: value for name, value in event.fields.items() if name != "record_no"})
    assert told[0] == told[1] == told[2]


def test_an_erased_record_is_registered_and_delivered_no_more(house: Consortium) -> None:
    house.run("h2", "record", "request", Ask("h1:r-1", "h2:q-1", "treatment"))
    house.run("bureau", "record", "erase", ERASE)
    assert CATALOGUE.is_erased(house.state, HANDLE) and list(CATALOGUE.erased(house.state)) == [HANDLE]
    for member, operation, arguments in (
        ("h1", "register", Register("h1:r-1", "report", C)),
        ("h1", "deliver", Deliver("h1:r-1", "h2:q-1", C)),
        ("bureau", "erase", ERASE),
    ):
        assert house.refusal(member, "record", operation, arguments) == "record-erased", operation


def test_one_member_has_others_keep_so_many_boxes_and_no_more(
    house: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: whoever registers could have all disks filled, unasked. What is erased counts no more."""
    monkeypatch.setattr(record, "KEPT_BY_OTHERS_MAX", 3)
    assert house.refusal("h1", "record", "register", Register("h1:r-2", "report", C, ("bureau", "h1", "h2"))) == "ok"
    assert house.refusal("h1", "record", "register", Register("h1:r-3", "report", C, ("h2",))) == "others-full"
    assert house.refusal("h1", "record", "register", Register("h1:r-3", "report", C)) == "ok", "its own disk is its own"
    assert house.refusal("h2", "record", "register", Register("h2:r-3", "report", C, ("h1",))) == "ok", (
        "each has a share"
    )
    house.run("bureau", "record", "erase", ERASE)
    house.run("h1", "record", "register", Register("h1:r-4", "report", C, ("h2",)))
    assert house.refusal("h1", "record", "register", Register("h1:r-5", "report", C, ("h2",))) == "others-full"


def test_each_member_that_may_have_had_it_confirms_once(house: Consortium) -> None:
    house.run("bureau", "record", "erase", ERASE)
    assert CATALOGUE.awaits(house.state, "h1", HANDLE) and not CATALOGUE.awaits(house.state, "h2", HANDLE)
    house.run("h1", "record", "confirm_erased", ConfirmErased(HANDLE))
    assert house.refusal("h1", "record", "confirm_erased", ConfirmErased(HANDLE)) == "not-holder"
    tombstone = house.state.get(TOMBSTONES, HANDLE)
    assert tombstone is not None and tombstone.awaiting == ("bureau",)
    events = house.run("bureau", "record", "confirm_erased", ConfirmErased(HANDLE))
    assert events[0].fields["awaiting"] == 0


def anchor(day: int, first: int, count: int) -> AnchorDay:
    return AnchorDay(day, first, count, b"r" * 32)


@pytest.mark.parametrize(
    ("reads", "code"),
    [
        (anchor(20241002, 4, 2), "ok"),
        (anchor(20241001, 4, 2), "anchor-exists"),
        (anchor(20240930, 4, 2), "gap"),
        (anchor(20241002, 5, 2), "gap"),
        (anchor(20241002, 3, 2), "gap"),
        (anchor(20241004, 4, 2), "day-not-over"),
        (anchor(20241002, 4, 0), "bad-number"),
        (anchor(20241399, 4, 2), "bad-date"),
        (AnchorDay(20241002, 4, 2, b""), "bad-digest"),
    ],
)
def test_reads_are_anchored_day_by_day_without_a_gap(house: Consortium, reads: AnchorDay, code: str) -> None:
    house.run("h1", "read_audit", "anchor", anchor(20241001, 1, 3))  # it is 2024-10-04
    assert house.refusal("h1", "read_audit", "anchor", reads) == code
    assert house.refusal("h2", "read_audit", "anchor", anchor(20241001, 1, 9)) == "ok", "each member has its own"
    assert house.state.get(ANCHORS, "h1/20241001") is not None
    assert (CATALOGUE.anchored(house.state, "h1"), CATALOGUE.anchored(house.state, "p1")) == (
        5 if code == "ok" else 3,
        0,
    )
