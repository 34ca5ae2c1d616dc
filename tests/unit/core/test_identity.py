"""One rule of names and keys: what no vote could admit stands in no genesis, and in no scenario."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from consortium.core.crypto import SUITES, Ed25519
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, Parameters, decode_genesis, encode_genesis
from consortium.core.identity import keys_fault, name_fault
from consortium.core.membership import Member, Purpose
from consortium.scenario.load import ScenarioError, check_scenario
from consortium.scenario.scenario import MemberSpec, Scenario
from tests.unit.contracts.test_governance import WEAK, House, keys_of

SUITE = Ed25519()
BAD_NAMES = (
    "../../etc", "a/b", "", "-a", "a-", "-", "A", "a b", "a\n", "a.b", "a_b", "ä", "\u0661", "a\x00", "x" * 65,
)  # fmt: skip
GOOD_NAMES = ("a", "7", "node-1", "a--b", "x" * 64)


def genesis(*members: Member) -> Genesis:
    return Genesis(FORMAT, "kit", 0, "ed25519", "pbft", Parameters(), members)


def first(**changes: Any) -> Member:
    return replace(Member("m0", "hospital", "validator", keys_of("m0")), **changes)


def why_refused(*members: Member) -> str:
    try:
        decode_genesis(encode_genesis(genesis(*members)))
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_none_is_refused_by_genesis_vote_and_scenario_alike(name: str) -> None:
    assert name_fault(name) is not None
    assert "hyphens inside" in why_refused(first(name=name))
    house = House()
    assert house.admit(name) == "bad-name"
    members = (MemberSpec(name, "hospital"), *(MemberSpec(f"m{index}", "hospital") for index in range(4)))
    with pytest.raises(ScenarioError, match="hyphens inside"):
        check_scenario(Scenario(name="kit", members=members))


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_that_is_one_is_taken_by_all_three(name: str) -> None:
    assert name_fault(name) is None and why_refused(first(name=name)) == ""
    assert House().admit(name) == "ok"
    members = (MemberSpec(name, "hospital"), *(MemberSpec(f"m{index}", "hospital") for index in range(4)))
    check_scenario(Scenario(name="kit", members=members))


KEYS = keys_of("m0")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({**KEYS, "vote": WEAK}, "vote key is not a sound ed25519 key"),
        ({**KEYS, "vote": bytes(32)}, "vote key is not a sound"),
        ({**KEYS, "vote": b"short"}, "vote key is not a sound"),
        ({**KEYS, "submit": KEYS["submit"] + b"\x00"}, "submit key is not a sound"),
        ({**KEYS, "recover": b""}, "recover key is not a sound"),
        ({**KEYS, "vote": KEYS["submit"]}, "vote key is or was registered already"),
        ({**KEYS, "encrypt": KEYS["vote"]}, "vote key is or was registered already"),
        ({"submit": KEYS["submit"]}, "vote is missing"),
        ({"vote": KEYS["vote"]}, "submit is missing"),
        ({}, "submit is missing"),
    ],
)
def test_a_genesis_with_weak_short_missing_or_repeated_keys_is_refused(keys: dict[Purpose, bytes], why: str) -> None:
    told = why_refused(first(keys=keys))
    assert told.startswith("members: member 'm0': ") and why in told
    if set(keys) >= {"submit", "vote"}:
        assert House().admit("new", keys=keys) in ("key-weak", "key-used"), "the same by vote"


def test_two_members_with_one_key_are_refused_for_they_would_be_two_votes_of_one_secret() -> None:
    other = Member("m1", "hospital", "validator", {**keys_of("m1"), "vote": KEYS["vote"]})
    assert "member 'm1': the vote key is or was registered already" in why_refused(first(), other)
    crossed = Member("m1", "hospital", "validator", {**keys_of("m1"), "submit": KEYS["vote"]})
    assert "member 'm1': the submit key" in why_refused(first(), crossed)
    assert why_refused(first(), Member("m1", "hospital", "validator", keys_of("m1"))) == "", "positive control"


def test_a_client_needs_a_key_to_submit_alone() -> None:
    client = Member("m1", "patient", "client", {"submit": keys_of("m1")["submit"]})
    assert why_refused(first(), client) == ""
    assert "submit is missing" in why_refused(first(), replace(client, keys={}))


@pytest.mark.parametrize("role", ["genesis", "", "a/b", "x" * 65])
def test_a_role_that_no_vote_gives_is_not_given_by_the_genesis(role: str) -> None:
    assert "role must be" in why_refused(first(role=role))
    assert House().admit("new", role=role) in ("bad-choice", "bad-identifier")


@pytest.mark.parametrize("name", sorted(SUITES))
def test_the_rule_asks_the_suite(name: str) -> None:
    suite = SUITES[name]()
    keys: dict[Purpose, bytes] = {"vote": suite.public_key(b"v" * 32), "submit": suite.public_key(b"s" * 32)}
    assert keys_fault(keys, suite, ()) is None
    assert keys_fault({**keys, "vote": keys["vote"][:31]}, suite, ()) is not None
    assert keys_fault(keys, suite, (keys["submit"],)) is not None
