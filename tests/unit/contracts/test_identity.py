"""Keys of pseudonyms: presented with a proof, vouched for by the bureau, rotated by the person, recovered by two."""

from __future__ import annotations

import pytest

from consortium.contracts.records.identity import PRESENTED, RECOVERIES, ROTATE, Decide, Present, Rotate, Vouch
from consortium.core.crypto import SUITES
from consortium.core.spoken import VOICES, prove_control
from tests.contracts_state import CHAIN, Consortium, founded

SUITE = SUITES["ed25519"]()
OLD, NEW = b"o" * 32, b"n" * 32
OLD_KEY, NEW_KEY = SUITE.public_key(OLD), SUITE.public_key(NEW)


def present(secret: bytes, pseudonym: str = "b-1") -> Present:
    return Present(pseudonym, SUITE.public_key(secret), prove_control(SUITE, secret, CHAIN, pseudonym))


def rotation(by: bytes, to: bytes, number: int) -> object:
    said = Rotate(SUITE.public_key(to), prove_control(SUITE, to, CHAIN, "b-1"))
    return ROTATE.say(SUITE, by, CHAIN, "b-1", number, said)


@pytest.fixture
def house() -> Consortium:
    """Person b-1 has the key of OLD."""
    house = founded()
    house.run("agent", "identity", "present", present(OLD))
    house.run("bureau", "identity", "vouch", Vouch("b-1", "agent", OLD_KEY))
    return house


def key_of(house: Consortium) -> bytes:
    voice = house.state.get(VOICES, "b-1")
    assert voice is not None
    return voice.key


def test_the_bureau_vouches_for_a_key_that_was_presented_with_a_proof(house: Consortium) -> None:
    assert key_of(house) == OLD_KEY
    assert house.state.get(PRESENTED, "b-1/agent") is None


def test_a_key_is_presented_by_whoever_has_its_secret() -> None:
    house = founded()
    stolen = Present("b-1", OLD_KEY, prove_control(SUITE, NEW, CHAIN, "b-1"))
    assert house.refusal("agent", "identity", "present", stolen) == "control-unproven"
    assert house.refusal("agent", "identity", "present", Present("b/1", OLD_KEY, b"")) == "bad-identifier"


@pytest.mark.parametrize(
    ("vouch", "code"),
    [
        (Vouch("b-2", "agent", OLD_KEY), "unknown-presentation"),
        (Vouch("b-1", "h1", OLD_KEY), "unknown-presentation"),
        (Vouch("b-1", "agent", NEW_KEY), "unknown-presentation"),
        (Vouch("b-1", "agent", OLD_KEY), "ok"),
    ],
)
def test_the_word_of_the_bureau_is_about_one_key_of_one_person_at_one_agent(vouch: Vouch, code: str) -> None:
    house = founded()
    house.run("agent", "identity", "present", present(OLD))
    assert house.refusal("bureau", "identity", "vouch", vouch) == code


def test_nobody_but_the_bureau_vouches_and_nobody_twice(house: Consortium) -> None:
    house.run("agent", "identity", "present", present(NEW))
    assert house.refusal("h1", "identity", "vouch", Vouch("b-1", "agent", NEW_KEY)) == "not-permitted"
    assert house.refusal("bureau", "identity", "vouch", Vouch("b-1", "agent", NEW_KEY)) == "identity-exists"


def test_a_person_renews_its_key_and_the_old_one_speaks_no_more(house: Consortium) -> None:
    house.run("h1", "identity", "rotate", rotation(OLD, NEW, 1))
    assert key_of(house) == NEW_KEY
    assert house.refusal("h1", "identity", "rotate", rotation(OLD, OLD, 2)) == "spoken-forged"
    assert house.refusal("h1", "identity", "rotate", rotation(NEW, OLD, 1)) == "spoken-before"
    assert house.refusal("h1", "identity", "rotate", rotation(NEW, OLD, 2)) == "ok"


def test_a_new_key_is_proven_too(house: Consortium) -> None:
    unproven = ROTATE.say(SUITE, OLD, CHAIN, "b-1", 1, Rotate(NEW_KEY, bytes(64)))
    assert house.refusal("h1", "identity", "rotate", unproven) == "control-unproven"


def test_a_lost_key_is_replaced_by_the_bureau_and_another_role(house: Consortium) -> None:
    lost, decide = Vouch("b-1", "agent", NEW_KEY), Decide("b-1", NEW_KEY)
    assert house.refusal("bureau", "identity", "propose_recovery", lost) == "unknown-presentation"
    house.run("agent", "identity", "present", present(NEW))
    house.run("bureau", "identity", "propose_recovery", lost)
    assert key_of(house) == OLD_KEY, "nothing is replaced by one word"
    assert house.refusal("bureau", "identity", "endorse_recovery", decide) == "not-permitted"
    assert house.refusal("regulator", "identity", "endorse_recovery", Decide("b-1", OLD_KEY)) == "unknown-recovery"
    house.run("regulator", "identity", "endorse_recovery", decide)
    assert key_of(house) == NEW_KEY
    assert house.refusal("regulator", "identity", "endorse_recovery", decide) == "unknown-recovery"


def test_a_person_that_still_has_its_key_ends_a_recovery(house: Consortium) -> None:
    house.run("agent", "identity", "present", present(NEW))
    house.run("bureau", "identity", "propose_recovery", Vouch("b-1", "agent", NEW_KEY))
    house.run("h1", "identity", "rotate", rotation(OLD, b"p" * 32, 1))
    assert house.refusal("regulator", "identity", "endorse_recovery", Decide("b-1", NEW_KEY)) == "unknown-recovery"
    assert key_of(house) == SUITE.public_key(b"p" * 32)


def test_one_recovery_waits_at_a_time_and_can_be_dropped(house: Consortium) -> None:
    for _ in range(2):
        house.run("agent", "identity", "present", present(NEW))
        house.run("bureau", "identity", "propose_recovery", Vouch("b-1", "agent", NEW_KEY))
        house.run("agent", "identity", "present", present(NEW))
        again = Vouch("b-1", "agent", NEW_KEY)
        assert house.refusal("bureau", "identity", "propose_recovery", again) == "recovery-exists"
        for member in ("h1", "regulator", "agent"):  # regression: any hospital could keep a person from its voice
            assert house.refusal(member, "identity", "drop_recovery", Decide("b-1", NEW_KEY)) == "not-permitted"
        house.run("bureau", "identity", "drop_recovery", Decide("b-1", NEW_KEY))
        assert house.state.get(RECOVERIES, "b-1") is None
    assert house.refusal("bureau", "identity", "propose_recovery", Vouch("b-9", "agent", NEW_KEY)) == "unknown-voice"


def test_the_genesis_vouches_without_a_proof_for_sound_keys_only() -> None:
    house = founded()
    house.genesis("identity", "vouch", Vouch("b-1", "", OLD_KEY))
    assert key_of(house) == OLD_KEY
    with pytest.raises(Exception, match="key-weak"):
        house.genesis("identity", "vouch", Vouch("b-2", "", bytes(32)))
