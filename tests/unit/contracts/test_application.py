"""Applications as a contract: whose they are, which keys and which permissions are refused, and the list."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.governance.application import CONTRACT, AskList, Listed, Register, Revoke
from consortium.core import registry
from consortium.core.applications import find_application, is_application
from consortium.core.contract import Reader, Refused
from consortium.core.crypto import SUITES
from consortium.core.membership import Epoch, Member
from tests.contracts_state import MEMBERS, Consortium, founded

SUITE = SUITES["ed25519"]()
KEY, OTHER = SUITE.public_key(b"k" * 32), SUITE.public_key(b"o" * 32)
MEMBERS_KEY = SUITE.public_key(b"m" * 32)
MAY = ("bill.issue", "settlement.*")


@pytest.fixture
def house() -> Consortium:
    house = founded()
    names = ("bureau", "h1", "h2")
    members = tuple(Member(name, "hospital", "client", {"submit": MEMBERS_KEY}) for name in names)
    house.state.put(registry.EPOCHS, registry.epoch_key(0), Epoch(0, 1, members))
    house.state.put(registry.NEWEST, registry.ONLY, registry.Newest(0))
    return house


def listed(house: Consortium, asker: str, member: str) -> tuple[Listed, ...]:
    reader = Reader(asker, MEMBERS[asker], 20260601)
    found: tuple[Listed, ...] = CONTRACT.ask(house.state, "list", AskList(member), reader).applications
    return found


def register(**changes: Any) -> Register:
    return Register(**{"member": "h1", "name": "billing", "key": KEY, "may": MAY, **changes})


def test_a_member_registers_lists_and_revokes_its_own(house: Consortium) -> None:
    house.run("h1", "application", "register", register())
    house.genesis("application", "register", register(name="desk", key=OTHER, may=("bill.*",)))
    assert listed(house, "h1", "h1") == (Listed("billing", KEY, MAY), Listed("desk", OTHER, ("bill.*",)))
    assert listed(house, "bureau", "h1") == listed(house, "h1", "h1") and listed(house, "h2", "h2") == ()
    with pytest.raises(Refused, match="not-yours"):
        listed(house, "h2", "h1")
    found = find_application(house.state, "h1", KEY)
    assert found is not None and found.is_allowed("settlement", "claim") and found.is_allowed("bill", "issue")
    assert not found.is_allowed("bill", "deliver") and not found.is_allowed("application", "register")
    assert house.refusal("h2", "application", "revoke", Revoke("h1", "billing")) == "not-yours"
    house.run("h1", "application", "revoke", Revoke("h1", "billing"))
    assert not is_application(house.state, "h1", KEY) and is_application(house.state, "h1", OTHER)
    assert house.refusal("h1", "application", "revoke", Revoke("h1", "billing")) == "unknown-application"
    assert [each.name for each in listed(house, "h1", "h1")] == ["desk"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"member": "h2"}, "not-yours"),
        ({"name": "Billing"}, "bad-name"),
        ({"name": "a/b"}, "bad-name"),
        ({"key": b"short"}, "key-weak"),
        ({"key": bytes(32)}, "key-weak"),
        ({"key": MEMBERS_KEY}, "key-used"),
        ({"may": ()}, "bad-length"),
        ({"may": tuple(f"bill.x{'a' * index}" for index in range(1, 66))}, "bad-length"),
        ({"may": ("bill",)}, "bad-permission"),
        ({"may": ("*.*",)}, "bad-permission"),
        ({"may": ("bill.issue", "bill.issue")}, "bad-permission"),
        ({"may": ("settlement.claim", "bill.issue")}, "bad-permission"),
        ({"may": ("application.register",)}, "bad-permission"),
        ({"may": ("application.*",)}, "bad-permission"),
    ],
)
def test_what_is_refused(house: Consortium, changes: dict[str, Any], code: str) -> None:
    assert house.refusal("h1", "application", "register", register(**changes)) == code


def test_a_name_stands_once_a_key_never_comes_back_and_there_are_so_many(house: Consortium) -> None:
    house.run("h1", "application", "register", register())
    assert house.refusal("h1", "application", "register", register(key=OTHER)) == "application-exists"
    assert house.refusal("h1", "application", "register", register(name="second")) == "key-used"
    house.run("h1", "application", "revoke", Revoke("h1", "billing"))
    assert house.refusal("h1", "application", "register", register()) == "key-used"
    house.run("h1", "application", "register", register(key=OTHER))
    for number in range(63):
        key = SUITE.public_key(number.to_bytes(32, "big"))
        house.run("h1", "application", "register", register(name=f"a{number}", key=key))
    more = register(name="more", key=SUITE.public_key(b"x" * 32))
    assert house.refusal("h1", "application", "register", more) == "too-many-applications"


def test_an_application_is_a_members(house: Consortium) -> None:
    """Who is voted out keeps its role in this test, and has no place among the members."""
    assert house.refusal("p1", "application", "register", register(member="p1")) == "unknown-member"
