"""A vault gives as long as a leave stands, and keeps nothing of what it had by one that has ended."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.records import consent, exchange
from consortium.contracts.records.identity import Vouch
from consortium.contracts.records.record import Register
from consortium.core import registry
from consortium.core.machine import Guard, Note, Opened, Read
from consortium.core.vault import Salts, derive_secret
from tests.consent_kit import ANNA, SECRET, SUITE
from tests.contracts_state import CHAIN
from tests.vault_net import VaultNet, secrets_of

HANDLE, RECORD, TO_DAY = "record/h1:r-1", b"a private record, word by word", 20250101
SCOPE = ("report", "h2", "treatment")


@pytest.fixture
def net() -> VaultNet:
    """h1 keeps r-1, a report about Anna, who lets h2 have it; it was delivered to h2."""
    net = VaultNet()
    net.house.state.put(registry.RULES, registry.ONLY, registry.Rules("ed25519", 16, 32))
    net.house.genesis("identity", "vouch", Vouch(ANNA, "", SUITE.public_key(SECRET)))
    net.step("h1", Guard(HANDLE, RECORD))
    salts = Salts(derive_secret(secrets_of("h1")["encrypt"], "salts", "h1"))
    commitment = salts.commit(HANDLE, RECORD)
    net.execute("h1", "record", "register", Register("h1:r-1", "report", commitment, (), ANNA))
    net.execute("h1", "exchange", "offer", exchange.Offer("h1:r-1"))
    say(net, consent.GRANT, 1, consent.Grant(*SCOPE, TO_DAY))
    net.execute("h2", "exchange", "request", exchange.Ask("h1:r-1", "h2:q-1", "treatment"))
    net.execute("h1", "exchange", "deliver", exchange.Deliver("h1:r-1", "h2:q-1", commitment))
    return net


def say(net: VaultNet, speech: Any, number: int, body: Any) -> None:
    net.execute("bureau", "consent", speech.name, speech.say(SUITE, SECRET, CHAIN, ANNA, number, body))


def revoke(net: VaultNet) -> None:
    say(net, consent.REVOKE, 2, consent.Revoke(*SCOPE))


def read(net: VaultNet) -> Opened:
    net.step("h2", Read(HANDLE, "treatment"))
    return net.told["h2"][-1]


def test_what_was_read_is_let_go_with_the_leave(net: VaultNet) -> None:
    assert read(net).record == RECORD and net.boxes["h2"].get(HANDLE) is not None
    revoke(net)
    assert net.boxes["h2"].get(HANDLE) is None and net.boxes["h1"].get(HANDLE) is not None
    assert net.notes["h2"][-1] == Note("record_let_go", {"handle": HANDLE})
    assert read(net).why == "not-entitled"


def test_who_was_away_lets_go_before_anything_else(net: VaultNet) -> None:
    """The history that it missed is not told to it: a snapshot took its place."""
    read(net)
    net.away.add("h2")
    revoke(net)
    assert net.boxes["h2"].get(HANDLE) is not None
    net.away.clear()
    net.boot("h2")
    assert net.boxes["h2"].get(HANDLE) is None


def test_a_question_that_is_open_when_the_leave_ends_is_given_up(net: VaultNet) -> None:
    net.away.add("h1")
    net.step("h2", Read(HANDLE, "treatment"))
    assert not net.vaults["h2"].is_done
    revoke(net)
    assert net.vaults["h2"].is_done and net.told["h2"][-1].why == "not-entitled"
    assert not any(note.kind == "record_missing" for note in net.notes["h2"])
