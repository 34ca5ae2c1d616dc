"""A trial: planned before there are data, judged by others than its sponsor, left by whoever wants to leave."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.oversight.due import Ring
from consortium.contracts.records import trial
from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.contracts.records.delegation import DELEGATE, Delegate
from consortium.contracts.records.tombstones import TOMBSTONES
from consortium.contracts.records.trial_records import DATA_SETS, TRIALS, DataSet
from tests.consent_kit import ANNA, Speaker, house_of_consent
from tests.contracts_state import Consortium

NO, P, C, F = "r1:t-1", b"p" * 32, b"c" * 32, b"f" * 32
HANDLE = f"dataset/{NO}/h1/0001"


def register(number: str = NO, ethics: str = "r2", sites: tuple[str, ...] = ("h1",)) -> trial.Register:
    return trial.Register(number, P, ethics, sites)


def commit(*subjects: str, commitment: bytes = C) -> trial.CommitData:
    return trial.CommitData(NO, commitment, F, 1, subjects)


@pytest.fixture
def house() -> Consortium:
    """r1 plans a trial at h1 that r2 is to judge."""
    house = house_of_consent()
    house.run("regulator", "trial", "accredit", trial.Accredit("r2"))
    house.run("r1", "trial", "register", register())
    return house


@pytest.fixture
def speaker(house: Consortium) -> Speaker:
    return Speaker(house)


def joined(house: Consortium, speaker: Speaker) -> None:
    house.run("r2", "trial", "approve", trial.OfTrial(NO))
    house.run("agent", "trial", "join", speaker.said(trial.JOIN, trial.Join(NO, "h1")))


def granted(house: Consortium, speaker: Speaker) -> None:
    joined(house, speaker)
    house.run("h1", "trial", "commit_data", commit(ANNA))
    house.run("h1", "trial", "grant", trial.Grant(NO, 1, "r3", 20260701))


def data(house: Consortium, version: int = 1) -> DataSet:
    found = house.state.get(DATA_SETS, f"{NO}/h1/{version:04d}")
    assert found is not None
    return found


def readers(house: Consortium, handle: str = HANDLE) -> tuple[str, ...]:
    entry = CATALOGUE.find(house.state, handle)
    assert entry is not None and entry.holders == ("h1",)
    return entry.readers


@pytest.mark.parametrize(
    ("member", "verb", "arguments", "code"),
    [
        ("r1", "register", register(), "trial-exists"),
        ("r1", "register", register("r2:t-1"), "number-foreign"),
        ("r1", "register", register("r1:t-2", "r1"), "not-accredited"),
        ("r1", "register", register("r1:t-2", "r3"), "not-accredited"),
        ("r1", "register", register("r1:t-2", sites=("h9",)), "unknown-member"),
        ("r1", "register", register("r1:t-2", sites=()), "bad-length"),
        ("p1", "register", register("p1:t-2"), "not-permitted"),
        ("r1", "approve", trial.OfTrial(NO), "not-yours"),
        ("r3", "reject", trial.OfTrial(NO), "not-yours"),
        ("h1", "commit_data", commit(ANNA), "not-approved"),
        ("h2", "commit_data", commit(ANNA), "not-yours"),
        ("h1", "grant", trial.Grant(NO, 1, "r3", 20260701), "not-approved"),
        ("r1", "publish_result", trial.Publish(NO, P), "not-approved"),
        ("r3", "publish_result", trial.Publish(NO, P), "not-yours"),
    ],
)
def test_what_is_refused_before_the_protocol_is_approved(
    house: Consortium, member: str, verb: str, arguments: Any, code: str
) -> None:
    assert house.refusal(member, "trial", verb, arguments) == code


def test_nobody_takes_part_in_what_was_not_approved(house: Consortium, speaker: Speaker) -> None:
    join = trial.Join(NO, "h1")
    assert house.refusal("agent", "trial", "join", speaker.said(trial.JOIN, join)) == "not-approved"
    house.run("r2", "trial", "reject", trial.OfTrial(NO))
    assert house.refusal("agent", "trial", "join", speaker.said(trial.JOIN, join)) == "not-approved"
    assert house.refusal("r2", "trial", "approve", trial.OfTrial(NO)) == "not-approved"


@pytest.mark.parametrize(
    ("member", "verb", "arguments", "code"),
    [
        ("h1", "commit_data", commit("r-bert"), "unknown-subject"),
        ("h1", "commit_data", commit(), "bad-length"),
        ("h1", "commit_data", commit(ANNA, commitment=b"short"), "bad-digest"),
        ("h1", "grant", trial.Grant(NO, 2, "r3", 20260701), "data-missing"),
        ("h1", "grant", trial.Grant(NO, 1, "i1", 20260701), "not-researcher"),
        ("h1", "grant", trial.Grant(NO, 1, "r3", 20260601), "bad-number"),
        ("h1", "grant", trial.Grant(NO, 1, "h2", 20260701), "ok"),
        ("r1", "publish_result", trial.Publish(NO, P), "ok"),
    ],
)
def test_what_is_refused_of_data(
    house: Consortium, speaker: Speaker, member: str, verb: str, arguments: Any, code: str
) -> None:
    granted(house, speaker)
    assert house.refusal(member, "trial", verb, arguments) == code


def test_data_are_read_until_their_day(house: Consortium, speaker: Speaker) -> None:
    granted(house, speaker)
    assert readers(house) == ("r3",) and list(CATALOGUE.held_by(house.state, "h1", True)) == [HANDLE, "record/h1:r-1"]
    house.today(20260701)
    house.run("regulator", "trial", "end_access", Ring(20260701, f"r3/{NO}/h1/0001"))
    assert readers(house) == () and list(CATALOGUE.ended(house.state, "r3", NO)) == [HANDLE]
    house.run("h1", "trial", "grant", trial.Grant(NO, 1, "r3", 20260801))
    assert readers(house) == ("r3",) and list(CATALOGUE.ended(house.state, "r3", "")) == []


def test_who_withdraws_before_the_result_has_its_data_erased_everywhere(house: Consortium, speaker: Speaker) -> None:
    granted(house, speaker)
    told = house.run("agent", "trial", "withdraw_subject", speaker.said(trial.WITHDRAW, trial.Withdraw(NO)))
    assert [event.kind for event in told] == ["subject-withdrawn", "data-void", "record-erased"]
    tombstone = house.state.get(TOMBSTONES, HANDLE)
    assert tombstone is not None and tombstone.awaiting == ("h1", "r3") and tombstone.reason == "subject-left"
    assert data(house).stage == "void" and readers(house) == ()
    assert house.refusal("h1", "trial", "commit_data", commit(ANNA)) == "subject-withdrawn"
    assert house.refusal("h1", "trial", "grant", trial.Grant(NO, 1, "r3", 20260701)) == "data-missing"
    assert house.refusal("r1", "trial", "publish_result", trial.Publish(NO, P)) == "data-missing"
    again = speaker.said(trial.WITHDRAW, trial.Withdraw(NO))
    assert house.refusal("agent", "trial", "withdraw_subject", again) == "subject-withdrawn"
    rejoin = speaker.said(trial.JOIN, trial.Join(NO, "h1"))
    assert house.refusal("agent", "trial", "join", rejoin) == "subject-withdrawn"


def test_a_newer_data_set_supersedes_and_a_withdrawal_voids_both(house: Consortium, speaker: Speaker) -> None:
    granted(house, speaker)
    house.run("h1", "trial", "commit_data", commit(ANNA, commitment=b"d" * 32))
    assert (data(house).stage, data(house, 2).stage) == ("superseded", "current") and readers(house) == ("r3",)
    house.run("agent", "trial", "withdraw_subject", speaker.said(trial.WITHDRAW, trial.Withdraw(NO)))
    assert data(house).stage == data(house, 2).stage == "void"


def test_what_a_published_result_rests_on_stays_as_it_was(house: Consortium, speaker: Speaker) -> None:
    granted(house, speaker)
    house.run("r1", "trial", "publish_result", trial.Publish(NO, b"r" * 32))
    published = house.state.get(TRIALS, NO)
    assert published is not None and published.rests_on == (f"{NO}/h1/0001",)
    assert house.refusal("h1", "trial", "commit_data", commit(ANNA)) == "sealed"
    house.run("agent", "trial", "withdraw_subject", speaker.said(trial.WITHDRAW, trial.Withdraw(NO)))
    assert data(house).stage == "current" and readers(house) == ("r3",)
    assert house.refusal("r1", "trial", "publish_result", trial.Publish(NO, b"s" * 32)) == "not-approved"


def test_a_delegate_withdraws_for_a_person(house: Consortium, speaker: Speaker) -> None:
    joined(house, speaker)
    withdraw = trial.WithdrawFor(NO, ANNA)
    assert house.refusal("agent", "trial", "withdraw_for", withdraw) == "not-yours"
    house.run("h2", "delegation", "delegate", speaker.said(DELEGATE, Delegate("agent", ("trial",), 20260701)))
    assert house.refusal("agent", "trial", "withdraw_for", withdraw) == "ok"
    stranger = speaker.said(trial.WITHDRAW, trial.Withdraw("r1:t-404"))
    assert house.refusal("agent", "trial", "withdraw_subject", stranger) == "unknown-trial"
