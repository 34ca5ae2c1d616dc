"""Commercial policies over persons of a small consortium, and what those persons say of them."""

from __future__ import annotations

from consortium.contracts.insurance.second_payer import CLAIM, ClaimSecond, Register
from consortium.contracts.records.identity import Vouch
from consortium.core.crypto import SUITES
from consortium.core.spoken import VOICES, Said
from tests.contracts_state import CHAIN, Consortium

SUITE = SUITES["ed25519"]()


def secret_of(person: str) -> bytes:
    return person.encode().ljust(32, b".")


def insure(house: Consortium, policy_no: str, psn_no: str, insurer: str = "i1", **change: int) -> None:
    """A policy over the year 2026 of 1,000.00 deductible, 80 % and 50 %, 100,000.00 at most; and the person's voice."""
    terms = {"from_day": 20260101, "to_day": 20270101, "deductible_fen": 100_000, "scope_bp": 8_000, "beyond_bp": 5_000}
    if house.state.get(VOICES, psn_no) is None:
        house.genesis("identity", "vouch", Vouch(psn_no, "", SUITE.public_key(secret_of(psn_no))))
    register = Register(policy_no, psn_no, **{**terms, "cap_fen": 10_000_000, **change})
    house.run(insurer, "second_payer", "register", register)


def second_claim(policy_no: str, psn_no: str, sequence: int = 1, *, number: int = 1, year: int = 2026) -> Said:
    said = ClaimSecond(policy_no, year, sequence)
    return CLAIM.say(SUITE, secret_of(psn_no), CHAIN, psn_no, number, said)
