"""A small consortium in which Anna, whose key is known, speaks of a record of hers that h1 keeps."""

from __future__ import annotations

from typing import Any

from consortium.contracts.records import consent
from consortium.contracts.records.consents import consent_key
from consortium.contracts.records.exchange import Offer
from consortium.contracts.records.identity import Vouch
from consortium.contracts.records.record import Register
from consortium.core import registry, versions
from consortium.core.crypto import SUITES
from consortium.core.membership import Epoch, Member
from consortium.core.spoken import Said, Speech
from tests.contracts_state import CHAIN, MEMBERS, Consortium

ANNA, SECRET, SUITE = "r-anna", b"a" * 32, SUITES["ed25519"]()
RECORD, C, FIELDS = "h1:r-1", b"c" * 32, b"f" * 32
GRANT_DAYS = 9


def house_of_consent() -> Consortium:
    """It is 2026-06-01; h1 keeps and offers RECORD, a report about Anna."""
    house = Consortium()
    house.state.put(registry.RULES, registry.ONLY, registry.Rules("ed25519", 16, 32))
    members = tuple(
        Member(name, role, "validator", {}) for name, role in sorted(MEMBERS.items()) if name not in ("genesis", "vote")
    )
    registry.put_epoch(house.state, Epoch(0, 1, members))
    versions.found(house.state, {"record": 2})  # type: ignore[arg-type]
    house.genesis("identity", "vouch", Vouch(ANNA, "", SUITE.public_key(SECRET)))
    house.run("h1", "record", "register", Register(RECORD, "report", C, (), ANNA))
    house.run("h1", "exchange", "offer", Offer(RECORD, FIELDS))
    return house


def scope_for(record_class: str, recipient: str, purpose: str, to_day: int = 0, patient: str = "") -> tuple[Any, ...]:
    scope: tuple[Any, ...] = (record_class, recipient, purpose)
    return (*((patient,) if patient else ()), *scope, *((to_day,) if to_day else ()))


class Speaker:
    """Anna's voice: it counts its numbers."""

    def __init__(self, house: Consortium) -> None:
        self._house = house
        self._number = 0

    def said(self, speech: Speech[Any], body: Any) -> Said:
        self._number += 1
        return speech.say(SUITE, SECRET, CHAIN, ANNA, self._number, body)

    def say(self, verb: str, body: Any) -> None:
        self._house.run("agent", "consent", verb, self.said(_SPEECHES[verb], body))

    def refused(self, verb: str, body: Any) -> str:
        return self._house.refusal("agent", "consent", verb, self.said(_SPEECHES[verb], body))

    def refusal(self, verb: str, scope: tuple[str, str, str], to_day: int) -> str:
        return self.refused(verb, consent.Grant(*scope, to_day))

    def refused_for(self, member: str, verb: str, arguments: tuple[Any, ...]) -> str:
        """By a delegate, in its own name."""
        kind = {"grant_for": consent.GrantFor, "revoke_for": consent.RevokeFor}[verb]
        return self._house.refusal(member, "consent", verb, kind(*arguments))


_SPEECHES: dict[str, Speech[Any]] = {"grant": consent.GRANT, "revoke": consent.REVOKE}


def granted(
    house: Consortium,
    record_class: str,
    recipient: str,
    purpose: str,
    speaker: Speaker | None = None,
    to_day: int = 20260601 + GRANT_DAYS,
) -> str:
    """Anna consents; the key of the row."""
    (speaker or Speaker(house)).say("grant", consent.Grant(record_class, recipient, purpose, to_day))
    return consent_key(ANNA, record_class, recipient, purpose)
