"""The voices that one node keeps: a key for each pseudonym, and which number comes next in each."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from consortium.contracts.records.identity import Present
from consortium.core.contract import StateReader
from consortium.core.crypto import SUITES, KeySuite
from consortium.core.spoken import VOICES, Said, Speech, prove_control
from consortium.core.vault import derive_secret

TAKEN = ("spoken-before", "spoken-stale")  # another statement was made under the number


class VoiceKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of those who have no device of their own: each comes out of one secret of the node that keeps them,
    which is put beside its tasks where the node is built. `chain`, `suite`: of the genesis."""

    chain: bytes = b""
    suite: str = "ed25519"
    key: bytes = b""

    def secret(self, pseudonym: str) -> bytes:
        return derive_secret(self.key, "voice", pseudonym)


class Saying(NamedTuple):
    """What a person says, before it has a number; not carried before `at_us` after the run's start."""

    pseudonym: str
    speech: Speech[Any]
    body: msgspec.Struct
    at_us: int = 0


class Voices:
    """Numbers follow the order in which things are said, so that a node that hears history again says the same. The
    number of what was refused is used for what is said next."""

    def __init__(self, keys: VoiceKeys, state: StateReader) -> None:
        self._keys = keys
        self._suite: KeySuite = SUITES[keys.suite]()
        self._state = state
        self._highest: dict[str, int] = {}
        self._free: dict[str, list[int]] = {}

    def present(self, pseudonym: str) -> Present:
        secret = self._keys.secret(pseudonym)
        proof = prove_control(self._suite, secret, self._keys.chain, pseudonym)
        return Present(pseudonym, self._suite.public_key(secret), proof)

    def say(self, saying: Saying) -> tuple[int, Said]:
        """The number, and what is carried to the ledger."""
        pseudonym = saying.pseudonym
        free = self._free.get(pseudonym)
        number = free.pop(0) if free else self._highest.get(pseudonym, 0) + 1
        self._highest[pseudonym] = max(number, self._highest.get(pseudonym, 0))
        secret, chain = self._keys.secret(pseudonym), self._keys.chain
        return number, saying.speech.say(self._suite, secret, chain, pseudonym, number, saying.body)

    def refused(self, pseudonym: str, number: int, code: str) -> None:
        """What was said under this number was refused: the number is free, or the ledger knows a higher one."""
        if code in TAKEN:
            self.catch_up(pseudonym)
        else:
            self._free.setdefault(pseudonym, []).append(number)

    def catch_up(self, pseudonym: str) -> None:
        """Begin above the highest number that the ledger knows."""
        voice = self._state.get(VOICES, pseudonym)
        if voice is not None:
            self._highest[pseudonym] = max(voice.highest, self._highest.get(pseudonym, 0))
