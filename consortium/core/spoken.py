"""A patient's own voice: a signed statement of a person, carried inside a member's transaction.

A person is known by a pseudonym, and the pseudonym's key is in the state (`VOICES`; contracts/records/identity.py says
how it comes there). What is signed names the chain, the operation, the person and a number, beside the body: so a
statement is good for one operation of one chain, once, in nobody else's name. Who carries it does not matter.

Numbers are single-use in a window of 64 that follows the highest one used, in one row a pseudonym. A statement that was
refused used no number: it may be carried again until its number is used, its window is past, or its key is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from consortium.core import registry
from consortium.core.canonical import check_canonical
from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.contract import EVERY_MEMBER, Context, Event, Operation, Refused, State, StateReader, Table
from consortium.core.crypto import KEY_BYTES, SUITES, KeySuite

BODY_BYTES_MAX = 4_096
NUMBER_WINDOW = 64
_FULL = (1 << NUMBER_WINDOW) - 1

B = TypeVar("B", bound=msgspec.Struct)


class Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement of the person `pseudonym`. `kind`: "contract.operation"; `body`: the canonical bytes of that
    operation's own struct."""

    chain: bytes
    kind: str
    pseudonym: str
    number: int
    body: bytes
    signature: bytes


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of every operation that a patient asks for."""

    spoken: Spoken


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keyed by pseudonym: the public key, and the numbers that it has used: bit i of `used` is the number
    `highest` − i."""

    key: bytes
    highest: int = 0
    used: int = 0


VOICES: Table[Voice] = Table("voice", Voice)


def spoken_statement(chain: bytes, suite: str, kind: str, pseudonym: str, number: int, body: bytes) -> bytes:
    """The bytes that a person signs."""
    return encode(("consortium spoken", 1, chain, suite, kind, pseudonym, number, body))


def speak(suite: KeySuite, secret: bytes, chain: bytes, kind: str, pseudonym: str, number: int, body: bytes) -> Spoken:
    statement = spoken_statement(chain, suite.name, kind, pseudonym, number, body)
    return Spoken(chain, kind, pseudonym, number, body, suite.sign(secret, statement))


def suite_of(state: StateReader) -> KeySuite:
    """The key suite of the chain. Refuses `no-registry`."""
    rules = state.get(registry.RULES, registry.ONLY)
    if rules is None:
        raise Refused("no-registry", "this chain has no registry of members")
    return SUITES[rules.suite]()


def check_spoken(state: State, spoken: Spoken, kind: str, context: Context) -> None:
    """Whether this person says this to this operation now, for the first time; then its number is used.

    Refuses, in this order, `spoken-for-another-chain`, `spoken-for-another-operation`, `unknown-voice`,
    `spoken-too-long`, `spoken-cut` (a signature of another length), `spoken-stale`, `spoken-ahead`, `spoken-before`
    (the number is used), `spoken-forged`."""
    if spoken.chain != context.chain:
        raise Refused("spoken-for-another-chain", "the statement was made for another chain")
    if spoken.kind != kind:
        raise Refused("spoken-for-another-operation", f"the statement was not made for {kind}")
    pseudonym = spoken.pseudonym
    voice = state.get(VOICES, pseudonym)
    if voice is None:
        raise Refused("unknown-voice", "no key is registered for this pseudonym")
    suite = suite_of(state)
    if len(spoken.body) > BODY_BYTES_MAX:
        raise Refused("spoken-too-long", f"a statement has at most {BODY_BYTES_MAX} bytes, got {len(spoken.body)}")
    if len(spoken.signature) != suite.signature_bytes:
        raise Refused("spoken-cut", f"a signature has {suite.signature_bytes} bytes, got {len(spoken.signature)}")
    used = _use(voice, spoken.number)
    statement = spoken_statement(context.chain, suite.name, kind, pseudonym, spoken.number, spoken.body)
    if not suite.verify(voice.key, statement, spoken.signature):
        raise Refused("spoken-forged", "the signature is not that of this person under this statement")
    state.put(VOICES, pseudonym, used)


def _use(voice: Voice, number: int) -> Voice:
    """The voice with this number used."""
    if number < 1 or number <= voice.highest - NUMBER_WINDOW:
        raise Refused("spoken-stale", f"the number is {NUMBER_WINDOW} or more below the highest one used")
    if number > voice.highest + NUMBER_WINDOW:
        raise Refused("spoken-ahead", f"the number is more than {NUMBER_WINDOW} above the highest one used")
    if number > voice.highest:
        return Voice(voice.key, number, ((voice.used << (number - voice.highest)) | 1) & _FULL)
    bit = 1 << (voice.highest - number)
    if voice.used & bit:
        raise Refused("spoken-before", "a statement was made under this number before; nothing is done twice")
    return Voice(voice.key, voice.highest, voice.used | bit)


class Speech(Generic[B]):
    """What a person can say to one operation of a contract: `body` is the struct that it says, canonical."""

    def __init__(self, contract: str, operation: str, body: type[B]) -> None:
        self.kind = f"{contract}.{operation}"
        self.contract, self.name = contract, operation
        check_canonical(body, self.kind)
        self._decoder: Decoder[B] = Decoder(body, BODY_BYTES_MAX)

    def hear(self, state: State, spoken: Spoken, context: Context) -> B:
        """What was said. Refuses like `check_spoken`, and `spoken-malformed`: signed, and not what the operation
        reads."""
        check_spoken(state, spoken, self.kind, context)
        try:
            return self._decoder.decode_canonical(spoken.body)
        except Malformed:
            raise Refused("spoken-malformed", f"the body is not in the canonical encoding of {self.kind}") from None

    def operation(self, run: Callable[[State, B, str, Context], list[Event]]) -> Operation:
        """The operation, which every member may carry: `run(state, what was said, the pseudonym, context)`."""

        def heard(state: State, arguments: Said, context: Context) -> list[Event]:
            return run(state, self.hear(state, arguments.spoken, context), arguments.spoken.pseudonym, context)

        return Operation(self.name, Said, EVERY_MEMBER, heard)

    def say(self, suite: KeySuite, secret: bytes, chain: bytes, pseudonym: str, number: int, body: B) -> Said:
        return Said(speak(suite, secret, chain, self.kind, pseudonym, number, encode(body)))


# --- keys -----------------------------------------------------------------------------------------------------------


def control_statement(chain: bytes, suite: str, pseudonym: str, key: bytes) -> bytes:
    """What a key signs to show that whoever presents it for this pseudonym has its secret."""
    return encode(("consortium voice", 1, chain, suite, pseudonym, key))


def prove_control(suite: KeySuite, secret: bytes, chain: bytes, pseudonym: str) -> bytes:
    key = suite.public_key(secret)
    return suite.sign(secret, control_statement(chain, suite.name, pseudonym, key))


def check_control(state: StateReader, pseudonym: str, key: bytes, proof: bytes, chain: bytes) -> None:
    """Refuses `key-weak`, `control-unproven`."""
    suite = suite_of(state)
    if len(key) != KEY_BYTES or not suite.is_sound_key(key):
        raise Refused("key-weak", f"it is not a sound {suite.name} key")
    if not suite.verify(key, control_statement(chain, suite.name, pseudonym, key), proof):
        raise Refused("control-unproven", "the proof is not a signature of this key for this pseudonym on this chain")
