"""A record goes to whom its person lets have it: by class, recipient, purpose and time; and what ends with the word."""

from __future__ import annotations

import pytest

from consortium.contracts.oversight.due import DUE, Ring
from consortium.contracts.records.consent import BreakGlass, JudgeGlass, Revoke
from consortium.contracts.records.consents import CONSENTS, GLASSES, Wanted, find_leave, is_standing
from consortium.contracts.records.delegation import DELEGATE, REVOKE, Delegate, Undelegate
from consortium.core.contract import Refused
from tests.consent_kit import ANNA, GRANT_DAYS, Speaker, granted, house_of_consent, scope_for
from tests.contracts_state import Consortium


@pytest.fixture
def house() -> Consortium:
    return house_of_consent()


def judged(house: Consortium, member: str = "h2", record_class: str = "report", purpose: str = "treatment") -> str:
    """What the contract says of a wish today; "consent" or "glass" where there is a leave."""
    try:
        return find_leave(house.state, Wanted(ANNA, record_class, member, purpose), 20260601).kind
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize(
    ("scope", "wanted", "expected"),
    [
        (("report", "h2", "treatment"), ("h2", "report", "treatment"), "consent"),
        (("all", "h2", "treatment"), ("h2", "report", "treatment"), "consent"),
        (("report", "role:hospital", "treatment"), ("h2", "report", "treatment"), "consent"),
        (("all", "role:hospital", "treatment"), ("h1", "image", "treatment"), "consent"),
        (("report", "role:hospital", "treatment"), ("p1", "report", "treatment"), "consent-missing"),
        (("report", "h2", "treatment"), ("h1", "report", "treatment"), "consent-missing"),
        (("report", "h2", "treatment"), ("h2", "image", "treatment"), "consent-missing"),
        (("report", "h2", "research"), ("h2", "report", "treatment"), "purpose-differs"),
        (("all", "role:hospital", "research"), ("h2", "report", "treatment"), "purpose-differs"),
    ],
)
def test_a_consent_covers_what_it_says_and_nothing_else(
    house: Consortium, scope: tuple[str, str, str], wanted: tuple[str, str, str], expected: str
) -> None:
    granted(house, *scope)
    member, record_class, purpose = wanted
    assert judged(house, member, record_class, purpose) == expected


def test_a_consent_ends_on_its_day_and_is_rung_out(house: Consortium) -> None:
    key = granted(house, "report", "h2", "treatment")
    leave = find_leave(house.state, Wanted(ANNA, "report", "h2", "treatment"), 20260601)
    house.today(20260601 + GRANT_DAYS)
    with pytest.raises(Refused, match="consent-over"):
        find_leave(house.state, Wanted(ANNA, "report", "h2", "treatment"), 20260601 + GRANT_DAYS)
    assert is_standing(house.state, leave), "until somebody rings"
    told = house.run("bureau", "consent", "end", Ring(20260601 + GRANT_DAYS, key))
    assert [event.kind for event in told] == ["consent-ended"] and not is_standing(house.state, leave)
    assert house.run("regulator", "consent", "end", Ring(20260601 + GRANT_DAYS, key)) == []
    with pytest.raises(Refused, match="consent-over"):
        find_leave(house.state, Wanted(ANNA, "report", "h2", "treatment"), 20260601 + GRANT_DAYS)


def test_what_was_opened_under_a_word_that_was_taken_back_is_not_opened_by_a_new_one(house: Consortium) -> None:
    speaker = Speaker(house)
    granted(house, "report", "h2", "treatment", speaker)
    leave = find_leave(house.state, Wanted(ANNA, "report", "h2", "treatment"), 20260601)
    speaker.say("revoke", Revoke(*scope_for("report", "h2", "treatment")))
    assert judged(house) == "consent-missing" and not is_standing(house.state, leave)
    assert not list(house.state.range(DUE, "", "~")), "nothing is due of it"
    granted(house, "report", "h2", "treatment", speaker)
    assert judged(house) == "consent" and not is_standing(house.state, leave)


def test_a_word_that_is_said_again_only_moves_its_end(house: Consortium) -> None:
    speaker = Speaker(house)
    key = granted(house, "report", "h2", "treatment", speaker)
    leave = find_leave(house.state, Wanted(ANNA, "report", "h2", "treatment"), 20260601)
    granted(house, "report", "h2", "treatment", speaker, to_day=20260801)
    assert is_standing(house.state, leave)
    assert [name for name, _ in house.state.range(DUE, "", "~")] == [f"20260801/consent.end/{key}"]


@pytest.mark.parametrize(
    ("scope", "to_day", "code"),
    [
        (("gossip", "h2", "treatment"), 20260610, "bad-choice"),
        (("report", "h/2", "treatment"), 20260610, "bad-identifier"),
        (("report", "h2", "marketing"), 20260610, "bad-choice"),
        (("report", "h2", "treatment"), 20260601, "bad-number"),
        (("report", "h2", "treatment"), 20320601, "bad-number"),
        (("report", "h2", "treatment"), 20260631, "bad-date"),
    ],
)
def test_a_consent_has_a_scope_and_an_end(
    house: Consortium, scope: tuple[str, str, str], to_day: int, code: str
) -> None:
    assert Speaker(house).refusal("grant", scope, to_day) == code


def test_nothing_is_taken_back_that_was_not_given(house: Consortium) -> None:
    assert Speaker(house).refused("revoke", Revoke("report", "h2", "treatment")) == "consent-missing"


# --- a delegate -------------------------------------------------------------------------------------------------------


def delegated(house: Consortium, speaker: Speaker, may: tuple[str, ...] = ("consent",), to_day: int = 20260701) -> None:
    house.run("h1", "delegation", "delegate", speaker.said(DELEGATE, Delegate("agent", may, to_day)))


def test_a_delegate_consents_in_its_own_name_until_its_day(house: Consortium) -> None:
    speaker = Speaker(house)
    arguments = scope_for("report", "h2", "treatment", 20260901, patient=ANNA)
    assert speaker.refused_for("agent", "grant_for", arguments) == "not-yours"
    delegated(house, speaker)
    assert speaker.refused_for("h1", "grant_for", arguments) == "not-yours"
    assert speaker.refused_for("agent", "grant_for", arguments) == "ok" and judged(house) == "consent"
    consent = house.state.get(CONSENTS, f"{ANNA}/report/h2/treatment")
    assert consent is not None and consent.said_by == "agent"
    house.today(20260701)
    back = scope_for("report", "h2", "treatment", patient=ANNA)
    assert speaker.refused_for("agent", "revoke_for", back) == "delegation-over"
    delegated(house, speaker, to_day=20260702)
    assert speaker.refused_for("agent", "revoke_for", back) == "ok" and judged(house) == "consent-missing"


def test_a_delegation_is_for_what_it_says_and_ends_by_the_persons_word(house: Consortium) -> None:
    speaker = Speaker(house)
    delegated(house, speaker, ("trial",))
    arguments = scope_for("report", "h2", "treatment", 20260901, patient=ANNA)
    assert speaker.refused_for("agent", "grant_for", arguments) == "delegation-missing"
    house.run("h1", "delegation", "revoke", speaker.said(REVOKE, Undelegate("agent")))
    assert speaker.refused_for("agent", "grant_for", arguments) == "not-yours"
    assert (
        house.refusal("h1", "delegation", "revoke", speaker.said(REVOKE, Undelegate("agent"))) == "delegation-missing"
    )


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Delegate("stranger", ("consent",), 20260701), "unknown-member"),
        (Delegate("agent", (), 20260701), "bad-length"),
        (Delegate("agent", ("identity",), 20260701), "bad-choice"),
        (Delegate("agent", ("consent",), 20260601), "bad-number"),
    ],
)
def test_what_may_be_delegated_and_to_whom(house: Consortium, said: Delegate, code: str) -> None:
    assert house.refusal("h1", "delegation", "delegate", Speaker(house).said(DELEGATE, said)) == code


# --- the glass --------------------------------------------------------------------------------------------------------

GLASS = BreakGlass("h2:g-1", ANNA, "report", "unconscious")


def test_a_broken_glass_opens_a_class_for_treatment_for_two_days_and_tells_the_regulator(house: Consortium) -> None:
    told = house.run("h2", "consent", "break_glass", GLASS)
    assert [(event.kind, event.fields.get("why")) for event in told] == [
        ("glass-broken", None),
        ("notice", "glass-broken"),
    ]
    assert judged(house) == "glass"
    assert judged(house, record_class="image") == judged(house, "h1") == judged(house, purpose="research")
    assert judged(house, "h1") == "consent-missing"
    leave = find_leave(house.state, Wanted(ANNA, "report", "h2", "treatment"), 20260601)
    house.today(20260603)
    house.run("bureau", "consent", "end_glass", Ring(20260603, "h2:g-1"))
    assert not is_standing(house.state, leave) and judged(house) == "consent-missing"
    house.today(20260608)
    told = house.run("regulator", "consent", "check_glass", Ring(20260608, "h2:g-1"))
    assert [event.fields["why"] for event in told] == ["glass-not-judged"]


@pytest.mark.parametrize(("is_justified", "expected"), [(True, "glass"), (False, "consent-missing")])
def test_what_the_regulator_does_not_take_for_an_emergency_ends_at_once(
    house: Consortium, is_justified: bool, expected: str
) -> None:
    house.run("h2", "consent", "break_glass", GLASS)
    house.run("regulator", "consent", "judge_glass", JudgeGlass("h2:g-1", is_justified))
    assert judged(house) == expected
    assert house.refusal("regulator", "consent", "judge_glass", JudgeGlass("h2:g-1", True)) == "wrong-stage"
    house.today(20260608)
    assert house.run("regulator", "consent", "check_glass", Ring(20260608, "h2:g-1")) == []
    glass = house.state.get(GLASSES, "h2:g-1")
    assert glass is not None and glass.reason == "unconscious"


@pytest.mark.parametrize(
    ("member", "glass", "code"),
    [
        ("h2", GLASS, "glass-exists"),
        ("h1", GLASS, "number-foreign"),
        ("p1", BreakGlass("p1:g-2", ANNA, "report", "unconscious"), "not-permitted"),
        ("h2", BreakGlass("h2:g-2", ANNA, "report", "curious"), "bad-choice"),
        ("h2", BreakGlass("h2:g-2", ANNA, "gossip", "unconscious"), "bad-choice"),
        ("h2", BreakGlass("h2:g-2", "11010519491231002X", "report", "unconscious"), "personal-number"),
    ],
)
def test_who_breaks_which_glass(house: Consortium, member: str, glass: BreakGlass, code: str) -> None:
    house.run("h2", "consent", "break_glass", GLASS)
    assert house.refusal(member, "consent", "break_glass", glass) == code


def test_a_glass_that_nobody_broke_is_not_judged(house: Consortium) -> None:
    assert house.refusal("regulator", "consent", "judge_glass", JudgeGlass("h2:g-9", True)) == "unknown-glass"
