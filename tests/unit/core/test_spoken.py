"""A patient's own voice: what is said holds for one operation, one chain, one person and once; one condition each."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from consortium.core import registry
from consortium.core.codec import encode
from consortium.core.contract import Context, Event, Refused, State
from consortium.core.crypto import SUITES
from consortium.core.spoken import (
    BODY_BYTES_MAX,
    NUMBER_WINDOW,
    VOICES,
    Said,
    Speech,
    Spoken,
    Voice,
    check_control,
    prove_control,
    speak,
)
from tests.contracts_state import CHAIN, MemoryState

SUITE = SUITES["ed25519"]()
ANNA, BERT = b"a" * 32, b"b" * 32
CONTEXT = Context(CHAIN, 1, 0, b"transaction", "h1", "hospital", 20260301)


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says in these tests."""

    words: str


GREET: Speech[Words] = Speech("tests", "greet", Words)


def state_with(**voices: bytes) -> MemoryState:
    state = MemoryState()
    state.put(registry.RULES, registry.ONLY, registry.Rules("ed25519", 16, 32))
    for pseudonym, secret in voices.items():
        state.put(VOICES, pseudonym, Voice(SUITE.public_key(secret)))
    return state


def said(number: int = 1, words: str = "good day") -> Spoken:
    return GREET.say(SUITE, ANNA, CHAIN, "anna", number, Words(words)).spoken


def code_of(state: MemoryState, spoken: Spoken, context: Context = CONTEXT) -> str:
    before = state.copy()
    try:
        GREET.hear(state, spoken, context)
    except Refused as refused:
        state.tables = before
        assert refused.sentence
        return refused.code
    return "ok"


def test_what_a_person_says_is_heard_and_its_number_is_used() -> None:
    state = state_with(anna=ANNA)
    assert GREET.hear(state, said(), CONTEXT) == Words("good day")
    voice = state.get(VOICES, "anna")
    assert voice is not None and (voice.highest, voice.used) == (1, 1)


def _shifted(spoken: Spoken) -> Spoken:
    """The same bytes one after the other, cut at another place."""
    return replace(spoken, pseudonym="ann", body=b"a" + spoken.body)


@pytest.mark.parametrize(
    ("bend", "code"),
    [
        (lambda spoken: replace(spoken, chain=b"d" * 32), "spoken-for-another-chain"),
        (lambda spoken: replace(spoken, chain=CHAIN[:31]), "spoken-for-another-chain"),
        (lambda spoken: replace(spoken, kind="tests.insult"), "spoken-for-another-operation"),
        (lambda spoken: replace(spoken, pseudonym="carl"), "unknown-voice"),
        (lambda spoken: replace(spoken, pseudonym="bert"), "spoken-forged"),
        (lambda spoken: replace(spoken, number=2), "spoken-forged"),
        (lambda spoken: replace(spoken, number=0), "spoken-stale"),
        (lambda spoken: replace(spoken, number=-5), "spoken-stale"),
        (lambda spoken: replace(spoken, number=NUMBER_WINDOW + 1), "spoken-ahead"),
        (lambda spoken: replace(spoken, body=spoken.body[:-1]), "spoken-forged"),
        (lambda spoken: replace(spoken, body=spoken.body + b"\x00"), "spoken-forged"),
        (lambda spoken: replace(spoken, body=encode(Words("good night"))), "spoken-forged"),
        (lambda spoken: replace(spoken, body=bytes(BODY_BYTES_MAX + 1)), "spoken-too-long"),
        (lambda spoken: replace(spoken, signature=spoken.signature[:-1]), "spoken-cut"),
        (lambda spoken: replace(spoken, signature=spoken.signature + b"\x00"), "spoken-cut"),
        (lambda spoken: replace(spoken, signature=bytes(64)), "spoken-forged"),
        (lambda spoken: replace(spoken, signature=b""), "spoken-cut"),
    ],
)
def test_a_statement_that_is_bent_in_one_place_is_refused_by_its_own_code(
    bend: Callable[[Spoken], Spoken], code: str
) -> None:
    state = state_with(anna=ANNA, bert=BERT)
    assert code_of(state, bend(said())) == code
    assert code_of(state, said()) == "ok", "a refusal uses no number"


def test_bytes_that_are_cut_elsewhere_are_another_statement() -> None:
    state = state_with(anna=ANNA, ann=ANNA)
    assert code_of(state, _shifted(said())) == "spoken-forged"


def test_what_was_truly_said_to_another_chain_or_operation_does_not_hold_here() -> None:
    """The names beside a statement are bent back: the signature still tells."""
    state = state_with(anna=ANNA)
    body = encode(Words("good day"))
    elsewhere = speak(SUITE, ANNA, b"d" * 32, GREET.kind, "anna", 1, body)
    assert code_of(state, elsewhere) == "spoken-for-another-chain"
    assert code_of(state, replace(elsewhere, chain=CHAIN)) == "spoken-forged"
    otherwise = speak(SUITE, ANNA, CHAIN, "tests.insult", "anna", 1, body)
    assert code_of(state, otherwise) == "spoken-for-another-operation"
    assert code_of(state, replace(otherwise, kind=GREET.kind)) == "spoken-forged"


def test_another_person_cannot_say_it_for_her() -> None:
    state = state_with(anna=ANNA, bert=BERT)
    body = encode(Words("good day"))
    assert code_of(state, speak(SUITE, BERT, CHAIN, GREET.kind, "anna", 1, body)) == "spoken-forged"


def test_nothing_is_done_twice_also_under_another_body() -> None:
    state = state_with(anna=ANNA)
    assert code_of(state, said(3)) == "ok"
    assert code_of(state, said(3)) == "spoken-before"
    assert code_of(state, said(3, "once more")) == "spoken-before"
    assert code_of(state, said(2)) == "ok", "an older number of the window is free"
    assert code_of(state, said(2)) == "spoken-before"


def test_the_window_follows_the_highest_number() -> None:
    state = state_with(anna=ANNA)
    assert code_of(state, said(NUMBER_WINDOW)) == "ok"
    assert code_of(state, said(NUMBER_WINDOW + 5)) == "ok"
    assert code_of(state, said(5)) == "spoken-stale"
    assert code_of(state, said(6)) == "ok"
    assert code_of(state, said(2 * NUMBER_WINDOW + 6)) == "spoken-ahead"
    assert code_of(state, said(2 * NUMBER_WINDOW + 5)) == "ok"
    voice = state.get(VOICES, "anna")
    assert voice is not None and voice.used < 1 << NUMBER_WINDOW, "one row of bounded size"


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc0", encode("good day"), encode({"words": 7}), encode({"words": "good day", "more": 1}), b"\xff" * 9],
)
def test_a_signed_body_that_the_operation_does_not_read_is_malformed(body: bytes) -> None:
    assert code_of(state_with(anna=ANNA), speak(SUITE, ANNA, CHAIN, GREET.kind, "anna", 1, body)) == "spoken-malformed"


def test_a_body_in_another_encoding_of_the_same_words_is_malformed() -> None:
    longer = b"\x81\xa5words\xd9\x08good day"  # a string with its length in a byte of its own
    assert msgspec.msgpack.decode(longer, type=Words) == Words("good day")
    assert (
        code_of(state_with(anna=ANNA), speak(SUITE, ANNA, CHAIN, GREET.kind, "anna", 1, longer)) == "spoken-malformed"
    )


def test_an_operation_hears_the_speaker_whoever_carries_it() -> None:
    def run(state: State, words: Words, pseudonym: str, context: Context) -> list[Event]:
        return [Event("greeted", {"by": pseudonym, "words": words.words, "carried": context.member})]

    operation = GREET.operation(run)
    assert operation.is_permitted("hospital") and operation.is_permitted("agent")
    assert not operation.is_permitted("genesis") and not operation.is_permitted("")
    events = operation.run(state_with(anna=ANNA), Said(said()), CONTEXT)
    assert events == [Event("greeted", {"by": "anna", "words": "good day", "carried": "h1"})]


def test_control_over_a_key_is_proven_for_one_pseudonym_of_one_chain() -> None:
    state, key = state_with(), SUITE.public_key(ANNA)
    proof = prove_control(SUITE, ANNA, CHAIN, "anna")
    check_control(state, "anna", key, proof, CHAIN)
    for pseudonym, shown, proven, chain, code in (
        ("bert", key, proof, CHAIN, "control-unproven"),
        ("anna", SUITE.public_key(BERT), proof, CHAIN, "control-unproven"),
        ("anna", key, proof, b"d" * 32, "control-unproven"),
        ("anna", key, proof[:-1], CHAIN, "control-unproven"),
        ("anna", bytes(32), proof, CHAIN, "key-weak"),
        ("anna", key[:31], proof, CHAIN, "key-weak"),
    ):
        with pytest.raises(Refused) as refused:
            check_control(state, pseudonym, shown, proven, chain)
        assert refused.value.code == code
